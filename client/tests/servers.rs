//! Several servers: the first that takes the client, another one when it is lost, and nothing twice that may have run.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use bulla_client::{CallError, CallOptions, Client, ClientBuilder, ConnectError, Incoming, Reconnect};
use bulla_core::handshake::HandshakeError;
use bulla_core::status::{Code, Status};

use crate::common::{Reply, Request, TestServer, codecs, echo, key, serve};

fn builder<const N: usize>(servers: [SocketAddr; N]) -> ClientBuilder {
    let servers = servers.map(|address| address.to_string());
    Client::builder().servers(servers).key(key(7)).codecs(codecs()).deadline(Duration::from_secs(20))
}

fn connect<const N: usize>(servers: [&TestServer; N]) -> Client {
    builder(servers.map(|server| server.address)).connect().unwrap()
}

/// Nothing listens there.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A server that says it is busy, to everybody.
fn busy() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(&[0x84]);
        }
    });
    address
}

fn connections(server: &TestServer) -> usize {
    server.log.connections.load(Ordering::SeqCst)
}

/// Echoes, but for the routes that end badly; counts what it ran.
fn fallible(runs: &Arc<AtomicUsize>) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    let runs = Arc::clone(runs);
    move |request| {
        runs.fetch_add(1, Ordering::SeqCst);
        match request.open.route.as_str() {
            "die" => Reply::HangUp,
            "leave" => Reply::GoAwayThen(request.message.clone()),
            "standby" => Reply::Refuse(Status::new(Code::Unavailable, "a standby").not_started()),
            "broken" => Reply::Refuse(Status::new(Code::Unavailable, "half done")),
            "silent" => Reply::Silence,
            _ => echo(request),
        }
    }
}

fn fallible_server() -> (TestServer, Arc<AtomicUsize>) {
    let runs = Arc::default();
    (serve(&["json"], fallible(&runs)), runs)
}

#[test]
fn the_first_that_takes_the_client_is_taken() {
    let (first, second) = (serve(&["json"], echo), serve(&["json"], echo));
    let client = connect([&first, &second]);
    assert_eq!(client.server().to_string(), first.address.to_string());
    for unwilling in [nobody(), busy()] {
        let client = builder([unwilling, second.address]).connect().unwrap();
        assert_eq!(client.server().to_string(), second.address.to_string());
        assert_eq!(client.call::<_, u8>("echo", &7).unwrap(), 7);
    }
}

#[test]
fn a_server_of_another_key_does_not_hide_the_next() {
    let (server, nobody) = (serve(&["json"], echo), nobody());
    let other = common::serve_each(&["json"], Default::default(), || Box::new(Nothing));
    // The key is the same for all: to the wrong one, it is the codec that does not fit.
    let offer = |builder: ClientBuilder| builder.offer(["yaml"]);
    let yaml = serve(&["yaml"], echo);
    assert!(offer(builder([other.address, yaml.address])).connect().is_ok());
    let error = offer(builder([nobody, server.address])).connect().err().unwrap();
    let ConnectError::NoneOf(failures) = &error else { panic!("{error}") };
    assert!(matches!(
        &failures[..],
        [ConnectError::NoServer { .. }, ConnectError::Handshake { error: HandshakeError::NoCommonCodec { .. }, .. }]
    ));
    let start = format!("none of 2 servers took this client: no server at {nobody}: start one, or check the address; ");
    assert!(error.to_string().starts_with(&start), "{error}");
    assert!(error.is_transient(), "one of them may come back");
}

struct Nothing;

impl common::Behaviour for Nothing {
    fn handle(&mut self, _: &mut bulla_core::connection::Connection, _: bulla_core::connection::Event) -> bool {
        true
    }
}

#[test]
fn a_lost_server_is_followed_by_the_next_and_what_may_have_run_is_not_repeated() {
    let ((first, ran), (second, ran_there)) = (fallible_server(), fallible_server());
    let client = connect([&first, &second]);
    let error = client.call::<_, ()>("die", &()).unwrap_err();
    assert!(matches!(error, CallError::MayHaveRun { .. }), "{error}");
    assert_eq!((ran.load(Ordering::SeqCst), ran_there.load(Ordering::SeqCst)), (1, 0));
    assert_eq!(client.call::<_, u8>("echo", &7).unwrap(), 7);
    assert_eq!(client.server().to_string(), second.address.to_string());
    assert!(client.call::<_, ()>("die", &()).is_err());
    assert_eq!(client.call::<_, u8>("echo", &8).unwrap(), 8);
    assert_eq!(client.server().to_string(), first.address.to_string(), "round and round");
}

#[test]
fn a_server_that_goes_away_is_followed_by_the_next() {
    let ((first, _), (second, ran_there)) = (fallible_server(), fallible_server());
    let client = connect([&first, &second]);
    // Of what is on its way together, some was served, and some is beyond the last: all of it is answered.
    thread::scope(|scope| {
        for number in 0..8_u8 {
            let client = &client;
            scope.spawn(move || {
                for _ in 0..20 {
                    let route = if number == 3 { "leave" } else { "echo" };
                    assert_eq!(client.call::<_, u8>(route, &number).unwrap(), number);
                }
            });
        }
    });
    assert!(ran_there.load(Ordering::SeqCst) > 0);
    assert!(connections(&first) + connections(&second) > 2);
}

