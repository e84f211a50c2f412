//! The wire misbehaves: split, cut, flipped, replayed, reordered, dropped, reflected.

use super::*;
use crate::handshake::PREAMBLE_LEN;
use crate::record::OpenError;

/// A client's whole side of a session with one call, and the server's answers to it.
struct Recording {
    handshake: Vec<u8>,
    records: Vec<Vec<u8>>,
}

fn recording(pair: &mut Pair, calls: usize) -> Recording {
    let handshake = transmit(&mut pair.client);
    pair.server.hear(pair.now, &handshake);
    pair.server_speaks();
    let records = (0..calls).map(|_| {
        let stream = pair.client.open(&open("call")).unwrap();
        pair.client.send(stream, b"question".to_vec()).unwrap();
        pair.client.finish(stream).unwrap();
        transmit(&mut pair.client)
    });
    Recording { handshake, records: records.collect() }
}

fn fresh() -> Pair {
    Pair::new(&client_config(), server_config())
}

#[test]
fn any_split_of_the_input_has_the_same_effect() {
    let mut reference = fresh();
    let recording = recording(&mut reference, 2);
    let records = recording.records.concat();
    reference.server.hear(reference.now, &records);
    let expected = reference.server_events();
    let all = [recording.handshake, records].concat();
    for cut in 0..=all.len() {
        let mut pair = fresh();
        pair.server.hear(pair.now, &all[..cut]);
        pair.server.hear(pair.now, &all[cut..]);
        assert_eq!(pair.server_events(), expected, "split at {cut}");
    }
    let mut pair = fresh();
    for byte in all.chunks(1) {
        pair.server.hear(pair.now, byte);
    }
    assert_eq!(pair.server_events(), expected, "byte by byte");
}

#[test]
fn input_cut_anywhere_is_never_a_whole_session() {
    let mut reference = fresh();
    let recording = recording(&mut reference, 1);
    let all = [recording.handshake.clone(), recording.records.concat()].concat();
    for cut in 0..all.len() {
        let mut pair = fresh();
        pair.server.hear(pair.now, &all[..cut]);
        assert!(!pair.server.is_over(), "cut at {cut}");
        pair.server.handle_eof();
        assert!(matches!(closed(&mut pair.server), Closed::Handshake(_)), "cut at {cut}");
    }
    let mut pair = fresh();
    pair.server.hear(pair.now, &all);
    pair.server.handle_eof();
    assert_eq!(closed(&mut pair.server), Closed::Truncated);
}

#[test]
fn one_flipped_bit_in_any_byte_of_the_first_message_ends_the_handshake() {
    let mut reference = fresh();
    let first = transmit(&mut reference.client);
    for at in 0..first.len() * 8 {
        let mut pair = fresh();
        let mut bytes = transmit(&mut pair.client);
        bytes[at / 8] ^= 1 << (at % 8);
        pair.server.hear(pair.now, &bytes);
        pair.server_speaks();
        pair.client_speaks();
        pair.server.handle_eof();
        pair.client.handle_eof();
        assert!(matches!(closed(&mut pair.server), Closed::Handshake(_)), "bit {at} at the server");
        assert!(matches!(closed(&mut pair.client), Closed::Handshake(_)), "bit {at} at the client");
    }
}

#[test]
fn one_flipped_bit_in_any_byte_of_the_second_message_ends_the_handshake() {
    let mut reference = fresh();
    reference.client_speaks();
    let second = transmit(&mut reference.server);
    for at in 0..second.len() * 8 {
        let mut pair = fresh();
        pair.client_speaks();
        let mut bytes = transmit(&mut pair.server);
        bytes[at / 8] ^= 1 << (at % 8);
        pair.client.hear(pair.now, &bytes);
        pair.client.handle_eof();
        assert!(matches!(closed(&mut pair.client), Closed::Handshake(_)), "bit {at}");
        assert_eq!(pair.client.session(), None);
    }
}

#[test]
fn one_flipped_bit_in_any_byte_of_a_record_ends_the_session() {
    let length = {
        let mut pair = Pair::connected();
        pair.client.ping([1; 8]);
        transmit(&mut pair.client).len()
    };
    for at in 0..length * 8 {
        let mut pair = Pair::connected();
        pair.client.ping([1; 8]);
        let mut bytes = transmit(&mut pair.client);
        bytes[at / 8] ^= 1 << (at % 8);
        pair.server.hear(pair.now, &bytes);
        assert!(
            transmit(&mut pair.server).len() != length || pair.server.is_over(),
            "bit {at}: no answer to a damaged ping"
        );
        // A longer length waits for bytes that never come.
        pair.server.handle_eof();
        let reason = closed(&mut pair.server);
        assert!(matches!(reason, Closed::Record(_) | Closed::Violation(_) | Closed::Truncated), "bit {at}: {reason}");
        pair.server_speaks();
        pair.client.handle_eof();
        assert!(matches!(closed(&mut pair.client), Closed::PeerGaveUp(_) | Closed::Truncated), "bit {at}");
    }
}

