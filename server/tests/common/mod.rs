//! A small blocking client over core's `Connection`, and servers to try it on.
#![allow(dead_code, unreachable_pub, reason = "a part of tests, and every one uses a part of it")]

#[cfg(feature = "program")]
pub mod files;
#[cfg(feature = "program")]
pub mod program;

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant, SystemTime};

use bulla_codecs as _;
use bulla_core::codec::{CodecName, CodecRegistry, DecodeLimits, SharedCodec};
use bulla_core::connection::{
    Bounds, ClientConfig, Closed, CommandError, Connection, Event, Identity, Limits, Open, Session, Start, StreamId,
};
use bulla_core::key::{Key, KeyRing};
use bulla_core::status::Status;
use bulla_server::{Address, Builder, Server, ServerHandle};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Every stock codec; pickle is accepted only where it is named.
pub const CODECS: [&str; 8] = ["bincode", "cbor", "json", "msgpack", "pickle", "postcard", "xml", "yaml"];

/// No test waits longer than that for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn key() -> Key {
    Key::from_bytes([7; 32])
}

pub fn other_key() -> Key {
    Key::from_bytes([8; 32])
}

/// A server on a port of its own, with our key.
pub fn builder() -> Builder {
    Server::builder().listen("127.0.0.1:0").unwrap().keys(KeyRing::single(key()))
}

pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

pub fn dial(address: &Address) -> Box<dyn Stream> {
    match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            Box::new(stream)
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            Box::new(stream)
        }
    }
}

