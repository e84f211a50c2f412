//! Calls over a real socket: answers, refusals, deadlines, many threads, long messages.

mod common;

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulla_client::{CallError, CallOptions, Lost};
use bulla_core::codec::CodecName;
use bulla_core::connection::{CommandError, Limits};
use bulla_core::status::Code;
use bulla_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::common::{ALL, Reply, echo, refuse, serve, serve_with};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Person {
    name: String,
    age: Option<u8>,
}

#[test]
fn an_answer_comes_back_in_every_codec() {
    let server = serve(&ALL, |request| {
        let mut person: Person = request.decode();
        person.name.push('!');
        request.answer(&person)
    });
    for codec in ALL {
        let client = server.builder().offer([codec]).connect().unwrap();
        assert_eq!(client.session().codec, CodecName::new(codec));
        assert_eq!(client.session().agent, "test-server/1");
        let ada = Person { name: "Ada".to_owned(), age: Some(36) };
        let answer: Person = client.call("greet", &ada).unwrap();
        assert_eq!(answer, Person { name: "Ada!".to_owned(), age: Some(36) });
    }
}

#[test]
fn the_server_s_refusal_arrives_with_code_and_reason() {
    let server = serve(&["json"], |request| refuse(Code::NotFound, &format!("no route {}", request.open.route)));
    let error = server.connect().call::<_, ()>("nowhere", &()).unwrap_err();
    let CallError::Status { status, .. } = &error else { panic!("{error}") };
    assert_eq!((status.code(), status.reason()), (Code::NotFound, "no route nowhere"));
    assert_eq!(error.to_string(), "the server refused nowhere: NOT_FOUND: no route nowhere");
}

#[test]
fn metadata_and_deadline_travel() {
    let server = serve(&["json"], |request| {
        let [(key, value)] = &request.open.metadata[..] else { panic!("one pair") };
        request.answer(&(key, value, request.open.deadline_ms))
    });
    let options = CallOptions::new().metadata("trace", "7f").deadline(Duration::from_secs(5));
    let answer: (String, String, u32) = server.connect().call_with("r", &(), &options).unwrap();
    assert_eq!((answer.0.as_str(), answer.1.as_str()), ("trace", "7f"));
    assert!((1..=5000).contains(&answer.2), "{}", answer.2);
}

#[test]
fn a_deadline_ends_the_call_on_both_sides() {
    let server = serve(&["json"], |_| Reply::Silence);
    let news = server.news();
    let client = server.connect();
    let options = CallOptions::new().deadline(Duration::from_millis(50));
    let error = client.call_with::<_, ()>("slow", &(), &options).unwrap_err();
    assert!(matches!(error, CallError::Deadline { sent: true, .. }), "{error}");
    assert_eq!(error.to_string(), "no answer to slow from the server within 50ms; it may have run");
    news.recv().unwrap();
    assert_eq!(server.log.resets.lock().unwrap()[0].code(), Code::DeadlineExceeded);
    client.ping().expect("the connection goes on");
}

#[test]
fn a_pending_call_that_is_dropped_is_cancelled() {
    let server = serve(&["json"], |_| Reply::Silence);
    let news = server.news();
    let client = server.connect();
    let pending = client.start::<_, ()>("slow", &(), &CallOptions::new()).unwrap();
    client.ping().expect("by now the call is sent");
    drop(pending);
    news.recv().unwrap();
    assert_eq!(server.log.resets.lock().unwrap()[0].code(), Code::Cancelled);
}

#[test]
fn a_notification_arrives_and_wants_no_answer() {
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    let server = serve(&["json"], move |request| {
        sender.lock().unwrap().send((request.open.one_way, request.decode::<u32>())).unwrap();
        Reply::Nothing
    });
    let client = server.connect();
    for number in 0..100 {
        client.notify("note", &number).unwrap();
    }
    let received: Vec<_> = receiver.iter().take(100).collect();
    assert_eq!(received, (0..100).map(|number| (true, number)).collect::<Vec<_>>());
}

#[test]
fn a_stream_that_ends_without_an_answer_is_an_error() {
    let server = serve(&["json"], |_| Reply::Nothing);
    let error = server.connect().call::<_, ()>("r", &()).unwrap_err();
    assert_eq!(error, CallError::NoAnswer { route: "r".to_owned() });
}

#[test]
fn values_that_do_not_fit_are_refused_with_the_codec_s_name() {
    let server = serve(&["json"], echo);
    let client = server.connect();
    let error = client.call::<_, f64>("r", &f64::NAN).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this client cannot write the request to r as json: this codec cannot carry NaN or an infinity"
    );
    let error = client.call::<_, u8>("r", "text").unwrap_err();
    assert!(error.to_string().starts_with("this client cannot read the json answer to r: "), "{error}");
    let error = client.call::<_, ()>("not a route", &()).unwrap_err();
    assert!(matches!(error, CallError::Command { error: CommandError::Route, .. }), "{error}");
}

