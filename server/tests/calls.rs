//! Calls over the library, end to end: what a handler gets, what a client hears.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bulla_core::connection::Open;
use bulla_core::status::{Code, Status};
use bulla_core::value::Value;
use bulla_server::services::{Echo, Info, ServerInfo};
use bulla_server::{Context, Drained, Responder};
use serde::{Deserialize, Serialize};

use self::common::{CODECS, Client, PATIENCE, builder, eventually, key};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Greet {
    name: String,
    times: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Greeting {
    text: String,
}

fn greet(request: Greet, context: &Context) -> Result<Greeting, Status> {
    if request.times == 0 {
        return Err(Status::new(Code::OutOfRange, "times must not be 0"));
    }
    let peer = context.peer().unwrap_or("nobody");
    Ok(Greeting { text: format!("{}{} from {peer}", "hello ".repeat(request.times.into()), request.name) })
}

#[test]
fn every_codec_reaches_the_same_handlers() {
    let server = builder().accept(CODECS).route("greet", greet).route_inline("inline", greet).spawn().unwrap();
    for codec in CODECS {
        let mut client = Client::connect(&server.addresses()[0], key(), &[codec]).unwrap();
        assert_eq!(client.session().codec.as_str(), codec);
        let request = Greet { name: "Ada".to_owned(), times: 2 };
        for route in ["greet", "inline"] {
            let greeting: Greeting = client.call(route, &request).unwrap();
            assert_eq!(greeting.text, "hello hello Ada from nobody", "{codec} {route}");
            let status = client.call::<_, Greeting>(route, &Greet { times: 0, ..request.clone() }).unwrap_err();
            assert_eq!(status, Status::new(Code::OutOfRange, "times must not be 0"));
        }
    }
    assert_eq!(server.metrics().calls, [("OK", 16), ("OUT_OF_RANGE", 16)].into_iter().collect());
}

#[test]
fn what_is_wrong_with_a_call_is_said() {
    let server = builder().route("greet", greet).service(Echo).spawn().unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let status = client.call::<_, Value>("great", &1).unwrap_err();
    assert_eq!(status.to_string(), r#"UNIMPLEMENTED: no route "great"; this server has echo, greet"#);
    let status = client.call::<_, Value>("greet", &"what?").unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.reason().starts_with("the request does not decode as json: "), "{status}");
    let open = Open { route: "greet".to_owned(), ..Open::default() };
    let stream = client.connection.open(&open).unwrap();
    client.connection.finish(stream).unwrap();
    assert_eq!(client.answer_raw(stream).unwrap_err().reason(), "the stream ended without a request");
    let stream = client.connection.open(&open).unwrap();
    for _ in 0..2 {
        client.connection.send(stream, b"1".to_vec()).unwrap();
    }
    assert_eq!(client.answer_raw(stream).unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(client.call::<_, u8>("echo", &7), Ok(7), "the session goes on");
}

#[test]
fn a_reply_that_the_codec_cannot_carry_or_that_is_too_long_is_refused_with_a_reason() {
    let server = builder()
        .route("nan", |_: Value, _| Ok(f64::NAN))
        .route("long", |_: Value, _| Ok("x".repeat(5 << 20)))
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let status = client.call::<_, Value>("nan", &1).unwrap_err();
    assert_eq!(
        status.to_string(),
        "FAILED_PRECONDITION: the reply cannot be sent as json: this codec cannot carry NaN or an infinity"
    );
    let status = client.call::<_, Value>("long", &1).unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.reason().contains("longer than the 4194304 agreed"), "{status}");
}

#[test]
fn a_reply_of_many_credits_arrives_whole() {
    let server = builder().service(Echo).spawn().unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["bincode"]).unwrap();
    let document = Value::Bytes((0..3_900_000_u32).map(|number| number as u8).collect());
    assert_eq!(client.call::<_, Value>("echo", &document), Ok(document));
}

#[test]
fn a_handler_that_panics_costs_its_own_call_only() {
    let workers = std::num::NonZero::new(1).unwrap();
    let panics = |_: Value, _: &Context| -> Result<Value, Status> { panic!("on purpose") };
    let server = builder()
        .workers(workers)
        .route("bad", panics)
        .route_inline("worse", panics)
        .route("greet", greet)
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    for route in ["bad", "worse", "bad"] {
        let status = client.call::<_, Value>(route, &1).unwrap_err();
        assert_eq!(status, Status::new(Code::Internal, "the handler panicked"));
    }
    let request = Greet { name: "Ada".to_owned(), times: 1 };
    assert!(client.call::<_, Greeting>("greet", &request).is_ok(), "worker and loop live on");
    assert_eq!(server.metrics().panics, 3);
}

#[test]
fn a_responder_answers_from_any_thread_and_never_not_at_all() {
    let server = builder()
        .route_responder("later", |request: u32, responder: Responder| {
            std::thread::spawn(move || responder.reply(&(request + 1)));
        })
        .route_responder("never", |_: u32, responder: Responder| drop(responder))
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["yaml"]).unwrap();
    assert_eq!(client.call::<_, u32>("later", &41), Ok(42));
    let status = client.call::<_, u32>("never", &1).unwrap_err();
    assert_eq!(status, Status::new(Code::Internal, "the handler gave no answer"));
}

