//! Connections over the library, end to end: who is let in, who is turned away and how, and what one peer can do to others.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use bulla_core::connection::{Bounds, Closed, Limits};
use bulla_core::handshake::HandshakeError;
use bulla_core::key::{KeyRing, NamedKey};
use bulla_core::value::Value;
use bulla_server::services::Echo;
use bulla_server::{Address, Builder, Capacity, Context, Server};

use self::common::{CODECS, Client, PATIENCE, builder, dial, eventually, key, other_key, tcp};

fn handshake_error(outcome: Result<Client, Closed>) -> HandshakeError {
    match outcome.map(|_| ()) {
        Err(Closed::Handshake(error)) => error,
        other => panic!("expected a failed handshake, found {other:?}"),
    }
}

/// Everything that the server has to say to these bytes.
fn answer_to(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn capacity(change: impl FnOnce(&mut Capacity)) -> Builder {
    let mut capacity = Capacity::default();
    change(&mut capacity);
    builder().capacity(capacity).service(Echo)
}

#[test]
fn a_key_that_the_server_does_not_hold_is_refused_by_name() {
    let server = builder().spawn().unwrap();
    let outcome = Client::connect(&server.addresses()[0], other_key(), &["json"]);
    assert_eq!(handshake_error(outcome), HandshakeError::KeyRefused);
    eventually("it is counted", || server.metrics().handshakes_failed.get("unknown-key") == Some(&1));
    assert_eq!(server.metrics().sessions_total, 0);
}

#[test]
fn without_a_common_codec_the_client_sees_both_lists() {
    let server = builder().accept(["yaml", "json"]).spawn().unwrap();
    let outcome = Client::connect(&server.addresses()[0], key(), &["xml", "bincode"]);
    assert_eq!(
        handshake_error(outcome).to_string(),
        "no common codec: the server accepts yaml, json; the client offered xml, bincode"
    );
    eventually("it is counted", || server.metrics().handshakes_failed.get("no-common-codec") == Some(&1));
}

#[test]
fn a_codec_that_wants_to_be_named_is_refused_until_it_is() {
    let server = builder().spawn().unwrap();
    let outcome = Client::connect(&server.addresses()[0], key(), &["pickle"]);
    assert_eq!(
        handshake_error(outcome).to_string(),
        "no common codec: the server accepts bincode, cbor, json, msgpack, postcard, xml, yaml; the client offered pickle"
    );
    let server = builder().accept(["json", "pickle"]).service(Echo).spawn().unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["pickle", "json"]).unwrap();
    assert_eq!(client.session().codec.as_str(), "pickle");
    assert_eq!(client.call::<_, u8>("echo", &7), Ok(7));
}

#[test]
fn strangers_are_answered_in_their_own_tongue() {
    let server = builder().spawn().unwrap();
    let answer = answer_to(&mut tcp(&server), b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let text = String::from_utf8(answer).unwrap();
    assert!(text.starts_with("HTTP/1.1 400 ") && text.contains("speaks Bulla, not HTTP"), "{text}");
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 505]].concat();
    assert_eq!(answer_to(&mut tcp(&server), &hello), [21, 3, 1, 0, 2, 2, 70]);
    assert_eq!(answer_to(&mut tcp(&server), b"SSH-2.0-OpenSSH_9.9\r\n"), b"");
    let expected = [("http", 1), ("not-bulla", 1), ("tls", 1)].into_iter().collect();
    eventually("all are counted", || server.metrics().handshakes_failed == expected);
}

#[test]
fn a_handshake_that_takes_too_long_is_ended_with_an_alert() {
    let mut bounds = Bounds::default();
    bounds.handshake = Duration::from_millis(50);
    let server = builder().bounds(bounds).spawn().unwrap();
    let mut silent = tcp(&server);
    let mut slow = tcp(&server);
    slow.write_all(b"BUL").unwrap();
    for stream in [&mut silent, &mut slow] {
        assert_eq!(answer_to(stream, b""), [0x85], "the alert for a deadline, then the end");
    }
    eventually("both are counted", || server.metrics().handshakes_failed.get("deadline") == Some(&2));
    eventually("nothing is left", || server.metrics().connections == 0);
}

#[test]
fn a_replayed_handshake_is_no_session() {
    let server = builder().service(Echo).spawn().unwrap();
    let mut client = Client::begin(dial(&server.addresses()[0]), key(), &["json"], Limits::default());
    let mut hello = Vec::new();
    assert!(client.connection.poll_transmit(&mut hello));
    let mut replay = tcp(&server);
    replay.write_all(&hello).unwrap();
    let mut length = [0; 2];
    replay.read_exact(&mut length).unwrap();
    assert_eq!(server.metrics().sessions_total, 0, "whoever replays cannot send a record");
    drop(replay);
    eventually("it counts as a handshake that failed", || {
        server.metrics().handshakes_failed.get("hung-up") == Some(&1)
    });
    assert_eq!(server.metrics().sessions_total, 0);
}