pub fn tcp(handle: &ServerHandle) -> TcpStream {
    let Address::Tcp(address) = handle.addresses()[0] else { panic!("no TCP address") };
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// One session, driven by the thread that uses it.
pub struct Client {
    stream: Box<dyn Stream>,
    pub connection: Connection,
    codec: Option<SharedCodec>,
    outcomes: HashMap<StreamId, Outcome>,
    pub going_away: bool,
    pub closed: Option<Closed>,
}

#[derive(Default)]
struct Outcome {
    messages: VecDeque<Vec<u8>>,
    status: Option<Status>,
    finished: bool,
}

impl Client {
    pub fn connect(address: &Address, key: Key, offer: &[&str]) -> Result<Self, Closed> {
        let mut client = Self::begin(dial(address), key, offer, Limits::default());
        client.run_until(|client| client.connection.session().is_some())?;
        // The greeting is what tells the server that the session is real.
        client.write();
        Ok(client)
    }

    pub fn begin(stream: Box<dyn Stream>, key: Key, offer: &[&str], limits: Limits) -> Self {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy).unwrap();
        let mut instance = [0; 16];
        getrandom::fill(&mut instance).unwrap();
        let identity = Identity { instance, agent: "test/1".to_owned() };
        let offer = offer.iter().map(|name| CodecName::new(name)).collect();
        let config = ClientConfig { key, offer, limits, bounds: Bounds::default(), identity };
        let unix_time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let connection = Connection::client(&config, Start { entropy, now: Instant::now(), unix_time });
        Self { stream, connection, codec: None, outcomes: HashMap::new(), going_away: false, closed: None }
    }

    /// The socket, so that the session goes on and nothing is kept for it here.
    pub fn into_stream(self) -> Box<dyn Stream> {
        self.stream
    }

    pub fn session(&self) -> &Session {
        self.connection.session().expect("connected")
    }

    /// Calls a route and waits for the answer.
    pub fn call<T: Serialize + ?Sized, R: DeserializeOwned>(&mut self, route: &str, request: &T) -> Result<R, Status> {
        let stream = self.start(route, request);
        self.answer(stream)
    }

    /// Begins a call.
    pub fn start<T: Serialize + ?Sized>(&mut self, route: &str, request: &T) -> StreamId {
        self.start_with(&Open { route: route.to_owned(), ..Open::default() }, request)
    }

    pub fn start_with<T: Serialize + ?Sized>(&mut self, open: &Open, request: &T) -> StreamId {
        let bytes = self.codec().encode_to_vec(request).unwrap();
        self.start_raw(open, bytes)
    }

    pub fn start_raw(&mut self, open: &Open, request: Vec<u8>) -> StreamId {
        let stream = self.connection.open(open).unwrap();
        self.connection.send(stream, request).unwrap();
        self.connection.finish(stream).unwrap();
        self.write();
        stream
    }

    /// Waits for the answer to a call.
    pub fn answer<R: DeserializeOwned>(&mut self, stream: StreamId) -> Result<R, Status> {
        let message = self.answer_raw(stream)?;
        Ok(self.codec().decode_as(&message, DecodeLimits::default()).unwrap())
    }

    pub fn answer_raw(&mut self, stream: StreamId) -> Result<Vec<u8>, Status> {
        self.run_until(|client| {
            client.outcomes.get(&stream).is_some_and(|outcome| outcome.finished || outcome.status.is_some())
        })
        .unwrap_or_else(|closed| panic!("the connection ended before the answer: {closed}"));
        let outcome = self.outcomes.remove(&stream).unwrap();
        match outcome.status {
            Some(status) => Err(status),
            None => Ok(outcome.messages.into_iter().next_back().expect("an answer has a message")),
        }
    }

    /// Opens a stream.
    pub fn open(&mut self, route: &str) -> StreamId {
        self.connection.open(&Open { route: route.to_owned(), ..Open::default() }).unwrap()
    }

    /// Queues a message on a stream, and writes what can be written.
    pub fn send<T: Serialize + ?Sized>(&mut self, stream: StreamId, message: &T) {
        let bytes = self.codec().encode_to_vec(message).unwrap();
        self.connection.send(stream, bytes).unwrap();
        self.write();
    }

    /// Says that no more is sent on a stream.
    pub fn finish(&mut self, stream: StreamId) {
        self.connection.finish(stream).unwrap();
        self.write();
    }

    /// Waits for the next message on a stream; `None` at its end.
    pub fn next<R: DeserializeOwned>(&mut self, stream: StreamId) -> Option<Result<R, Status>> {
        let message = self.next_raw(stream)?;
        Some(message.map(|message| self.codec().decode_as(&message, DecodeLimits::default()).unwrap()))
    }

    /// As [`next`](Self::next), as bytes.
    pub fn next_raw(&mut self, stream: StreamId) -> Option<Result<Vec<u8>, Status>> {
        self.run_until(|client| {
            let outcome = client.outcomes.get(&stream);
            outcome.is_some_and(|outcome| outcome.finished || outcome.status.is_some() || !outcome.messages.is_empty())
        })
        .unwrap_or_else(|closed| panic!("the connection ended before the stream: {closed}"));
        let outcome = self.outcomes.get_mut(&stream).unwrap();
        match (outcome.messages.pop_front(), &outcome.status) {
            (Some(message), _) => Some(Ok(message)),
            (None, Some(status)) => Some(Err(status.clone())),
            (None, None) => None,
        }
    }

    /// All that comes on a stream until its end.
    pub fn collect<R: DeserializeOwned>(&mut self, stream: StreamId) -> Result<Vec<R>, Status> {
        std::iter::from_fn(|| self.next(stream)).collect()
    }

    /// Whether the server's GO_AWAY keeps this side from opening calls.
    pub fn refuses_to_open(&mut self) -> bool {
        self.connection.open(&Open { route: "echo".to_owned(), ..Open::default() }) == Err(CommandError::GoingAway)
    }

    pub fn close(mut self) -> Closed {
        self.connection.close();
        self.wait_closed()
    }

    /// Waits until the connection is over.
    pub fn wait_closed(&mut self) -> Closed {
        self.run_until(|_| false).unwrap_err()
    }

    /// Reads and writes until `done`, or the end.
    pub fn run_until(&mut self, mut done: impl FnMut(&Self) -> bool) -> Result<(), Closed> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.write();
            self.take_events();
            if done(self) {
                return Ok(());
            }
            if let Some(closed) = &self.closed {
                return Err(closed.clone());
            }
            assert!(Instant::now() < deadline, "too late");
            self.read();
        }
    }

    pub fn write(&mut self) {
        let mut out = Vec::new();
        while self.connection.poll_transmit(&mut out) {
            // A server that is gone is found out by reading.
            let _ = self.stream.write_all(&out);
            out.clear();
        }
    }

    fn read(&mut self) {
        let mut buffer = [0; 64 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) | Err(_) => self.connection.handle_eof(),
            Ok(count) => self.connection.handle_input(Instant::now(), &mut buffer[..count]),
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Message { stream, message, last } => {
                    self.connection.consume(stream, message.len());
                    let outcome = self.outcomes.entry(stream).or_default();
                    outcome.messages.push_back(message);
                    outcome.finished |= last;
                }
                Event::Finished { stream } => self.outcomes.entry(stream).or_default().finished = true,
                Event::Reset { stream, status } => {
                    self.outcomes.entry(stream).or_default().status = Some(status);
                }
                Event::GoAway { .. } => self.going_away = true,
                Event::Closed(reason) => self.closed = Some(reason),
                _ => {}
            }
        }
    }

    pub fn codec(&mut self) -> SharedCodec {
        let name = self.session().codec;
        self.codec.get_or_insert_with(|| CodecRegistry::discovered().unwrap().require(&name).unwrap().clone()).clone()
    }
}

/// Waits until something holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::yield_now();
    }
}
