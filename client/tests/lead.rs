//! Who reads the socket: a caller that waits, for all, and the connection's own thread when none does.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use bulla_client::{CallError, CallOptions, Client, ClientBuilder, Reconnect, client_bounds};
use bulla_core::intercept::{CallHead, Ending};
use bulla_core::key::KeyRing;
use bulla_server::{Drained, Responder, Server, ServerHandle};

use crate::common::key;

/// Long enough for whatever does not hang.
const LONG: Duration = Duration::from_secs(20);

/// A server that answers `echo` at once, and hands whoever asks for `later` to the test.
fn serve() -> (ServerHandle, Receiver<(String, Responder)>) {
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    let server = Server::builder()
        .listen("127.0.0.1:0")
        .unwrap()
        .keys(KeyRing::single(key(7)))
        .route_inline("echo", |text: String, _: &_| Ok(text))
        .route_responder("later", move |text: String, responder: Responder| {
            sender.lock().unwrap().send((text, responder)).unwrap();
        });
    (server.spawn().unwrap(), receiver)
}

fn builder(server: &ServerHandle) -> ClientBuilder {
    Client::builder().server(server.addresses()[0].to_string()).key(key(7)).deadline(LONG)
}

fn connected() -> (ServerHandle, Receiver<(String, Responder)>, Client) {
    let (server, later) = serve();
    let client = builder(&server).connect().unwrap();
    (server, later, client)
}

fn call(client: &Client, route: &str, text: &str) -> Result<String, CallError> {
    client.call(route, text)
}

fn next(later: &Receiver<(String, Responder)>) -> (String, Responder) {
    later.recv_timeout(LONG).unwrap()
}

#[test]
fn one_that_waits_for_long_reads_for_those_who_call_meanwhile() {
    let (_server, later, client) = connected();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| call(&client, "later", "a"));
        let (text, responder) = next(&later);
        for number in 0..200 {
            let text = number.to_string();
            assert_eq!(call(&client, "echo", &text).unwrap(), text);
        }
        responder.reply(&text);
        assert_eq!(waiting.join().unwrap().unwrap(), "a");
    });
}

#[test]
fn those_who_sleep_are_served_when_the_one_who_reads_has_its_answer() {
    let (_server, later, client) = connected();
    thread::scope(|scope| {
        let waiting = ["a", "b", "c"].map(|text| {
            let waits = scope.spawn(|| call(&client, "later", text));
            let (text, responder) = next(&later);
            (waits, text, responder)
        });
        for (waits, text, responder) in waiting {
            responder.reply(&text);
            assert_eq!(waits.join().unwrap().unwrap(), text);
            // Between two of them, another one has come and gone.
            assert_eq!(call(&client, "echo", "x").unwrap(), "x");
        }
    });
}

#[test]
fn many_threads_get_each_its_own_answer() {
    let (_server, _later, client) = connected();
    thread::scope(|scope| {
        for thread in 0..8 {
            let client = &client;
            scope.spawn(move || {
                for number in 0..200 {
                    let text = format!("{thread}/{number}");
                    assert_eq!(call(client, "echo", &text).unwrap(), text);
                }
            });
        }
    });
}

#[test]
fn what_is_started_is_sent_though_nobody_waits() {
    let (_server, later, client) = connected();
    let start = |text: &str| client.start::<_, String>("later", text, &CallOptions::new()).unwrap();
    for _ in 0..50 {
        // The caller has read by itself, so that nobody reads now.
        assert_eq!(call(&client, "echo", "x").unwrap(), "x");
        let pending = ["a", "b", "c"].map(start);
        for _ in &pending {
            let (text, responder) = next(&later);
            responder.reply(&text);
        }
        let answers = pending.map(|pending| pending.wait().unwrap());
        assert_eq!(answers, ["a", "b", "c"]);
    }
}

