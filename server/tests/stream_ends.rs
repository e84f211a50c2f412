//! The ends of streams, end to end: of themselves, by deadline, cancellation, loss or drain; and what hostile peers make of them.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::sync::mpsc;
use std::time::Duration;

use bulla_core::connection::{Closed, Open};
use bulla_core::status::{Code, Status};
use bulla_server::services::Echo;
use bulla_server::{Capacity, Context, Drained, Replies, Requests, ServerHandle};

use self::common::{Client, PATIENCE, builder, eventually, key};

fn sum(requests: Requests<u32>, _: &Context) -> Result<u32, Status> {
    requests.sum()
}

fn double(requests: Requests<u32>, replies: Replies) {
    for request in requests {
        match request.and_then(|number| replies.send(&(number * 2))) {
            Ok(()) => {}
            Err(status) => return replies.fail(status),
        }
    }
}

#[test]
fn a_handler_ends_its_stream_as_it_likes() {
    let server = builder()
        .route_server_stream("fail", |_: u32, replies: Replies| {
            replies.send(&1).unwrap();
            replies.fail(Status::new(Code::DataLoss, "no more").with_detail("at", 1));
        })
        .route_server_stream("drop", |_: u32, replies: Replies| replies.send(&1).unwrap())
        .route_server_stream("panic", |_: u32, replies: Replies| {
            replies.send(&1).unwrap();
            panic!("on purpose");
        })
        .route_client_stream("early", |mut requests: Requests<u32>, _: &Context| requests.next().unwrap())
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let feed = client.start("fail", &1);
    let status = client.collect::<u32>(feed).unwrap_err();
    assert_eq!(status.to_string(), "DATA_LOSS: no more (at: 1)");
    let feed = client.start("drop", &1);
    assert_eq!(client.collect::<u32>(feed), Ok(vec![1]));
    let feed = client.start("panic", &1);
    let status = client.collect::<u32>(feed).unwrap_err();
    assert_eq!(status, Status::new(Code::Internal, "the handler panicked"));
    let early = client.open("early");
    client.send(early, &7);
    assert_eq!(client.next::<u32>(early), Some(Ok(7)), "answered before the end");
    for number in 0..20_000 {
        client.send(early, &number);
    }
    client.finish(early);
    let feed = client.start("drop", &1);
    assert_eq!(client.collect::<u32>(feed), Ok(vec![1]), "the session goes on");
}

