//! Streams of every shape over a real socket, and every way in which one ends.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use bulla_client::{CallError, CallOptions, Client, Incoming, Outgoing, client_bounds};
use bulla_core::connection::{EVENT_COST, Limits};
use bulla_core::status::Code;

use crate::common::streams::{Watch, serve_streams};
use crate::common::{TestServer, eventually};

fn connected() -> (TestServer, Arc<Watch>, Client) {
    let (server, watch) = serve_streams(Limits::default());
    let client = server.connect();
    (server, watch, client)
}

fn options() -> CallOptions {
    CallOptions::new()
}

fn within(milliseconds: u64) -> CallOptions {
    options().deadline(Duration::from_millis(milliseconds))
}

#[test]
fn one_request_many_answers_in_every_codec() {
    let (server, _) = serve_streams(Limits::default());
    for codec in ["bincode", "json", "xml", "yaml"] {
        let client = server.builder().offer([codec]).connect().unwrap();
        let numbers: Incoming<u64> = client.server_stream("count", &1000_u64, &options()).unwrap();
        let numbers: Vec<u64> = numbers.map(Result::unwrap).collect();
        assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    }
}

#[test]
fn many_requests_one_answer() {
    let (_server, _, client) = connected();
    let upload = client.client_stream::<u64, u64>("sum", &options()).unwrap();
    for number in 0..=1000 {
        upload.send(&number).unwrap();
    }
    assert_eq!(upload.finish().unwrap(), 500_500);
    assert_eq!(client.client_stream::<u64, u64>("sum", &options()).unwrap().finish().unwrap(), 0, "none is many, too");
}

#[test]
fn both_ways_in_turn() {
    let (_server, _, client) = connected();
    let (outgoing, mut incoming) = client.duplex::<String, String>("echo", &options()).unwrap();
    for round in 0..100 {
        outgoing.send(&format!("round {round}")).unwrap();
        assert_eq!(incoming.next().unwrap().unwrap(), format!("round {round}"));
    }
    assert_eq!(incoming.try_next(), Poll::Pending);
    assert_eq!(incoming.next_timeout(Duration::from_millis(1)), Poll::Pending, "and the stream goes on");
    outgoing.finish().unwrap();
    assert_eq!(incoming.next(), None);
    assert_eq!(incoming.next(), None);
    assert_eq!(incoming.try_next(), Poll::Ready(None));
}

#[test]
fn the_halves_run_on_two_threads() {
    let (_server, _, client) = connected();
    let (outgoing, incoming) = client.duplex::<u64, u64>("echo", &options()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..50_000 {
                outgoing.send(&number).unwrap();
            }
            outgoing.finish().unwrap();
        });
        let numbers: Vec<u64> = incoming.map(Result::unwrap).collect();
        assert_eq!(numbers, (0..50_000).collect::<Vec<_>>());
    });
}

#[test]
fn calls_go_on_beside_a_stream_that_nobody_reads() {
    let (_server, watch, client) = connected();
    let mut stalled: Incoming<u64> = client.server_stream("endless", &0_u64, &options()).unwrap();
    for number in 0..100 {
        let (outgoing, mut incoming) = client.duplex::<u64, u64>("echo", &options()).unwrap();
        outgoing.send(&number).unwrap();
        assert_eq!(incoming.next().unwrap().unwrap(), number);
    }
    // Nothing moves any more: the window, and as much again that waits at the server.
    let mut seen = 0;
    eventually("the server comes to rest", || {
        client.ping().unwrap();
        seen == std::mem::replace(&mut seen, watch.sent.load(Ordering::SeqCst))
    });
    let cost = EVENT_COST as u64 + 1;
    assert!(seen <= 2 * u64::from(Limits::default().credit).div_ceil(cost), "{seen} numbers of a byte at least");
    for expected in 0..seen * 2 {
        assert_eq!(stalled.next().unwrap().unwrap(), expected, "what was held up comes, and more");
    }
}

