//! Connecting: what goes wrong has a name, comes in time, and says what to do.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bulla_client::{CallError, Client, ClientBuilder, ConnectError, Reconnect, client_bounds};
use bulla_core::handshake::HandshakeError;

use crate::common::{Reply, codecs, echo, key, serve};

fn builder(address: impl std::fmt::Display) -> ClientBuilder {
    Client::builder().server(address.to_string()).key(key(7)).codecs(codecs())
}

/// A server of one connection that does with it as it is told.
fn stranger(act: impl FnOnce(TcpStream) + Send + 'static) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || act(listener.accept().unwrap().0));
    address
}

fn failure(builder: ClientBuilder) -> ConnectError {
    builder.connect().err().expect("connecting fails")
}

fn handshake_failure(builder: ClientBuilder) -> HandshakeError {
    match failure(builder) {
        ConnectError::Handshake { error, .. } => error,
        other => panic!("{other}"),
    }
}

#[test]
fn a_wrong_key_is_named_at_once() {
    let server = serve(&["json"], echo);
    let begin = Instant::now();
    let error = failure(server.builder().key(key(8)));
    assert!(begin.elapsed() < Duration::from_secs(1));
    let expected = format!(
        "{}: wrong key: the server does not hold this key; this client showed key id {}: use the server's key file",
        server.address,
        key(8).id()
    );
    assert_eq!(error.to_string(), expected);
    assert!(!error.is_transient());
}

#[test]
fn a_dead_server_is_named_at_once() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let begin = Instant::now();
    let error = failure(builder(address));
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(error.to_string(), format!("no server at {address}: start one, or check the address"));
    let error = failure(builder("unix:/no/such/socket"));
    assert_eq!(error.to_string(), "no server at unix:/no/such/socket: start one, or check the address");
}

#[test]
fn a_silent_port_ends_with_the_handshake_s_deadline() {
    let (sender, receiver) = mpsc::channel::<()>();
    let address = stranger(move |stream| {
        // Held open until the test is done.
        let _ = receiver.recv();
        drop(stream);
    });
    let mut bounds = client_bounds();
    bounds.handshake = Duration::from_millis(100);
    assert_eq!(handshake_failure(builder(address).bounds(bounds)), HandshakeError::Deadline);
    drop(sender);
}

#[test]
fn strangers_are_named() {
    let http = stranger(|mut stream| {
        let _ = stream.read(&mut [0; 64]);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    assert_eq!(handshake_failure(builder(http)), HandshakeError::PeerSpeaksHttp);
    let tls = stranger(|mut stream| stream.write_all(&[0x15, 3, 1, 0, 2, 2, 70]).unwrap());
    assert_eq!(handshake_failure(builder(tls)), HandshakeError::PeerSpeaksTls);
    let silent = stranger(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
    });
    assert_eq!(handshake_failure(builder(silent)), HandshakeError::HungUp);
}

#[test]
fn without_a_common_codec_both_lists_are_shown() {
    let server = serve(&["xml", "yaml"], echo);
    let error = failure(server.builder().offer(["bincode", "json"]));
    assert!(
        error.to_string().ends_with(
            "no common codec: the server accepts xml, yaml; the client offered bincode, json; offer one that the server accepts"
        ),
        "{error}"
    );
}

#[test]
fn settings_are_checked_before_anything_is_connected() {
    assert_eq!(failure(Client::builder().codecs(codecs())), ConnectError::NoKey);
    assert_eq!(failure(builder("127.0.0.1:1").offer([""; 0])), ConnectError::NoCodecs);
    let error = failure(builder("127.0.0.1:1").offer(["morse"]));
    assert_eq!(
        error.to_string(),
        "this client cannot offer morse: it has bincode, cbor, json, msgpack, pickle, postcard, xml, yaml"
    );
    let error = failure(builder("127.0.0.1:1").offer(["Not\u{1b} a name"]));
    assert_eq!(
        error.to_string(),
        "this client cannot offer Not\\u{1b} a name: it has bincode, cbor, json, msgpack, pickle, postcard, xml, yaml"
    );
    assert!(matches!(failure(builder("nonsense")), ConnectError::Address { .. }));
}

#[test]
fn self_describing_codecs_are_offered_first() {
    let names: Vec<_> = bulla_client::default_offer(&codecs()).iter().map(ToString::to_string).collect();
    assert_eq!(names, ["cbor", "json", "msgpack", "xml", "yaml", "bincode", "postcard"], "pickle wants to be named");
}

#[test]
fn a_codec_that_wants_to_be_named_is_offered_only_where_it_is() {
    let server = serve(&["pickle"], echo);
    let error = failure(server.builder());
    let sides = "the server accepts pickle; the client offered cbor, json, msgpack, xml, yaml, bincode, postcard;";
    assert!(error.to_string().contains(sides), "{error}");
    let client = server.builder().offer(["json", "pickle"]).connect().unwrap();
    assert_eq!(client.session().codec.as_str(), "pickle");
    assert_eq!(client.call::<_, u8>("echo", &7).unwrap(), 7);
}

#[test]
fn a_unix_socket_is_as_good() {
    let server = serve(&["json"], echo);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bulla.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let upstream = server.address;
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let server = TcpStream::connect(upstream).unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let (mut from, mut to) = (server, client);
        let _ = std::io::copy(&mut from, &mut to);
    });
    let client = builder(format!("unix:{}", path.display())).connect().unwrap();
    let text = "x".repeat(1 << 20);
    assert!(client.call::<_, String>("echo", &text).unwrap() == text);
    client.close();
}

