//! Much to send at once: how it is cut into records, and that one call gives it all.

use super::*;
use crate::record::LENGTH_PREFIX;

/// The lengths of the records in what a connection transmits in one call.
fn record_lengths(connection: &mut Connection) -> Vec<usize> {
    let mut out = Vec::new();
    connection.poll_transmit(&mut out);
    let mut rest = &out[..];
    let mut lengths = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<LENGTH_PREFIX>() {
        let length = u32::from_be_bytes(*length) as usize;
        lengths.push(length);
        rest = &after[length..];
    }
    lengths
}

/// A connected pair whose client has one stream open, and what the opening took is over.
fn ready() -> (Pair, StreamId) {
    let mut pair = Pair::connected();
    let stream = pair.opened("bulk");
    (pair, stream)
}

#[test]
fn what_is_long_is_cut_into_records_of_about_one_length() {
    for (size, records) in
        [(100, 1), (2000, 1), (3000, 2), (5000, 2), (10_000, 4), (20_000, 4), (65_536, 8), (120_000, 8)]
    {
        let (mut pair, stream) = ready();
        pair.client.send(stream, vec![7; size]).unwrap();
        let lengths = record_lengths(&mut pair.client);
        assert_eq!(lengths.len(), records, "{size} bytes: {lengths:?}");
        let (shortest, longest) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
        assert!(longest - shortest < 256, "{size} bytes: {lengths:?}");
        assert_eq!(record_lengths(&mut pair.client), [0; 0], "{size} bytes: all of it went out in one call");
    }
}

#[test]
fn many_small_calls_go_out_in_one_call() {
    let (mut pair, _) = ready();
    for _ in 0..64 {
        let stream = pair.client.open(&open("small")).unwrap();
        pair.client.send(stream, vec![7; 90]).unwrap();
        pair.client.finish(stream).unwrap();
    }
    let lengths = record_lengths(&mut pair.client);
    assert_eq!(lengths.len(), 4, "{lengths:?}");
    assert_eq!(record_lengths(&mut pair.client), [0; 0]);
}

#[test]
fn a_burst_is_bounded_and_goes_on() {
    let (mut pair, _) = ready();
    let streams: Vec<StreamId> = (0..4).map(|_| pair.opened("long")).collect();
    for stream in streams {
        pair.client.send(stream, vec![7; 100_000]).unwrap();
    }
    let mut calls = 0;
    loop {
        let mut burst = Vec::new();
        if !pair.client.poll_transmit(&mut burst) {
            break;
        }
        assert!(burst.len() < 160 << 10, "{}", burst.len());
        pair.server.hear(pair.now, &burst);
        calls += 1;
    }
    assert_eq!(calls, 4);
    assert_eq!(pair.server_events().len(), 4);
}