#[test]
fn what_is_started_is_sent_though_more_is_started_all_the_time() {
    let (_server, later, client) = connected();
    let mut started = Vec::new();
    let begin = Instant::now();
    // The first is written at once; too little follows for a write of its own.
    let mut came = Vec::new();
    while came.len() < 2 {
        assert!(begin.elapsed() < LONG, "what was started second never came");
        if started.len() < 15 {
            started.push(client.start::<_, String>("later", "a", &CallOptions::new()).unwrap());
        }
        came.extend(later.recv_timeout(Duration::from_micros(300)));
    }
}

#[test]
fn a_caller_that_reads_can_be_cancelled_by_another_thread() {
    let (_server, later, client) = connected();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| call(&client, "later", "a"));
        let (_, responder) = next(&later);
        client.cancel_all();
        assert!(matches!(waiting.join().unwrap(), Err(CallError::Cancelled { .. })));
        drop(responder);
    });
    assert_eq!(call(&client, "echo", "x").unwrap(), "x");
}

#[test]
fn a_caller_that_reads_gives_up_in_time_and_leaves_the_rest_in_order() {
    let (_server, later, client) = connected();
    let soon = CallOptions::new().deadline(Duration::from_millis(30));
    thread::scope(|scope| {
        let hurried = scope.spawn(|| client.call_with::<_, String>("later", "a", &soon));
        let first = next(&later);
        let patient = scope.spawn(|| call(&client, "later", "b"));
        let (text, responder) = next(&later);
        assert!(matches!(hurried.join().unwrap(), Err(CallError::Deadline { .. })));
        responder.reply(&text);
        assert_eq!(patient.join().unwrap().unwrap(), "b");
        drop(first);
    });
}

#[test]
fn a_client_at_rest_hears_the_server_go_away() {
    let (server, _later, client) = connected();
    for text in ["a", "b", "c"] {
        assert_eq!(call(&client, "echo", text).unwrap(), text);
    }
    assert_eq!(server.drain(LONG), Drained::Complete, "the client closed its side, with nobody waiting for anything");
}

#[test]
fn a_client_that_only_notifies_still_hears_that_the_server_is_there() {
    let (server, _later) = serve();
    let mut bounds = client_bounds();
    (bounds.keepalive, bounds.idle) = (Duration::from_millis(200), Duration::from_secs(1));
    let client = builder(&server).bounds(bounds).reconnect(Reconnect::never()).connect().unwrap();
    let begin = Instant::now();
    for _ in 0..20 {
        // The caller has read by itself, so that nobody reads now.
        assert_eq!(call(&client, "echo", "x").unwrap(), "x");
    }
    while begin.elapsed() < bounds.idle * 3 / 2 {
        client.notify("echo", "x").unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(call(&client, "echo", "x").unwrap(), "x");
}

#[test]
fn an_interceptor_may_call_and_wait_where_a_call_ends() {
    let (server, later) = serve();
    let own: Arc<OnceLock<Client>> = Arc::default();
    let (sender, told) = mpsc::channel();
    let sender = Mutex::new(sender);
    let shared = Arc::clone(&own);
    let client = builder(&server).intercept(move |head: &mut CallHead<'_>| {
        if head.route != "later" {
            return Ok(Ending::none());
        }
        let (own, sender) = (Arc::clone(&shared), sender.lock().unwrap().clone());
        Ok(Ending::new(move |outcome| {
            let client = own.get().unwrap();
            sender.send((outcome.is_ok(), call(client, "echo", "from an ending").unwrap())).unwrap();
        }))
    });
    own.set(client.connect().unwrap()).ok().unwrap();
    let client = own.get().unwrap();
    let heard = |ok: bool| assert_eq!(told.recv_timeout(LONG).unwrap(), (ok, "from an ending".to_owned()));
    let start = || client.start::<_, String>("later", "a", &CallOptions::new()).unwrap();

    // Whoever waits reads, and tells.
    let pending = start();
    next(&later).1.reply(&"a");
    assert_eq!(pending.wait().unwrap(), "a");
    heard(true);

    // Nobody waits.
    let pending = start();
    next(&later).1.reply(&"a");
    heard(true);
    drop(pending);

    // Whoever gives up writes, and tells.
    let pending = start();
    let (_, responder) = next(&later);
    drop(pending);
    heard(false);
    drop(responder);
}
