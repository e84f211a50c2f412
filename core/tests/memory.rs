//! What a connection holds while nothing happens on it.
#![cfg(feature = "protocol")]
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;
use std::time::Instant;

use bulla_core::codec::CodecName;
use bulla_core::connection::{
    Bounds, ClientConfig, Connection, Event, Identity, Limits, Open, ServerConfig, Start, StreamId,
};
use bulla_core::key::{Key, KeyRing};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const PAIRS: usize = 50;

/// Bytes for a connection of a server that rests, all that it points to included.
const BUDGET: usize = 1100;

type Act = fn(&mut Pair);

struct Pair {
    client: Connection,
    server: Connection,
    now: Instant,
}

impl Pair {
    fn connected(client: &ClientConfig, server: &Arc<ServerConfig>, now: Instant) -> Self {
        let start = |byte| Start { entropy: [byte; 32], now, unix_time: 0 };
        let client = Connection::client(client, start(1));
        let mut pair = Self { client, server: Connection::server(Arc::clone(server), start(2)), now };
        pair.drive();
        assert!(pair.client.session().is_some() && pair.server.session().is_some());
        pair
    }

    fn drive(&mut self) {
        let mut wire = Vec::new();
        loop {
            wire.clear();
            let mut said = self.client.poll_transmit(&mut wire);
            self.server.handle_input(self.now, &mut wire);
            wire.clear();
            said |= self.server.poll_transmit(&mut wire);
            self.client.handle_input(self.now, &mut wire);
            if !said {
                return;
            }
        }
    }

    /// One call, answered and done with.
    fn call(&mut self, request: usize, reply: usize) {
        let stream = self.client.open(&Open { route: "greet".to_owned(), ..Open::default() }).unwrap();
        self.client.send(stream, vec![1; request]).unwrap();
        self.client.finish(stream).unwrap();
        self.drive();
        assert!(take(&mut self.server, stream), "the request is there");
        self.server.send(stream, vec![2; reply]).unwrap();
        self.server.finish(stream).unwrap();
        self.drive();
        assert!(take(&mut self.client, stream), "the reply is there");
        self.drive();
    }

    /// Small calls, all open before the first is answered.
    fn calls_at_once(&mut self, number: usize) {
        let open = Open { route: "greet".to_owned(), ..Open::default() };
        let streams: Vec<StreamId> = (0..number).map(|_| self.client.open(&open).unwrap()).collect();
        for stream in &streams {
            self.client.send(*stream, vec![1; 100]).unwrap();
            self.client.finish(*stream).unwrap();
        }
        self.drive();
        while let Some(event) = self.server.poll_event() {
            if let Event::Message { stream, message, .. } = event {
                self.server.consume(stream, message.len());
                self.server.send(stream, message).unwrap();
                self.server.finish(stream).unwrap();
            }
        }
        self.drive();
        take_all(self);
    }
}

/// Takes all events, and says whether a message was among them.
fn take(connection: &mut Connection, stream: StreamId) -> bool {
    let mut found = false;
    while let Some(event) = connection.poll_event() {
        if let Event::Message { message, .. } = event {
            connection.consume(stream, message.len());
            found = true;
        }
    }
    found
}

/// Bytes that one of so many idle connections of a server holds after each did something, and when it rests.
fn idle(act: Act) -> [usize; 2] {
    let key = Key::from_bytes([1; 32]);
    let codec = CodecName::new("json");
    let identity = |byte| Identity { instance: [byte; 16], agent: "a program/1.0.0".to_owned() };
    let (limits, bounds) = (Limits::default(), Bounds::default());
    let client = ClientConfig { key: key.clone(), offer: vec![codec], limits, bounds, identity: identity(1) };
    let server =
        ServerConfig { keys: KeyRing::single(key), accept: vec![codec], limits, bounds, identity: identity(2) };
    let (server, now) = (Arc::new(server), Instant::now());
    let mut pairs: Vec<Pair> = (0..PAIRS).map(|_| Pair::connected(&client, &server, now)).collect();
    pairs.iter_mut().for_each(|pair| {
        take_all(pair);
        act(pair);
    });
    // Not collected: that would keep the room of the pairs.
    let mut servers = Vec::with_capacity(PAIRS);
    servers.extend(pairs.into_iter().map(|pair| pair.server));
    let awake = ALLOCATOR.current_usage();
    servers.iter_mut().for_each(Connection::rest);
    let resting = ALLOCATOR.current_usage();
    drop(servers);
    [awake, resting].map(|usage| (usage - ALLOCATOR.current_usage()) / PAIRS)
}

fn take_all(pair: &mut Pair) {
    while pair.client.poll_event().is_some() {}
    while pair.server.poll_event().is_some() {}
}

#[test]
fn a_connection_that_rests_holds_little() {
    let cases: [(&str, Act); 4] = [
        ("a handshake", |_| {}),
        ("one small call", |pair| pair.call(100, 100)),
        ("a large call", |pair| pair.call(300_000, 300_000)),
        ("fifty calls at once", |pair| pair.calls_at_once(50)),
    ];
    println!("{:22} {:>6} {:>8}", "after", "awake", "resting");
    for (what, act) in cases {
        let [awake, resting] = idle(act);
        println!("{what:22} {awake:>6} {resting:>8}");
        assert!(resting <= BUDGET, "after {what} a connection that rests holds {resting} bytes");
    }
}
