//! Nothing that a sound client does is a flood, nothing that was taken is dropped, and no time is too long.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bulla_client::{Client, ClientBuilder};
use bulla_core::connection::Bounds;
use bulla_core::key::KeyRing;
use bulla_server::services::Echo;
use bulla_server::{Context, Server, ServerHandle};

use crate::common::{codecs, eventually, key};

fn server() -> (ServerHandle, Arc<AtomicU64>, Arc<AtomicU64>) {
    let count = Arc::new(AtomicU64::new(0));
    let bytes = Arc::new(AtomicU64::new(0));
    let (a, b) = (Arc::clone(&count), Arc::clone(&bytes));
    let server = Server::builder()
        .listen("127.0.0.1:0")
        .unwrap()
        .keys(KeyRing::single(key(7)))
        .codecs(codecs())
        .service(Echo)
        .route("unit", move |(): (), _: &Context| {
            a.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
        .route("text", move |text: String, _: &Context| {
            b.fetch_add(text.len() as u64, Ordering::SeqCst);
            Ok(())
        })
        .spawn()
        .unwrap();
    (server, count, bytes)
}

fn builder(server: &ServerHandle) -> ClientBuilder {
    Client::builder()
        .server(server.addresses()[0].to_string())
        .key(key(7))
        .codecs(codecs())
        .deadline(Duration::from_secs(20))
}

#[test]
fn notifications_of_nothing_are_no_flood() {
    let (server, count, _) = server();
    let client = builder(&server).offer(["bincode"]).connect().unwrap();
    for at in 0..20_000 {
        client.notify("unit", &()).unwrap_or_else(|error| panic!("{at}: {error}"));
    }
    client.ping().unwrap();
    // Some may find no room on the server; the session goes on.
    eventually("one arrives", || count.load(Ordering::SeqCst) > 0);
    assert_eq!(server.metrics().sessions_total, 1);
    assert_eq!(server.metrics().protocol_errors, 0);
}

#[test]
fn pings_one_after_the_other() {
    let (server, _, _) = server();
    let client = builder(&server).connect().unwrap();
    for at in 0..20_000 {
        client.ping().unwrap_or_else(|error| panic!("{at}: {error}"));
    }
}

#[test]
fn a_long_notification_survives_the_drop_of_its_client() {
    let (server, _, bytes) = server();
    let client = builder(&server).connect().unwrap();
    client.notify("text", &"x".repeat(3 << 20)).unwrap();
    drop(client);
    eventually("it arrives", || bytes.load(Ordering::SeqCst) == 3 << 20);
}

#[test]
fn times_without_end() {
    let mut bounds = Bounds::default();
    bounds.handshake = Duration::MAX;
    bounds.idle = Duration::MAX;
    bounds.keepalive = Duration::MAX;
    let mut capacity = bulla_server::Capacity::default();
    capacity.write_stall = Duration::MAX;
    capacity.linger = Duration::MAX;
    let server = Server::builder()
        .listen("127.0.0.1:0")
        .unwrap()
        .keys(KeyRing::single(key(7)))
        .codecs(codecs())
        .bounds(bounds)
        .capacity(capacity)
        .service(Echo)
        .spawn()
        .unwrap();
    let client = builder(&server).bounds(bounds).deadline(Duration::MAX).connect().unwrap();
    let answer: String = client.call("echo", "hello").unwrap();
    assert_eq!(answer, "hello");
    client.close();
    server.drain(Duration::MAX);
}