#[test]
fn a_deadline_ends_a_stream_on_both_sides_though_the_client_does_nothing() {
    let (heard, hearing) = mpsc::channel();
    let asleep = heard.clone();
    let server = builder()
        .route_duplex("wait", move |mut requests: Requests<u32>, replies: Replies| {
            let heard = heard.clone();
            replies.on_cancel(move || heard.send(None).unwrap());
            asleep.send(Some(requests.next().unwrap().unwrap_err())).unwrap();
            asleep.send(Some(replies.send(&1).unwrap_err())).unwrap();
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let open = Open { route: "wait".to_owned(), deadline_ms: 20, ..Open::default() };
    let stream = client.connection.open(&open).unwrap();
    let status = client.next::<u32>(stream).unwrap().unwrap_err();
    assert_eq!(status, Status::new(Code::DeadlineExceeded, "the deadline passed"));
    let mut heard: Vec<_> = (0..3).map(|_| hearing.recv_timeout(PATIENCE).unwrap()).collect();
    heard.sort_by_key(Option::is_some);
    assert_eq!(heard, [None, Some(status.clone()), Some(status)]);
    eventually("it is counted", || server.metrics().streams_running == 0);
    assert_eq!(server.metrics().calls, [("DEADLINE_EXCEEDED", 1)].into_iter().collect());
}

#[test]
fn a_handler_that_waits_hears_that_its_peer_gave_up_or_is_gone() {
    let (heard, hearing) = mpsc::channel();
    let (taking, sending) = (heard.clone(), heard);
    let server = builder()
        .route_client_stream("take", move |mut requests: Requests<u32>, _: &Context| {
            taking.send(None).unwrap();
            let status = requests.next().unwrap().unwrap_err();
            taking.send(Some(status.code())).unwrap();
            Err::<(), _>(status)
        })
        .route_server_stream("send", move |_: u32, replies: Replies| {
            sending.send(None).unwrap();
            let status = loop {
                if let Err(status) = replies.send(&"x".repeat(1000)) {
                    break status;
                }
            };
            sending.send(Some(status.code())).unwrap();
        })
        .spawn()
        .unwrap();
    for gone in [false, true] {
        let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
        let streams = [client.open("take"), client.start("send", &1)];
        client.write();
        for _ in streams {
            assert_eq!(hearing.recv_timeout(PATIENCE), Ok(None), "it runs");
        }
        if gone {
            drop(client);
        } else {
            for stream in streams {
                client.connection.reset(stream, &Status::new(Code::Cancelled, "enough")).unwrap();
            }
            client.write();
        }
        let expected = if gone { Code::Unavailable } else { Code::Cancelled };
        for _ in streams {
            assert_eq!(hearing.recv_timeout(PATIENCE), Ok(Some(expected)));
        }
        eventually("both have ended", || server.metrics().streams_running == 0);
    }
    assert_eq!(server.metrics().calls, [("CANCELLED", 4)].into_iter().collect());
}

#[test]
fn a_drain_waits_for_streams() {
    let server = builder()
        .route_client_stream("sum", sum)
        .route_server_stream("polite", |_: u32, replies: Replies| {
            let (drained, draining) = mpsc::channel();
            replies.on_drain(move || drained.send(()).unwrap());
            draining.recv_timeout(PATIENCE).unwrap();
            replies.send(&"good bye").unwrap();
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let upload = client.open("sum");
    client.send(upload, &1);
    let feed = client.start("polite", &1);
    eventually("both run", || server.metrics().streams_running == 2);
    let drain = std::thread::spawn(move || server.drain(PATIENCE));
    client.run_until(|client| client.going_away).unwrap();
    assert!(client.refuses_to_open());
    assert_eq!(client.next::<String>(feed), Some(Ok("good bye".to_owned())));
    client.send(upload, &2);
    client.finish(upload);
    assert_eq!(client.next::<u32>(upload), Some(Ok(3)));
    assert_eq!(client.wait_closed(), Closed::Peer);
    assert_eq!(drain.join().unwrap(), Drained::Complete);
}

#[test]
fn a_stream_without_an_end_is_reset_when_the_drain_gives_up() {
    let server = builder()
        .route_duplex("endless", |mut requests: Requests<u32>, replies: Replies| {
            replies.send(&1).unwrap();
            assert_eq!(requests.next().unwrap().unwrap_err().code(), Code::Unavailable);
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let stream = client.open("endless");
    assert_eq!(client.next::<u32>(stream), Some(Ok(1)));
    assert_eq!(server.drain(Duration::from_millis(20)), Drained::CutOff);
    let status = client.next::<u32>(stream).unwrap().unwrap_err();
    assert_eq!(status, Status::new(Code::Unavailable, "the server is going away"));
}

#[test]
fn streams_opened_and_left_cost_others_nothing() {
    let server = builder().service(Echo).route_duplex("double", double).spawn().unwrap();
    let most: u64 = Capacity::default().stream_threads_per_connection.into();
    let mut hostile = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    for _ in 0..1024 {
        let stream = hostile.open("double");
        hostile.connection.send(stream, b"1".to_vec()).unwrap();
    }
    hostile.write();
    let mut other = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    for number in 0..100 {
        assert_eq!(other.call::<_, u32>("echo", &number), Ok(number));
    }
    eventually("as many run as may", || server.metrics().stream_threads == most);
    let stream = other.open("double");
    other.send(stream, &21);
    assert_eq!(other.next::<u32>(stream), Some(Ok(42)), "another's streams run");
    other.finish(stream);
    let left = |server: &ServerHandle| server.metrics().calls.get("RESOURCE_EXHAUSTED").copied();
    eventually("the others are refused", || left(&server) == Some(1024 - most));
    drop(hostile);
    eventually("all of it is forgotten", || {
        let metrics = server.metrics();
        metrics.streams_running == 0 && metrics.calls_running == 0 && metrics.queued_bytes == 0
    });
    let stream = other.open("double");
    other.send(stream, &21);
    assert_eq!(other.next::<u32>(stream), Some(Ok(42)));
}

#[test]
fn credit_that_never_comes_and_messages_after_the_end_cost_their_sender() {
    let server = builder()
        .route_server_stream("feed", |_: u32, replies: Replies| {
            let text = "x".repeat(10_000);
            while replies.send(&text).is_ok() {}
        })
        .route_client_stream("early", |_: Requests<u32>, _: &Context| Ok(7))
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    // The client of these tests grants what it takes: here it takes nothing, but reads what comes for other streams.
    let early = client.open("early");
    assert_eq!(client.next::<u32>(early), Some(Ok(7)));
    let feeds: Vec<_> = (0..100).map(|_| client.start("feed", &1)).collect();
    client.write();
    eventually("all feeds run", || server.metrics().streams_running == 100);
    for _ in 0..100 {
        client.connection.send(early, vec![b'1'; 10_000]).unwrap();
        client.write();
    }
    client.finish(early);
    eventually("the server holds no more than it may", || server.metrics().queued_bytes > 256 << 10);
    assert!(server.metrics().queued_bytes < (17 << 20) + 100 * (16 << 10));
    for feed in feeds {
        client.connection.reset(feed, &Status::new(Code::Cancelled, "")).unwrap();
    }
    client.write();
    eventually("all of it is forgotten", || {
        let metrics = server.metrics();
        metrics.streams_running == 0 && metrics.queued_bytes == 0
    });
}