#[test]
fn a_stream_that_crosses_a_server_s_leaving_was_not_started() {
    let (entered, enters) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let told = Mutex::new((entered, released));
    let first = serve(&["json"], move |request| match request.open.route.as_str() {
        "leave" => {
            let told = told.lock().unwrap();
            told.0.send(()).unwrap();
            told.1.recv().unwrap();
            Reply::GoAwayThen(request.message.clone())
        }
        _ => echo(request),
    });
    let client = connect([&first, &serve(&["json"], echo)]);
    thread::scope(|scope| {
        let leaving = scope.spawn(|| client.call::<_, u8>("leave", &1).unwrap());
        enters.recv().unwrap();
        // The server has seen the one call when it says that it goes, and nothing of these.
        let mut stream: Incoming<u8> = client.server_stream("echo", &2, &CallOptions::new()).unwrap();
        let upload = client.client_stream::<u8, u8>("echo", &CallOptions::new()).unwrap();
        upload.send(&3).unwrap();
        let call = scope.spawn(|| client.call::<_, u8>("echo", &4).unwrap());
        release.send(()).unwrap();
        let error = stream.next().unwrap().unwrap_err();
        assert!(matches!(error, CallError::NotSent { .. }), "{error}");
        let error = upload.finish().unwrap_err();
        assert!(matches!(error, CallError::NotSent { .. }), "{error}");
        assert_eq!((leaving.join().unwrap(), call.join().unwrap()), (1, 4), "a call goes elsewhere by itself");
    });
}

#[test]
fn what_a_server_did_not_start_is_tried_on_another() {
    let ((first, ran), second) = (fallible_server(), serve(&["json"], echo));
    let client = connect([&first, &second]);
    let pending = client.start::<_, u8>("silent", &1, &CallOptions::new()).unwrap();
    assert_eq!(client.call::<_, u8>("standby", &7).unwrap(), 7);
    assert_eq!(client.server().to_string(), second.address.to_string());
    assert_eq!(ran.load(Ordering::SeqCst), 2);
    let canceller = pending.canceller();
    let waiter = thread::spawn(move || pending.wait());
    canceller.cancel();
    let error = waiter.join().unwrap().unwrap_err();
    assert!(matches!(error, CallError::Cancelled { .. }), "what was under way there went on: {error}");
}

#[test]
fn a_refusal_everywhere_is_an_answer() {
    let ((first, ran), (second, ran_there)) = (fallible_server(), fallible_server());
    let client = connect([&first, &second]);
    let error = client.call::<_, u8>("standby", &7).unwrap_err();
    assert!(matches!(&error, CallError::Status { status, .. } if status.is_not_started()), "{error}");
    assert_eq!((ran.load(Ordering::SeqCst), ran_there.load(Ordering::SeqCst)), (1, 1), "each is asked once");
    let error = client.call::<_, u8>("broken", &7).unwrap_err();
    assert!(matches!(&error, CallError::Status { status, .. } if status.reason() == "half done"), "{error}");
    assert_eq!(ran.load(Ordering::SeqCst) + ran_there.load(Ordering::SeqCst), 3, "that one is not repeated");
    let alone = connect([&first]);
    assert!(alone.call::<_, u8>("standby", &7).is_err());
    assert_eq!(connections(&first), 2, "a server alone is not asked again");
}

#[test]
fn all_servers_are_tried_in_every_attempt() {
    let (server, dials) = (fallible_server().0, Arc::new(Mutex::new(Vec::new())));
    let listeners: Vec<_> = (0..2).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses = [listeners[0].local_addr().unwrap(), listeners[1].local_addr().unwrap()];
    for (number, listener) in listeners.into_iter().enumerate() {
        let dials = Arc::clone(&dials);
        thread::spawn(move || {
            for stream in listener.incoming() {
                dials.lock().unwrap().push(number);
                let _ = stream.unwrap().write_all(&[0x84]);
            }
        });
    }
    let policy = Reconnect { attempts: 3, first: Duration::from_millis(1), longest: Duration::from_millis(1) };
    let client = builder([server.address, addresses[0], addresses[1]]).reconnect(policy).connect().unwrap();
    let gone = client.call::<_, ()>("die", &()).unwrap_err();
    assert!(matches!(gone, CallError::MayHaveRun { .. }));
    assert_eq!(client.call::<_, u8>("echo", &7).unwrap(), 7, "the first came back at once, behind the other two");
    assert_eq!(*dials.lock().unwrap(), [0, 1]);
}

#[test]
fn a_stream_that_was_opened_stays_where_it_is() {
    let ((first, _), second) = (fallible_server(), serve(&["json"], echo));
    let client = connect([&first, &second]);
    let mut stream: Incoming<u8> = client.server_stream("standby", &1, &CallOptions::new()).unwrap();
    let error = stream.next().unwrap().unwrap_err();
    assert!(matches!(&error, CallError::Status { status, .. } if status.is_not_started()), "{error}");
    assert_eq!(client.server().to_string(), first.address.to_string());
}