#[test]
fn a_message_longer_than_agreed_is_refused_here_and_the_connection_goes_on() {
    let mut limits = Limits::default();
    limits.message = 1000;
    let server = serve_with(&["json"], limits, echo);
    let client = server.connect();
    let error = client.call::<_, String>("r", &"x".repeat(1000)).unwrap_err();
    assert!(error.to_string().contains("1002 bytes is longer than the 1000 agreed"), "{error}");
    assert_eq!(client.call::<_, String>("r", "short").unwrap(), "short");
}

#[test]
fn many_threads_share_one_connection() {
    let server = serve(&["bincode"], |request| {
        let (thread, number): (u32, u32) = request.decode();
        request.answer(&(thread, number, thread * number))
    });
    let client = server.connect();
    std::thread::scope(|scope| {
        for thread in 0..16_u32 {
            let client = &client;
            scope.spawn(move || {
                for number in 0..200_u32 {
                    let answer: (u32, u32, u32) = client.call("multiply", &(thread, number)).unwrap();
                    assert_eq!(answer, (thread, number, thread * number));
                }
            });
        }
    });
    assert_eq!(server.log.connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn one_thread_has_many_calls_in_flight_beyond_the_streams_agreed() {
    let mut limits = Limits::default();
    limits.streams = 8;
    let server = serve_with(&["json"], limits, echo);
    let client = server.connect();
    // The answers arrive whether or not anybody waits for them, so that streams become free again.
    let pending: Vec<_> =
        (0..500).map(|number: u32| client.start::<_, u32>("r", &number, &CallOptions::new()).unwrap()).collect();
    for (number, pending) in pending.into_iter().enumerate() {
        assert_eq!(pending.wait().unwrap() as usize, number);
    }
}

#[test]
fn long_messages_go_both_ways_at_once() {
    let server = serve(&["bincode"], echo);
    let client = server.connect();
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let client = &client;
            scope.spawn(move || {
                let text: String = std::iter::repeat_n(char::from(b'a' + thread as u8), 1 << 20).collect();
                for _ in 0..2 {
                    let answer: String = client.call("echo", &text).unwrap();
                    assert!(answer == text, "thread {thread} got something else");
                }
            });
        }
    });
}

#[test]
fn a_call_that_may_have_run_is_not_repeated() {
    let runs = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&runs);
    let server = serve(&["json"], move |request| {
        if request.open.route == "die" {
            *counted.lock().unwrap() += 1;
            return Reply::HangUp;
        }
        echo(request)
    });
    let client = server.connect();
    let error = client.call::<_, ()>("die", &()).unwrap_err();
    assert!(matches!(error, CallError::MayHaveRun { reason: Lost::Closed(_), .. }), "{error}");
    assert!(error.to_string().contains("the server may have run it"), "{error}");
    assert_eq!(*runs.lock().unwrap(), 1);
    assert_eq!(client.call::<_, u8>("echo", &7).unwrap(), 7, "the next call connects again");
    assert_eq!(server.log.connections.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[test]
fn a_server_that_goes_away_finishes_what_runs_and_the_rest_goes_elsewhere() {
    let server = serve(&["json"], |request| match request.open.route.as_str() {
        "last" => Reply::GoAwayThen(request.message.clone()),
        _ => echo(request),
    });
    let client = server.connect();
    assert_eq!(client.call::<_, u8>("last", &1).unwrap(), 1);
    for number in 0..20_u8 {
        assert_eq!(client.call::<_, u8>("echo", &number).unwrap(), number);
    }
    assert_eq!(server.log.connections.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[test]
fn closing_is_orderly_and_final() {
    let server = serve(&["json"], echo);
    let news = server.news();
    let client = server.connect();
    client.notify("note", &Value::Null).unwrap();
    client.close();
    news.recv().unwrap();
    assert_eq!(*server.log.ends.lock().unwrap(), ["closed by the other side"]);
    let error = client.call::<_, ()>("echo", &()).unwrap_err();
    assert_eq!(error.to_string(), "this client is closed: make another one");
}

#[test]
fn dropping_the_last_clone_closes_in_order() {
    let server = serve(&["json"], echo);
    let news = server.news();
    let client = server.connect();
    let clone = client.clone();
    drop(client);
    assert_eq!(clone.call::<_, u8>("echo", &7).unwrap(), 7);
    drop(clone);
    news.recv().unwrap();
    assert_eq!(*server.log.ends.lock().unwrap(), ["closed by the other side"]);
}