#[test]
fn a_client_finds_a_server_that_came_back() {
    let server = serve(&["json"], |request| match request.open.route.as_str() {
        "die" => Reply::HangUp,
        _ => echo(request),
    });
    let client = server.builder().connect().unwrap();
    for round in 0..3_u8 {
        assert!(matches!(client.call::<_, ()>("die", &()), Err(CallError::MayHaveRun { .. })));
        // Many threads at once find it lost: one of them connects, for all.
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(client.call::<_, u8>("echo", &round).unwrap(), round));
            }
        });
    }
    assert_eq!(server.log.connections.load(Ordering::SeqCst), 4);
}

#[test]
fn a_client_that_shall_not_connect_again_says_so() {
    let server = serve(&["json"], |_| Reply::HangUp);
    let client = server.builder().reconnect(Reconnect::never()).connect().unwrap();
    assert!(matches!(client.call::<_, ()>("die", &()), Err(CallError::MayHaveRun { .. })));
    let error = client.call::<_, ()>("again", &()).unwrap_err();
    assert!(matches!(error, CallError::Connect(ConnectError::NotAgain { .. })), "{error}");
}

#[test]
fn a_lasting_cause_is_not_tried_again() {
    // The first connection goes through to the server, every later one to a server of another key.
    let (good, bad) = (serve(&["json"], |_| Reply::HangUp), serve(&["json"], echo));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let attempts = std::sync::Arc::new(Mutex::new(0));
    let counted = std::sync::Arc::clone(&attempts);
    thread::spawn(move || {
        for client in listener.incoming() {
            let number = {
                let mut attempts = counted.lock().unwrap();
                *attempts += 1;
                *attempts
            };
            let upstream = TcpStream::connect(if number == 1 { good.address } else { bad.address }).unwrap();
            relay(client.unwrap(), upstream, number > 1);
        }
    });
    let client = builder(address).connect().unwrap();
    assert!(matches!(client.call::<_, ()>("die", &()), Err(CallError::MayHaveRun { .. })));
    let error = client.call::<_, ()>("again", &()).unwrap_err();
    assert!(
        matches!(&error, CallError::Connect(ConnectError::Handshake { error: HandshakeError::KeyRefused, .. })),
        "{error}"
    );
    assert_eq!(*attempts.lock().unwrap(), 2);
}

/// Copies both ways; with `spoil`, the key id in the preamble is one that no server holds.
fn relay(client: TcpStream, server: TcpStream, spoil: bool) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let mut preamble = [0; 16];
        from.read_exact(&mut preamble).unwrap();
        if spoil {
            preamble[8..].fill(0xff);
        }
        let _ = to.write_all(&preamble);
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    thread::spawn(move || {
        let (mut from, mut to) = (server, client);
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

#[test]
fn a_dead_server_is_tried_as_often_as_the_policy_says() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = serve(&["json"], |_| Reply::HangUp);
    let upstream = server.address;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        relay(listener.accept().unwrap().0, TcpStream::connect(upstream).unwrap(), false);
        drop(listener);
        sender.send(()).unwrap();
    });
    let policy = Reconnect { attempts: 3, first: Duration::from_millis(20), longest: Duration::from_millis(30) };
    let client = builder(address).reconnect(policy).connect().unwrap();
    receiver.recv().unwrap();
    assert!(matches!(client.call::<_, ()>("die", &()), Err(CallError::MayHaveRun { .. })));
    let begin = Instant::now();
    let error = client.call::<_, ()>("again", &()).unwrap_err();
    assert!(matches!(error, CallError::Connect(ConnectError::NoServer { .. })), "{error}");
    // Two waits, each cut by a half at most.
    assert!(begin.elapsed() >= Duration::from_millis(10 + 15), "{:?}", begin.elapsed());
    let error = client.call_with::<_, ()>("again", &(), &deadline(5)).unwrap_err();
    assert!(matches!(error, CallError::Connect(ConnectError::Deadline { .. })), "{error}");
}

fn deadline(milliseconds: u64) -> bulla_client::CallOptions {
    bulla_client::CallOptions::new().deadline(Duration::from_millis(milliseconds))
}
