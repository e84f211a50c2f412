//! Two connections, a wire between them, and a clock that moves when a test says so.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod bulk;
mod calls;
mod chaos;
mod handshake;
mod hostile;
mod streams;
mod worked_example;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::codec::CodecName;
use crate::connection::{
    Bounds, ClientConfig, Closed, Connection, Event, Identity, Limits, Open, ServerConfig, Session, Start, StreamId,
};
use crate::key::{Key, KeyRing};

pub(crate) const JSON: CodecName = CodecName::new("json");
pub(crate) const XML: CodecName = CodecName::new("xml");
pub(crate) const YAML: CodecName = CodecName::new("yaml");

pub(crate) fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32])
}

pub(crate) fn client_config() -> ClientConfig {
    ClientConfig {
        key: key(1),
        offer: vec![XML, JSON],
        limits: Limits::default(),
        bounds: Bounds::default(),
        identity: Identity { instance: [0xc1; 16], agent: "client/1".to_owned() },
    }
}

pub(crate) fn server_config() -> ServerConfig {
    ServerConfig {
        keys: KeyRing::single(key(1)),
        accept: vec![JSON, XML],
        limits: Limits::default(),
        bounds: Bounds::default(),
        identity: Identity { instance: [0x5e; 16], agent: "server/1".to_owned() },
    }
}

/// Both ends and what is on its way between them.
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) client: Connection,
    pub(crate) server: Connection,
}

impl Pair {
    pub(crate) fn new(client: &ClientConfig, server: ServerConfig) -> Self {
        let now = Instant::now();
        let start = |entropy| Start { entropy: [entropy; 32], now, unix_time: 1_700_000_000 };
        Self {
            now,
            client: Connection::client(client, start(7)),
            server: Connection::server(Arc::new(server), start(8)),
        }
    }

    pub(crate) fn connected() -> Self {
        Self::connected_with(&client_config(), server_config())
    }

    pub(crate) fn connected_with(client: &ClientConfig, server: ServerConfig) -> Self {
        let mut pair = Self::new(client, server);
        pair.drive();
        assert!(matches!(pair.client_events()[..], [Event::Connected(_)]));
        assert!(matches!(pair.server_events()[..], [Event::Connected(_)]));
        pair
    }

    /// Carries bytes both ways until nobody has any.
    pub(crate) fn drive(&mut self) {
        while self.client_speaks() | self.server_speaks() {}
    }

    /// Carries what the client has to say; `false` if that is nothing.
    pub(crate) fn client_speaks(&mut self) -> bool {
        let bytes = transmit(&mut self.client);
        self.server.hear(self.now, &bytes);
        !bytes.is_empty()
    }

    pub(crate) fn server_speaks(&mut self) -> bool {
        let bytes = transmit(&mut self.server);
        self.client.hear(self.now, &bytes);
        !bytes.is_empty()
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.client.handle_timeout(self.now);
        self.server.handle_timeout(self.now);
    }

    pub(crate) fn client_events(&mut self) -> Vec<Event> {
        events(&mut self.client)
    }

    pub(crate) fn server_events(&mut self) -> Vec<Event> {
        events(&mut self.server)
    }

    /// The client opens a stream and the server hears of it.
    pub(crate) fn opened(&mut self, route: &str) -> StreamId {
        let stream = self.client.open(&open(route)).unwrap();
        self.drive();
        assert_eq!(self.server_events(), [Event::Opened { stream, open: open(route) }]);
        stream
    }
}

impl Connection {
    /// Takes bytes that a test goes on with.
    pub(crate) fn hear(&mut self, now: Instant, bytes: &[u8]) {
        self.handle_input(now, &mut bytes.to_vec());
    }
}

pub(crate) fn open(route: &str) -> Open {
    Open { route: route.to_owned(), ..Open::default() }
}

/// Everything that a connection has to say now.
pub(crate) fn transmit(connection: &mut Connection) -> Vec<u8> {
    let mut out = Vec::new();
    while connection.poll_transmit(&mut out) {}
    out
}

pub(crate) fn events(connection: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| connection.poll_event()).collect()
}

/// The reason of the last event, which must be the end.
pub(crate) fn closed(connection: &mut Connection) -> Closed {
    assert!(connection.is_over(), "the connection goes on");
    match events(connection).pop() {
        Some(Event::Closed(reason)) => reason,
        other => panic!("the last event is {other:?}"),
    }
}

pub(crate) fn session(connection: &Connection) -> &Session {
    connection.session().expect("connected")
}