/// The server's reason after it was fed these records.
fn after(records: &[&[u8]], pair: &mut Pair) -> Closed {
    for record in records {
        pair.server.hear(pair.now, record);
    }
    closed(&mut pair.server)
}

#[test]
fn replayed_reordered_and_dropped_records_are_out_of_sequence() {
    let out_of_sequence = |expected, found| Closed::Record(OpenError::OutOfSequence { expected, found });
    let mut pair = fresh();
    let records = recording(&mut pair, 3).records;
    assert_eq!(after(&[&records[0], &records[0]], &mut pair), out_of_sequence(1, 0));
    let mut pair = fresh();
    let records = recording(&mut pair, 3).records;
    assert_eq!(after(&[&records[1], &records[0]], &mut pair), out_of_sequence(0, 1));
    let mut pair = fresh();
    let records = recording(&mut pair, 3).records;
    assert_eq!(after(&[&records[0], &records[2]], &mut pair), out_of_sequence(1, 2));
}

#[test]
fn a_reflected_record_is_not_sealed_for_this_direction() {
    let mut pair = Pair::connected();
    pair.client.ping([1; 8]);
    let record = transmit(&mut pair.client);
    pair.client.hear(pair.now, &record);
    assert_eq!(closed(&mut pair.client), Closed::Record(OpenError::BadSeal));
}

#[test]
fn a_record_of_another_session_does_not_open() {
    let mut other = Pair::new(&client_config(), server_config());
    other.client = Connection::client(&client_config(), Start { entropy: [99; 32], now: other.now, unix_time: 0 });
    let record = recording(&mut other, 1).records.remove(0);
    let mut pair = Pair::connected();
    assert_eq!(after(&[&record], &mut pair), Closed::Record(OpenError::BadSeal));
}

#[test]
fn both_sides_learn_why_a_session_broke() {
    let mut pair = Pair::connected();
    pair.client.ping([1; 8]);
    let mut bytes = transmit(&mut pair.client);
    *bytes.last_mut().unwrap() ^= 1;
    pair.server.hear(pair.now, &bytes);
    pair.server_speaks();
    assert_eq!(closed(&mut pair.server), Closed::Record(OpenError::BadSeal));
    let Closed::PeerGaveUp(reason) = closed(&mut pair.client) else { panic!() };
    assert!(reason.contains("record refused"), "{reason}");
}

#[test]
fn garbage_never_panics_and_never_connects() {
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};
    let mut random = ChaCha20Rng::from_seed([3; 32]);
    for round in 0..2_000_u32 {
        let mut pair = if round % 2 == 0 { fresh() } else { Pair::connected() };
        let good = transmit(&mut pair.client);
        let prefix = if round % 4 == 0 { PREAMBLE_LEN.min(good.len()) } else { 0 };
        let mut bytes = vec![0; (random.next_u32() % 600) as usize];
        random.fill_bytes(&mut bytes);
        pair.server.hear(pair.now, &good[..prefix]);
        pair.server.hear(pair.now, &bytes);
        pair.server.handle_eof();
        pair.server.handle_timeout(pair.now);
        assert!(pair.server.is_over());
        assert!(pair.server_events().iter().all(|event| !matches!(event, Event::Connected(_))));
    }
}

#[test]
fn rest_at_any_time_changes_nothing() {
    let mut pair = Pair::connected();
    let rest = |pair: &mut Pair| [&mut pair.client, &mut pair.server].map(Connection::rest);
    let (long, short) = (pair.client.open(&open("long")).unwrap(), pair.client.open(&open("short")).unwrap());
    pair.client.send(long, vec![1; 100_000]).unwrap();
    pair.client.send(short, vec![2; 10]).unwrap();
    rest(&mut pair);
    // Cut so that bytes are held between the pieces.
    for piece in transmit(&mut pair.client).chunks(1000) {
        pair.server.hear(pair.now, piece);
        rest(&mut pair);
    }
    let messages = pair.server_events().into_iter().filter_map(|event| match event {
        Event::Message { stream, message, .. } => Some((stream, message)),
        _ => None,
    });
    assert!(messages.eq([(short, vec![2; 10]), (long, vec![1; 100_000])]));

    pair.server.send(long, b"reply".to_vec()).unwrap();
    rest(&mut pair);
    pair.drive();
    let reply = Event::Message { stream: long, message: b"reply".to_vec(), last: false };
    assert_eq!(pair.client_events(), [reply]);
}
