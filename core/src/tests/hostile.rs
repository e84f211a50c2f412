//! A peer that holds the key and breaks the rules: every violation by its name, and no memory beyond the bounds.

use super::*;
use crate::connection::{EVENT_COST, Violation};
use crate::frame::{IGNORE, put_close, put_credit, put_data, put_open, put_ping, put_reset};
use crate::record::OpenError;
use crate::status::{Code, Status};

/// What the server says to these frames from a client.
fn refused(frames: impl FnOnce(&mut Vec<u8>)) -> Violation {
    let mut pair = Pair::connected();
    violated(&mut pair, frames)
}

fn violated(pair: &mut Pair, frames: impl FnOnce(&mut Vec<u8>)) -> Violation {
    say(pair, frames);
    let reason = closed(&mut pair.server);
    pair.server_speaks();
    assert!(matches!(closed(&mut pair.client), Closed::PeerGaveUp(_)), "the client is told");
    match reason {
        Closed::Violation(violation) => violation,
        other => panic!("{other:?}"),
    }
}

/// The client seals these frames, and the server takes them.
fn say(pair: &mut Pair, frames: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = Vec::new();
    frames(&mut bytes);
    for record in bytes.chunks(crate::record::MAX_FRAMES) {
        pair.client.danger_seal(record);
    }
    pair.client_speaks();
}

fn put_call(out: &mut Vec<u8>, id: u32) {
    put_open(out, id, &open("call"), 1000);
}

#[test]
fn illegal_lengths_are_refused_before_anything_is_kept() {
    for length in [0_u32, 1, 57, 72, 74, 65_609 + 16, 1 << 31, u32::MAX] {
        let mut pair = Pair::connected();
        pair.server.hear(pair.now, &length.to_be_bytes());
        assert_eq!(closed(&mut pair.server), Closed::Record(OpenError::BadLength(length as usize)), "{length}");
    }
}

#[test]
fn stream_numbers() {
    assert_eq!(refused(|out| put_call(out, 0)), Violation::StreamNumber(0));
    assert_eq!(refused(|out| put_call(out, 2)), Violation::StreamNumber(2));
    assert_eq!(refused(|out| (put_call(out, 3), put_call(out, 3)).0), Violation::StreamNumber(3));
    assert_eq!(refused(|out| (put_call(out, 3), put_call(out, 1)).0), Violation::StreamNumber(1));
}

#[test]
fn frames_for_streams_that_never_were() {
    let status = Status::new(Code::Cancelled, "");
    assert_eq!(refused(|out| put_data(out, 1, 0, b"x")), Violation::IdleStream("DATA", 1));
    assert_eq!(refused(|out| put_credit(out, 2, 1)), Violation::IdleStream("CREDIT", 2));
    assert_eq!(refused(|out| put_reset(out, 0, &status)), Violation::IdleStream("RESET", 0));
}

#[test]
fn more_streams_than_agreed() {
    let flood = |out: &mut Vec<u8>| (0..=1024).for_each(|at| put_call(out, 2 * at + 1));
    assert_eq!(refused(flood), Violation::TooManyStreams(1024));
}

#[test]
fn more_bytes_than_granted() {
    let mut pair = Pair::connected();
    let chunk = vec![0; 32 << 10];
    say(&mut pair, |out| put_call(out, 1));
    for _ in 0..7 {
        say(&mut pair, |out| put_data(out, 1, 0, &chunk));
    }
    assert!(!pair.server.is_over());
    assert_eq!(violated(&mut pair, |out| put_data(out, 1, 0, &chunk)), Violation::Credit(1));
}

#[test]
fn messages_without_bytes_beyond_what_was_granted() {
    let mut pair = Pair::connected();
    say(&mut pair, |out| put_call(out, 1));
    for _ in 0..Limits::default().credit as usize / EVENT_COST / 512 {
        say(&mut pair, |out| (0..512).for_each(|_| put_data(out, 1, 0, b"")));
    }
    assert!(!pair.server.is_over());
    say(&mut pair, |out| put_call(out, 3));
    say(&mut pair, |out| put_data(out, 3, 2, b""));
    assert!(!pair.server.is_over(), "another stream has credit of its own");
    assert_eq!(violated(&mut pair, |out| put_data(out, 1, 0, b"")), Violation::Credit(1));
}

#[test]
fn the_end_alone_needs_no_credit() {
    let mut pair = Pair::connected();
    say(&mut pair, |out| put_call(out, 1));
    let chunk = vec![0; 32 << 10];
    for more in [1, 1, 1, 1, 1, 1, 1, 0] {
        say(&mut pair, |out| put_data(out, 1, more, &chunk));
    }
    say(&mut pair, |out| put_data(out, 1, 2, b""));
    assert!(!pair.server.is_over());
}

#[test]
fn a_message_beyond_the_limit() {
    let limits = Limits { message: 1000, ..Limits::default() };
    let mut pair = Pair::connected_with(&client_config(), ServerConfig { limits, ..server_config() });
    let violation = violated(&mut pair, |out| {
        put_call(out, 1);
        put_data(out, 1, 1, &[0; 600]);
        put_data(out, 1, 0, &[0; 401]);
    });
    assert_eq!(violation, Violation::MessageLength(1000));
}

#[test]
fn data_after_the_end_and_an_end_inside_a_message() {
    let after = |out: &mut Vec<u8>| {
        put_call(out, 1);
        put_data(out, 1, 2, b"all");
        put_data(out, 1, 0, b"more");
    };
    assert_eq!(refused(after), Violation::AfterEnd(1));
    let inside = |out: &mut Vec<u8>| {
        put_call(out, 1);
        put_data(out, 1, 3, b"part");
    };
    assert_eq!(refused(inside), Violation::EndInsideMessage(1));
}