#[test]
fn a_sender_waits_while_the_window_is_full() {
    let (_server, watch, client) = connected();
    let (outgoing, _incoming) = client.duplex::<[u8], ()>("hold", &options()).unwrap();
    let mut sent = 0;
    while outgoing.try_send(&[7; 1000]).unwrap() {
        sent += 1;
    }
    let credit = Limits::default().credit as usize;
    eventually("the window is full", || {
        client.ping().unwrap();
        while outgoing.try_send(&[7; 1000]).unwrap() {
            sent += 1;
        }
        let (count, bytes) = *watch.held.lock().unwrap();
        bytes + count as usize * EVENT_COST + 10_000 > credit
    });
    let (count, bytes) = *watch.held.lock().unwrap();
    let message = bytes / count as usize;
    assert!(sent * message <= 2 * credit + message, "{sent} messages of {message} bytes");
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            for _ in 0..500 {
                outgoing.send(&[7; 1000]).unwrap();
            }
        });
        while !sender.is_finished() {
            client.call::<_, u64>("release", &7_u64).unwrap();
        }
        sender.join().unwrap();
    });
}

#[test]
fn a_sender_that_waits_comes_back_at_the_deadline() {
    let (server, _, client) = connected();
    let news = server.news();
    let (outgoing, mut incoming) = client.duplex::<[u8], ()>("hold", &within(100)).unwrap();
    let error = loop {
        if let Err(error) = outgoing.send(&[7; 1000]) {
            break error;
        }
    };
    assert!(matches!(error, CallError::Deadline { sent: true, .. }), "{error}");
    assert_eq!(incoming.next(), Some(Err(error.clone())), "the other half is over, too");
    assert_eq!(incoming.next(), None);
    assert_eq!(outgoing.send(&[7]), Err(error));
    news.recv().unwrap();
    assert_eq!(server.log.resets.lock().unwrap()[0].code(), Code::DeadlineExceeded);
    client.ping().expect("the connection goes on");
}

#[test]
fn a_reader_that_waits_comes_back_at_the_deadline() {
    let (server, _, client) = connected();
    let news = server.news();
    let begin = Instant::now();
    let mut silent: Incoming<()> = client.server_stream("silent", &(), &within(50)).unwrap();
    let error = silent.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "no answer to silent from the server within 50ms; it may have run");
    assert!(begin.elapsed() >= Duration::from_millis(50));
    assert_eq!(silent.next(), None);
    news.recv().unwrap();
    assert_eq!(server.log.resets.lock().unwrap()[0].code(), Code::DeadlineExceeded);
}

#[test]
fn a_stream_has_no_deadline_but_its_own() {
    let (server, _) = serve_streams(Limits::default());
    let client = server.builder().deadline(Duration::from_millis(1)).connect().unwrap();
    let mut silent: Incoming<()> = client.server_stream("silent", &(), &within(2000)).unwrap();
    assert_eq!(silent.next_timeout(Duration::from_millis(30)), Poll::Pending);
}

#[test]
fn a_server_that_ends_a_stream_early_is_heard_by_both_halves() {
    let (_server, _, client) = connected();
    let (outgoing, incoming) = client.duplex::<u64, u64>("fail", &options()).unwrap();
    outgoing.send(&0).unwrap();
    let items: Vec<_> = incoming.collect();
    let [Err(CallError::Status { route, status })] = &items[..] else { panic!("{items:?}") };
    assert_eq!((route.as_str(), status.code(), status.reason()), ("fail", Code::NotFound, "no more of them"));
    assert_eq!(outgoing.send(&1), Err(items[0].clone().unwrap_err()));
    assert_eq!(outgoing.finish(), Err(items[0].clone().unwrap_err()));
}

#[test]
fn a_connection_that_is_cut_ends_its_streams() {
    let (server, _, client) = connected();
    let (outgoing, mut incoming) = client.duplex::<u64, u64>("die", &options()).unwrap();
    outgoing.send(&3).unwrap();
    assert_eq!([0, 1, 2], [0; 3].map(|_| incoming.next().unwrap().unwrap()), "what came before is there");
    let error = incoming.next().unwrap().unwrap_err();
    assert!(matches!(error, CallError::MayHaveRun { .. }), "{error}");
    assert_eq!(outgoing.send(&1), Err(error));
    assert_eq!(server.log.connections.load(Ordering::SeqCst), 1, "nothing is repeated by itself");
}

#[test]
fn a_sender_that_waits_hears_that_the_connection_is_cut() {
    let (_server, _, client) = connected();
    let (outgoing, _incoming) = client.duplex::<[u8], ()>("hold", &options()).unwrap();
    while outgoing.try_send(&[7; 1000]).unwrap() {}
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| (0..).find_map(|_| outgoing.send(&[7; 1000]).err()));
        let _: Incoming<u64> = client.server_stream("die", &0_u64, &options()).unwrap();
        let error = sender.join().unwrap().unwrap();
        assert!(matches!(error, CallError::MayHaveRun { .. }), "{error}");
    });
}