#[test]
fn beyond_the_cap_a_client_hears_that_the_server_is_busy() {
    let server = capacity(|capacity| capacity.connections = 1).spawn().unwrap();
    let address = &server.addresses()[0];
    let mut first = Client::connect(address, key(), &["json"]).unwrap();
    assert_eq!(handshake_error(Client::connect(address, key(), &["json"])), HandshakeError::Busy);
    assert_eq!(first.call::<_, u8>("echo", &1), Ok(1), "the one inside is not disturbed");
    first.close();
    eventually("its place is free", || server.metrics().connections == 0);
    assert!(Client::connect(address, key(), &["json"]).is_ok());
    assert_eq!(server.metrics().refused_busy, 1);
}

#[test]
fn handshakes_have_a_cap_of_their_own() {
    let server = capacity(|capacity| capacity.handshakes = 1).spawn().unwrap();
    let silent = tcp(&server);
    eventually("it is in handshake", || server.metrics().handshaking == 1);
    let outcome = Client::connect(&server.addresses()[0], key(), &["json"]);
    assert_eq!(handshake_error(outcome), HandshakeError::Busy);
    drop(silent);
    eventually("its place is free", || server.metrics().handshaking == 0);
    assert!(Client::connect(&server.addresses()[0], key(), &["json"]).is_ok());
}

#[test]
fn a_peer_that_does_not_read_is_closed_and_holds_up_nobody() {
    let server = capacity(|capacity| capacity.write_stall = Duration::from_millis(100))
        .route_inline("large", |size: u32, _: &Context| Ok(Value::Bytes(vec![7; size as usize])))
        .spawn()
        .unwrap();
    let address = &server.addresses()[0];
    let mut slow = Client::connect(address, key(), &["bincode"]).unwrap();
    let mut other = Client::connect(address, key(), &["json"]).unwrap();
    // Replies of less than the credit of a stream, so that nothing but the socket holds them back.
    for _ in 0..200 {
        slow.start("large", &200_000_u32);
    }
    eventually("it is closed", || server.metrics().slow_closed == 1);
    assert_eq!(other.call::<_, u8>("echo", &1), Ok(1));
    assert!(server.metrics().bytes_out < 20_000_000, "most of the replies were never sealed");
    eventually("its bytes are given back", || server.metrics().queued_bytes == 0);
}

#[test]
fn a_client_with_many_large_replies_on_their_way_gets_them_all() {
    let server = builder()
        .route("large", |size: u32, _: &Context| Ok(Value::Bytes(vec![7; size as usize])))
        .route_inline("inline", |size: u32, _: &Context| Ok(Value::Bytes(vec![7; size as usize])))
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["bincode"]).unwrap();
    for route in ["large", "inline"] {
        // More than the output bound and the credit of a stream, less than what a client takes in at once.
        let calls: Vec<_> = (0..30).map(|_| client.start(route, &400_000_u32)).collect();
        for call in calls {
            assert_eq!(client.answer::<Value>(call).map(|reply| reply.as_bytes().map(<[u8]>::len)), Ok(Some(400_000)));
        }
    }
    assert_eq!(server.metrics().calls, [("OK", 60)].into_iter().collect());
}

#[test]
fn two_hundred_connections_with_a_hundred_calls_each_are_all_answered() {
    let server = builder()
        .accept(CODECS)
        .service(Echo)
        .route("echo.worker", |value: Value, _: &Context| Ok(value))
        .spawn()
        .unwrap();
    let address = &server.addresses()[0];
    std::thread::scope(|scope| {
        for thread in 0..CODECS.len() {
            scope.spawn(move || {
                let codec = CODECS[thread];
                let route = ["echo", "echo.worker"][thread % 2];
                let mut clients: Vec<_> = (0..25).map(|_| Client::connect(address, key(), &[codec]).unwrap()).collect();
                let mut calls = Vec::new();
                for (at, client) in clients.iter_mut().enumerate() {
                    for number in 0..100 {
                        calls.push((at, number, client.start(route, &Value::from(number * 1000 + at))));
                    }
                }
                for (at, number, call) in calls {
                    assert_eq!(clients[at].answer::<Value>(call), Ok(Value::from(number * 1000 + at)));
                }
            });
        }
    });
    let metrics = server.metrics();
    assert_eq!((metrics.sessions_total, metrics.calls.get("OK")), (200, Some(&20_000)));
    eventually("nothing is left", || server.metrics().connections == 0 && server.metrics().queued_bytes == 0);
}