#[test]
fn credit_beyond_any_sense() {
    let grants = |out: &mut Vec<u8>| {
        put_call(out, 1);
        put_credit(out, 1, u32::MAX);
    };
    assert_eq!(refused(grants), Violation::Credit(1));
}

#[test]
fn broken_frames() {
    assert_eq!(refused(|out| out.extend([2, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff])), Violation::FrameLength);
    assert_eq!(refused(|out| out.extend([2, 0, 0])), Violation::FrameLength);
    assert_eq!(refused(|out| out.extend([77, 0, 0, 0, 0, 0, 0, 0, 0, 0])), Violation::FrameKind(77));
    assert_eq!(refused(|out| out.extend([1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 9])), Violation::Malformed("OPEN"));
}

#[test]
fn floods_of_frames_that_cost_nothing() {
    let mut pair = Pair::connected();
    let flood = |frame: fn(&mut Vec<u8>)| move |out: &mut Vec<u8>| (0..3000).for_each(|_| frame(out));
    let ping = flood(|out| put_ping(out, [0; 8]));
    say(&mut pair, ping);
    assert!(!pair.server.is_over(), "a burst passes");
    assert!(pair.server.queued() == 0);
    say(&mut pair, ping);
    assert_eq!(closed(&mut pair.server), Closed::Violation(Violation::Flood("PING")));

    type Put = fn(&mut Vec<u8>);
    let kinds: [(Put, &str); 4] = [
        (|out| put_data(out, 1, 1, &[]), "empty DATA"),
        (|out| put_credit(out, 1, 1), "CREDIT"),
        (|out| put_reset(out, 1, &Status::new(Code::Cancelled, "")), "RESET"),
        (|out| out.extend([77, IGNORE, 0, 0, 0, 0, 0, 0, 0, 0]), "unknown"),
    ];
    for (frame, name) in kinds {
        let mut pair = Pair::connected();
        say(&mut pair, |out| put_call(out, 1));
        say(&mut pair, flood(frame));
        assert!(!pair.server.is_over(), "a burst of {name} passes");
        say(&mut pair, flood(frame));
        assert_eq!(closed(&mut pair.server), Closed::Violation(Violation::Flood(name)));
    }
}

#[test]
fn a_ping_every_second_for_days_is_no_flood() {
    let mut pair = Pair::connected();
    for _ in 0..20_000 {
        pair.pass(Duration::from_secs(1));
        pair.client.ping([1; 8]);
        pair.drive();
        pair.client_events();
    }
    assert!(!pair.client.is_over() && !pair.server.is_over());
}

#[test]
fn pings_and_empty_messages_that_are_answered_are_no_flood() {
    let mut pair = Pair::connected();
    for _ in 0..10_000 {
        pair.client.ping([1; 8]);
        pair.drive();
        assert_eq!(pair.client_events(), [Event::Pong([1; 8])]);
    }
    for _ in 0..10_000 {
        let notice = Open { one_way: true, ..open("unit") };
        let stream = pair.client.open(&notice).expect("the one before is over");
        pair.client.send(stream, Vec::new()).unwrap();
        pair.client.finish(stream).unwrap();
        pair.drive();
        pair.server.consume(stream, 0);
        pair.server_events();
    }
    assert!(!pair.client.is_over() && !pair.server.is_over());
}

#[test]
fn times_too_far_for_the_clock_are_none() {
    let mut bounds = Bounds::default();
    (bounds.handshake, bounds.keepalive, bounds.idle) = (Duration::MAX, Duration::MAX, Duration::MAX);
    let server = ServerConfig { bounds, ..server_config() };
    let mut pair = Pair::connected_with(&ClientConfig { bounds, ..client_config() }, server);
    pair.pass(Duration::from_secs(100_000));
    assert!(!pair.client.is_over() && !pair.server.is_over());
    assert_eq!((pair.client.poll_timeout(), pair.server.poll_timeout()), (None, None));
}

#[test]
fn opening_and_resetting_without_end_is_a_flood() {
    let mut pair = Pair::connected();
    for at in 0..5000 {
        say(&mut pair, |out| {
            put_call(out, 2 * at + 1);
            put_reset(out, 2 * at + 1, &Status::new(Code::Cancelled, ""));
        });
        pair.server_events();
        if pair.server.is_over() {
            return;
        }
    }
    panic!("5,000 resets at once passed");
}

#[test]
fn empty_messages_count_against_the_bound() {
    let bounds = Bounds { inbound: 64 << 10, ..Bounds::default() };
    let mut pair = Pair::connected_with(&client_config(), ServerConfig { bounds, ..server_config() });
    say(&mut pair, |out| {
        put_call(out, 1);
        (0..2000).for_each(|_| put_data(out, 1, 0, &[]));
    });
    let messages = events(&mut pair.server).iter().filter(|event| matches!(event, Event::Message { .. })).count();
    assert_eq!(messages, (64 << 10) / crate::connection::EVENT_COST, "then the stream is reset");
    assert!(!pair.server.wants_read());
}

#[test]
fn a_peer_s_reason_is_escaped() {
    let mut pair = Pair::connected();
    say(&mut pair, |out| put_close(out, Some("bye\x1b[2J")));
    assert_eq!(closed(&mut pair.server), Closed::PeerGaveUp("bye\\u{1b}[2J".to_owned()));
}