#[test]
fn a_notification_runs_the_handler_and_gets_no_answer() {
    let (sender, receiver) = mpsc::channel();
    let server = builder()
        .route("note", move |note: String, context: &Context| {
            sender.send((note, context.is_one_way(), context.metadata().to_vec())).unwrap();
            Ok(())
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let metadata = vec![("trace".to_owned(), "7".to_owned())];
    let open = Open { route: "note".to_owned(), one_way: true, metadata: metadata.clone(), ..Open::default() };
    client.start_with(&open, "hello");
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), ("hello".to_owned(), true, metadata));
    eventually("the call is counted", || server.metrics().calls.get("OK") == Some(&1));
    assert_eq!(server.metrics().calls_running, 0);
}

#[test]
fn a_call_whose_deadline_passed_or_whose_peer_gave_up_is_not_started() {
    let (release, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let started = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&started);
    let server = builder()
        .workers(std::num::NonZero::new(1).unwrap())
        .route("wait", move |_: Value, context: &Context| {
            counted.fetch_add(1, Ordering::SeqCst);
            gate.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            Ok(context.is_cancelled())
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let first = client.start("wait", &1);
    eventually("the only worker is taken", || started.load(Ordering::SeqCst) == 1);
    let late = client.start_with(&Open { route: "wait".to_owned(), deadline_ms: 1, ..Open::default() }, &2);
    let given_up = client.start("wait", &3);
    client.connection.reset(given_up, &Status::new(Code::Cancelled, "changed my mind")).unwrap();
    client.write();
    eventually("three calls are there", || server.metrics().calls_running == 3);
    let begin = Instant::now();
    eventually("the deadline has passed", || begin.elapsed() > Duration::from_millis(1));
    release.send(()).unwrap();
    assert_eq!(client.answer::<bool>(first), Ok(false));
    assert_eq!(client.answer_raw(late).unwrap_err().code(), Code::DeadlineExceeded);
    eventually("the one given up is counted", || server.metrics().calls.get("CANCELLED") == Some(&1));
    assert_eq!(started.load(Ordering::SeqCst), 1, "neither was started");
}

#[test]
fn a_running_call_hears_that_its_peer_is_gone() {
    let (sender, receiver) = mpsc::channel();
    let server = builder()
        .route("wait", move |_: Value, context: &Context| {
            sender.send(false).unwrap();
            eventually("cancelled", || context.is_cancelled());
            sender.send(true).unwrap();
            Ok(())
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    client.start("wait", &1);
    assert!(!receiver.recv_timeout(PATIENCE).unwrap());
    drop(client);
    assert!(receiver.recv_timeout(PATIENCE).unwrap());
}

#[test]
fn info_tells_what_the_server_is() {
    let server = builder().accept(["json", "yaml"]).service(Echo).service(Info::default()).spawn().unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["yaml"]).unwrap();
    let info: ServerInfo = client.call("info", &Value::Null).unwrap();
    assert_eq!((info.codec.as_str(), info.codecs), ("yaml", vec!["json".to_owned(), "yaml".to_owned()]));
    assert_eq!(info.routes, ["echo", "info"]);
    assert_eq!(info.limits.message_bytes, 4 << 20);
}

#[test]
fn a_drain_answers_the_calls_that_run_and_takes_no_new_ones() {
    let (release, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let server = builder()
        .service(Echo)
        .route("wait", move |_: Value, _: &Context| {
            gate.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            Ok("done")
        })
        .spawn()
        .unwrap();
    let address = server.addresses()[0].clone();
    let mut idle = Client::connect(&address, key(), &["json"]).unwrap();
    assert_eq!(idle.call::<_, u8>("echo", &1), Ok(1));
    let mut busy = Client::connect(&address, key(), &["json"]).unwrap();
    let running = busy.start("wait", &1);
    let control = server.control();
    eventually("the call runs", || control.metrics().calls_running == 1);
    let drain = std::thread::spawn(move || server.drain(PATIENCE));
    assert_eq!(idle.wait_closed(), bulla_core::connection::Closed::Peer);
    busy.run_until(|client| client.going_away).unwrap();
    assert!(busy.refuses_to_open());
    release.send(()).unwrap();
    assert_eq!(busy.answer::<String>(running), Ok("done".to_owned()));
    assert_eq!(busy.wait_closed(), bulla_core::connection::Closed::Peer);
    assert_eq!(drain.join().unwrap(), Drained::Complete);
    let bulla_server::Address::Tcp(address) = address else { panic!() };
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_drain_that_takes_too_long_is_cut_off() {
    let (sender, receiver) = mpsc::channel();
    let server = builder()
        .route("wait", move |_: Value, context: &Context| {
            sender.send(()).unwrap();
            eventually("cancelled", || context.is_cancelled());
            Ok(())
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    client.start("wait", &1);
    receiver.recv_timeout(PATIENCE).unwrap();
    assert_eq!(server.drain(Duration::from_millis(20)), Drained::CutOff);
    assert!(client.closed.is_none());
    client.wait_closed();
}