#[test]
fn a_full_worker_queue_is_said() {
    let (release, gate) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    let gate = Mutex::new(gate);
    let mut capacity = Capacity::default();
    capacity.calls_waiting = 1;
    let server = builder()
        .capacity(capacity)
        .workers(std::num::NonZero::<usize>::MIN)
        .route("wait", move |value: Value, _: &Context| {
            started.send(()).unwrap();
            gate.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            Ok(value)
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let first = client.start("wait", &0);
    running.recv_timeout(PATIENCE).unwrap();
    let second = client.start("wait", &1);
    let third = client.start("wait", &2);
    let status = client.answer_raw(third).unwrap_err();
    assert!(status.is_not_started(), "{status}");
    for (number, call) in [first, second].into_iter().enumerate() {
        release.send(()).unwrap();
        assert_eq!(client.answer::<usize>(call), Ok(number));
    }
}

#[test]
fn a_client_of_several_servers_leaves_the_one_that_is_full() {
    let (release, gate) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    let gate = Mutex::new(gate);
    let mut capacity = Capacity::default();
    capacity.calls_waiting = 1;
    let full = builder()
        .capacity(capacity)
        .workers(std::num::NonZero::<usize>::MIN)
        .route("wait", move |(): (), _: &Context| {
            started.send(()).unwrap();
            gate.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            Ok("full")
        })
        .spawn()
        .unwrap();
    let other = builder().route("wait", |(): (), _: &Context| Ok("other")).spawn().unwrap();
    let servers = [&full, &other].map(|server| server.addresses()[0].to_string());
    let client = bulla_client::Client::builder().servers(servers).key(key()).connect().unwrap();
    let options = bulla_client::CallOptions::new();
    let first = client.start::<_, String>("wait", &(), &options).unwrap();
    running.recv_timeout(PATIENCE).unwrap();
    let second = client.start::<_, String>("wait", &(), &options).unwrap();
    // Two calls of one connection are taken up in their order, so the third finds no room.
    assert_eq!(client.call::<_, String>("wait", &()).unwrap(), "other");
    for call in [first, second] {
        release.send(()).unwrap();
        assert_eq!(call.wait().unwrap(), "full", "what was under way there goes on");
    }
    assert_eq!(full.metrics().calls, [("OK", 2), ("UNAVAILABLE", 1)].into_iter().collect());
}

#[test]
fn a_unix_socket_serves_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bulla.sock");
    let ring: KeyRing = KeyRing::parse(&format!("ada = {}", *key().to_text())).unwrap();
    assert_eq!(ring.iter().next().and_then(NamedKey::name), Some("ada"));
    let server = Server::builder()
        .listen(&format!("unix:{}", path.display()))
        .unwrap()
        .keys(ring)
        .route("who", |_: Value, context: &Context| Ok(format!("{:?} over {}", context.peer(), context.peer_address())))
        .spawn()
        .unwrap();
    assert_eq!(server.addresses(), [Address::Unix(path.clone())]);
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    assert_eq!(client.call::<_, String>("who", &1), Ok("Some(\"ada\") over unix".to_owned()));
    server.shutdown();
    assert!(!path.exists(), "the socket file goes with the server");
    assert_eq!(client.wait_closed(), Closed::Peer);
}

#[test]
fn other_keys_are_for_new_sessions() {
    let server = builder().service(Echo).spawn().unwrap();
    let address = &server.addresses()[0];
    let mut old = Client::connect(address, key(), &["json"]).unwrap();
    server.control().replace_keys(KeyRing::single(other_key()));
    assert_eq!(handshake_error(Client::connect(address, key(), &["json"])), HandshakeError::KeyRefused);
    let mut new = Client::connect(address, other_key(), &["json"]).unwrap();
    assert_eq!(old.call::<_, u8>("echo", &1), Ok(1));
    assert_eq!(new.call::<_, u8>("echo", &2), Ok(2));
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let error = Server::builder().keys(KeyRing::single(key())).spawn().err().unwrap();
    assert!(error.to_string().starts_with("no address to listen on"), "{error}");
    let error = Server::builder().listen("127.0.0.1:0").unwrap().spawn().err().unwrap();
    assert!(error.to_string().starts_with("no keys"), "{error}");
    let error = builder().accept(["jsno"]).spawn().err().unwrap();
    assert_eq!(
        error.to_string(),
        "no codec is named jsno; this program knows bincode, cbor, json, msgpack, pickle, postcard, xml, yaml"
    );
    let error = builder().service(Echo).service(Echo).spawn().err().unwrap();
    assert_eq!(error.to_string(), "two handlers for the route echo: a route has one");
    let server = builder().spawn().unwrap();
    let taken = server.addresses()[0].to_string();
    let error = Server::builder().listen(&taken).unwrap().keys(KeyRing::single(key())).spawn().err().unwrap();
    assert!(error.to_string().starts_with(&format!("{taken} is in use")), "{error}");
}