#[test]
fn several_threads_may_send_on_one_stream() {
    let (_server, _, client) = connected();
    let upload = client.client_stream::<u64, u64>("sum", &options()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let upload = &upload;
            scope.spawn(move || (0..2500).for_each(|number| upload.send(&(thread * 2500 + number)).unwrap()));
        }
    });
    assert_eq!(upload.finish().unwrap(), (0..10_000).sum::<u64>());
}

#[test]
fn a_stream_more_than_agreed_waits_for_another_to_end() {
    let mut limits = Limits::default();
    limits.streams = 4;
    let (server, _) = serve_streams(limits);
    let client = server.connect();
    let open = |options: &CallOptions| client.server_stream::<_, u64>("endless", &0_u64, options);
    let mut streams: Vec<_> = (0..4).map(|_| open(&options()).unwrap()).collect();
    let error = open(&within(50)).err().unwrap();
    assert!(matches!(error, CallError::Deadline { sent: false, .. }), "{error}");
    std::thread::scope(|scope| {
        let fifth = scope.spawn(|| open(&options()).unwrap().next().unwrap().unwrap());
        drop(streams.pop());
        assert_eq!(fifth.join().unwrap(), 0);
    });
}

#[test]
fn a_half_that_is_dropped_cancels_the_stream() {
    let (server, _, client) = connected();
    let news = server.news();
    let (outgoing, mut incoming) = client.duplex::<u64, u64>("echo", &options()).unwrap();
    outgoing.send(&1).unwrap();
    assert_eq!(incoming.next().unwrap().unwrap(), 1);
    drop(outgoing);
    assert_eq!(incoming.next(), Some(Err(CallError::Cancelled { route: "echo".to_owned() })));
    let (outgoing, incoming) = client.duplex::<u64, u64>("echo", &options()).unwrap();
    drop(incoming);
    assert_eq!(outgoing.send(&1), Err(CallError::Cancelled { route: "echo".to_owned() }));
    drop(client.client_stream::<u64, u64>("sum", &options()).unwrap());
    (0..3).for_each(|_| news.recv().unwrap());
    assert!(server.log.resets.lock().unwrap().iter().all(|status| status.code() == Code::Cancelled));
    client.ping().expect("the connection goes on");
}

#[test]
fn a_finished_half_may_be_gone() {
    let (_server, _, client) = connected();
    let (outgoing, incoming) = client.duplex::<u64, u64>("echo", &options()).unwrap();
    outgoing.send(&7).unwrap();
    outgoing.finish().unwrap();
    assert_eq!(incoming.collect::<Result<Vec<_>, _>>().unwrap(), [7]);
}

#[test]
fn another_thread_cancels_whoever_waits() {
    let (server, _, client) = connected();
    let news = server.news();
    let mut silent: Incoming<()> = client.server_stream("silent", &(), &options()).unwrap();
    let (stuck, _held): (Outgoing<[u8]>, Incoming<()>) = client.duplex("hold", &options()).unwrap();
    let pending = client.start::<_, ()>("silent", &(), &options()).unwrap();
    let cancellers = [silent.canceller(), stuck.canceller(), pending.canceller()];
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || silent.next().unwrap().unwrap_err());
        let sender = scope.spawn(|| {
            loop {
                if let Err(error) = stuck.send(&[7; 1000]) {
                    break error;
                }
            }
        });
        let caller = scope.spawn(|| pending.wait().unwrap_err());
        cancellers.iter().for_each(|canceller| canceller.cancel());
        for thread in [reader, sender, caller] {
            assert!(matches!(thread.join().unwrap(), CallError::Cancelled { .. }));
        }
    });
    (0..3).for_each(|_| news.recv().unwrap());
    cancellers.iter().for_each(|canceller| canceller.cancel());
    let stream: Incoming<()> = client.server_stream("silent", &(), &options()).unwrap();
    client.cancel_all();
    assert!(matches!(&stream.collect::<Vec<_>>()[..], [Err(CallError::Cancelled { .. })]));
}

#[test]
fn an_answer_that_comes_early_is_not_lost() {
    let (_server, _, client) = connected();
    let upload = client.client_stream::<u64, u64>("first", &options()).unwrap();
    upload.send(&7).unwrap();
    let error = loop {
        if let Err(error) = upload.send(&8) {
            break error;
        }
    };
    assert_eq!(error, CallError::Ended { route: "first".to_owned() });
    assert_eq!(upload.finish().unwrap(), 7);
}

