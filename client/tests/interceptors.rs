//! Interceptors on both sides: what they see, what they may add and refuse, and what they hear of every end.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulla_client::{CallError, CallOptions, Client, ClientBuilder};
use bulla_core::connection::Side;
use bulla_core::intercept::{CallHead, Ending, Interceptor};
use bulla_core::key::KeyRing;
use bulla_core::status::{Code, Status};
use bulla_server::{Builder, Context, Replies, Requests, Server, ServerHandle};

use crate::common::{eventually, key};

/// What was seen, a line each.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The lines, sorted, once there are as many.
    fn sorted(&self, count: usize) -> Vec<String> {
        eventually("every end is told", || self.0.lock().unwrap().len() >= count);
        let mut lines = self.take();
        lines.sort();
        lines
    }

    /// Notes what begins and how it ends.
    fn keeper(&self) -> impl Interceptor + use<> {
        let diary = self.clone();
        move |call: &mut CallHead<'_>| {
            let side = if call.side == Side::Client { "client" } else { "server" };
            let line = format!("{side} {} {}", call.route, call.peer.unwrap_or("-"));
            diary.note(format!("{line} begins in {}", call.codec));
            let diary = diary.clone();
            Ok(Ending::new(move |outcome| {
                diary.note(format!(
                    "{line} ends with {}",
                    outcome.map_or_else(|status| status.code().name(), |()| "OK")
                ));
            }))
        }
    }
}

fn builder() -> Builder {
    let ring = KeyRing::parse(&format!("lab = {}", *key(7).to_text())).unwrap();
    Server::builder()
        .listen("127.0.0.1:0")
        .unwrap()
        .keys(ring)
        .route("greet", |name: String, context: &Context| {
            Ok(format!("{name} {}", context.metadata_value("trace").unwrap_or("-")))
        })
        .route("fail", |_: String, _: &Context| Err::<(), _>(Status::new(Code::DataLoss, "on purpose")))
        .route_responder("never", |_: String, responder: bulla_server::Responder| drop(responder))
        .route_responder("hang", |_: String, responder: bulla_server::Responder| {
            let context = responder.context().clone();
            context.on_cancel(move || drop(responder));
        })
        .route_duplex("double", |requests: Requests<u32>, replies: Replies| {
            for number in requests.map_while(Result::ok) {
                replies.send(&(number * 2)).unwrap();
            }
        })
}

fn client(server: &ServerHandle) -> ClientBuilder {
    Client::builder().server(server.addresses()[0].to_string()).key(key(7)).offer(["json"])
}

#[test]
fn both_sides_see_every_beginning_and_every_end_once() {
    let diary = Diary::default();
    let server = builder().intercept(diary.keeper()).spawn().unwrap();
    let client = client(&server).intercept(diary.keeper()).connect().unwrap();
    let lines = |route: &str, client: &str, server: &str| {
        [
            format!("client {route} - begins in json"),
            format!("client {route} - ends with {client}"),
            format!("server {route} lab begins in json"),
            format!("server {route} lab ends with {server}"),
        ]
    };
    assert_eq!(client.call::<_, String>("greet", "Ada").unwrap(), "Ada -");
    assert_eq!(diary.sorted(4), lines("greet", "OK", "OK"));
    client.notify("greet", "Ada").unwrap();
    assert_eq!(diary.sorted(4), lines("greet", "OK", "OK"));
    for (route, code) in [("fail", "DATA_LOSS"), ("never", "INTERNAL"), ("unknown", "UNIMPLEMENTED")] {
        client.call::<_, String>(route, "x").unwrap_err();
        assert_eq!(diary.sorted(4), lines(route, code, code));
    }
    client.call::<_, String>("greet", &7).unwrap_err();
    assert_eq!(diary.sorted(4), lines("greet", "INVALID_ARGUMENT", "INVALID_ARGUMENT"));

    let (outgoing, mut incoming) = client.duplex::<u32, u32>("double", &CallOptions::new()).unwrap();
    outgoing.send(&21).unwrap();
    assert_eq!(incoming.next().unwrap().unwrap(), 42);
    outgoing.finish().unwrap();
    assert!(incoming.next().is_none());
    assert_eq!(diary.sorted(4), lines("double", "OK", "OK"));

    let options = CallOptions::new().deadline(Duration::from_millis(1));
    client.call_with::<_, String>("hang", "x", &options).unwrap_err();
    let seen = diary.sorted(4);
    assert_eq!(seen[1], "client hang - ends with DEADLINE_EXCEEDED");
    assert!(seen[3].ends_with("DEADLINE_EXCEEDED") || seen[3].ends_with("CANCELLED"), "{seen:?}");

    drop(client.start::<_, String>("hang", "x", &CallOptions::new()).unwrap());
    assert_eq!(diary.sorted(4), lines("hang", "CANCELLED", "CANCELLED"));
}

#[test]
fn a_lost_connection_is_an_end() {
    let diary = Diary::default();
    let server = builder().intercept(diary.keeper()).spawn().unwrap();
    let client = client(&server).intercept(diary.keeper()).connect().unwrap();
    let pending = client.start::<_, String>("hang", "x", &CallOptions::new()).unwrap();
    client.ping().unwrap();
    server.shutdown();
    assert!(pending.wait().is_err());
    let seen = diary.sorted(4);
    assert!(seen.iter().filter(|line| line.contains("ends with")).count() == 2, "{seen:?}");
    assert!(!seen.iter().any(|line| line.ends_with("OK")), "{seen:?}");
}

#[test]
fn a_client_may_add_pairs_or_refuse_before_anything_is_sent() {
    let diary = Diary::default();
    let server = builder().intercept(diary.keeper()).spawn().unwrap();
    let client = client(&server)
        .intercept(|call: &mut CallHead<'_>| {
            call.metadata.push(("trace".to_owned(), "7f3a".to_owned()));
            if call.route == "fail" {
                Err(Status::new(Code::PermissionDenied, "not today"))
            } else {
                Ok(Ending::none())
            }
        })
        .connect()
        .unwrap();
    assert_eq!(client.call::<_, String>("greet", "Ada").unwrap(), "Ada 7f3a");
    let error = client.call::<_, String>("fail", "x").unwrap_err();
    let status = Status::new(Code::PermissionDenied, "not today");
    assert_eq!(error, CallError::Intercepted { route: "fail".to_owned(), status });
    assert_eq!(error.to_string(), "this client does not call fail: PERMISSION_DENIED: not today");
    client.close();
    assert_eq!(diary.sorted(2), ["server greet lab begins in json", "server greet lab ends with OK"]);
}

#[test]
fn a_server_refuses_before_it_says_what_there_is_and_survives_a_panic() {
    let server = builder()
        .intercept(|call: &mut CallHead<'_>| match call.route {
            "greet" => Ok(Ending::new(|_| panic!("on purpose"))),
            "panic" => panic!("on purpose"),
            _ => Err(Status::new(Code::PermissionDenied, "no")),
        })
        .spawn()
        .unwrap();
    let client = client(&server).connect().unwrap();
    let refusal = |route: &str| match client.call::<_, String>(route, "x") {
        Err(CallError::Status { status, .. }) => status.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal("unknown"), "PERMISSION_DENIED: no");
    assert_eq!(refusal("panic"), "INTERNAL: an interceptor panicked");
    for _ in 0..3 {
        assert_eq!(client.call::<_, String>("greet", "Ada").unwrap(), "Ada -");
    }
    assert_eq!(server.metrics().calls["PERMISSION_DENIED"], 1);
}