#[test]
fn a_value_that_does_not_fit_leaves_the_stream_as_it_was() {
    let mut limits = Limits::default();
    limits.message = 1000;
    let (server, _) = serve_streams(limits);
    let client = server.builder().offer(["json"]).connect().unwrap();
    let (outgoing, mut incoming) = client.duplex::<String, String>("echo", &options()).unwrap();
    let error = outgoing.send(&"x".repeat(1000)).unwrap_err();
    assert!(matches!(error, CallError::Command { .. }), "{error}");
    outgoing.send(&"short".to_owned()).unwrap();
    assert_eq!(incoming.next().unwrap().unwrap(), "short");
}

#[test]
fn a_value_that_cannot_be_read_ends_the_stream() {
    let (server, _, client) = connected();
    let news = server.news();
    let mut texts: Incoming<String> = client.server_stream("endless", &0_u64, &options()).unwrap();
    assert!(matches!(texts.next(), Some(Err(CallError::Decode { .. }))));
    assert_eq!(texts.next(), None);
    news.recv().unwrap();
    assert_eq!(server.log.resets.lock().unwrap()[0].code(), Code::Cancelled);
}

#[test]
fn a_server_that_goes_away_finishes_its_streams() {
    let (server, _, client) = connected();
    let (outgoing, mut incoming) = client.duplex::<u64, u64>("leave", &options()).unwrap();
    for number in 0..100 {
        outgoing.send(&number).unwrap();
        assert_eq!(incoming.next().unwrap().unwrap(), number);
        assert_eq!(client.call::<_, u64>("release", &number).unwrap(), number, "new calls go elsewhere");
    }
    outgoing.finish().unwrap();
    assert_eq!(incoming.next(), None);
    assert_eq!(server.log.connections.load(Ordering::SeqCst), 2);
}

#[test]
fn what_nobody_reads_any_more_keeps_no_room() {
    let (server, _) = serve_streams(Limits::default());
    let mut bounds = client_bounds();
    bounds.inbound = 1 << 20;
    let client = server.builder().offer(["bincode"]).bounds(bounds).connect().unwrap();
    // Each leaves a window of small messages unread: a few of them would fill what a client may hold.
    for _ in 0..20 {
        let mut stream: Incoming<u64> = client.server_stream("endless", &0_u64, &options()).unwrap();
        stream.next().unwrap().unwrap();
    }
    let numbers: Incoming<u64> = client.server_stream("count", &50_000_u64, &options()).unwrap();
    assert_eq!(numbers.map(Result::unwrap).count(), 50_000);
}

#[test]
fn streams_that_nobody_reads_go_before_one_that_is_read() {
    let (server, watch) = serve_streams(Limits::default());
    let mut bounds = client_bounds();
    bounds.inbound = 1 << 20;
    let client = server.builder().offer(["bincode"]).bounds(bounds).connect().unwrap();
    let mut read: Incoming<u64> = client.server_stream("endless", &0_u64, &options()).unwrap();
    let mut stalled = Vec::new();
    // Each has a window of small messages that nobody reads; the reader of the first has some of them in its hands.
    for number in 0..8 {
        let before = watch.sent.load(Ordering::SeqCst);
        let mut stream: Incoming<u64> = client.server_stream("endless", &0_u64, &options()).unwrap();
        if number == 0 {
            assert_eq!(stream.next().unwrap().unwrap(), 0);
        }
        stalled.push(stream);
        eventually("its window is full", || watch.sent.load(Ordering::SeqCst) >= before + 3000);
        for _ in 0..5000 {
            read.next().unwrap().unwrap();
        }
    }
    let goes_on = |stream: &mut Incoming<u64>| stream.by_ref().take(5000).all(|number| number.is_ok());
    let fates: Vec<bool> = stalled.iter_mut().map(goes_on).collect();
    let gone = fates.iter().filter(|goes_on| !**goes_on).count();
    assert!((5..=7).contains(&gone) && fates.is_sorted(), "the oldest go first, and no more than must: {fates:?}");
    for _ in 0..5000 {
        read.next().unwrap().unwrap();
    }
    assert!(server.log.resets.lock().unwrap().iter().any(|status| status.code() == Code::ResourceExhausted));
}
