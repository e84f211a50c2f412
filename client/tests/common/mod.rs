//! A small blocking server over core's connection, one thread for each client, that does what a test tells it to.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "each test program uses a part")]

#[cfg(feature = "program")]
pub mod bulla;
pub mod store;
pub mod streams;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bulla_client::{Client, ClientBuilder};
use bulla_codecs as _;
use bulla_core::codec::{CodecName, CodecRegistry, DecodeLimits, SharedCodec};
use bulla_core::connection::{Bounds, Connection, Event, Identity, Limits, Open, ServerConfig, Start, StreamId};
use bulla_core::key::{Key, KeyRing};
use bulla_core::status::{Code, Status};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a handler is shown.
pub struct Request {
    pub open: Open,
    pub message: Vec<u8>,
    pub codec: SharedCodec,
}

impl Request {
    pub fn decode<T: DeserializeOwned>(&self) -> T {
        self.codec.decode_as(&self.message, DecodeLimits::DEFAULT).unwrap()
    }

    pub fn answer<T: Serialize>(&self, value: &T) -> Reply {
        Reply::Answer(self.codec.encode_to_vec(value).unwrap())
    }
}

/// What a handler wants done.
pub enum Reply {
    Answer(Vec<u8>),
    Refuse(Status),
    /// Never answered.
    Silence,
    /// The stream ends without a message.
    Nothing,
    /// GO_AWAY, then the answer.
    GoAwayThen(Vec<u8>),
    /// The socket is dropped, without CLOSE.
    HangUp,
}

pub type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// What a server does with one connection.
pub trait Behaviour: Send {
    /// Sees every event; `false` hangs up, without CLOSE.
    fn handle(&mut self, connection: &mut Connection, event: Event) -> bool;

    /// Queues more, if there is more to say; asked again when that is written.
    fn pump(&mut self, _connection: &mut Connection) {}
}

/// What the server saw of one connection.
#[derive(Default)]
pub struct Log {
    pub connections: AtomicUsize,
    pub resets: Mutex<Vec<Status>>,
    pub ends: Mutex<Vec<String>>,
    /// Told of each end and each reset.
    pub news: Mutex<Option<std::sync::mpsc::Sender<()>>>,
}

pub struct TestServer {
    pub address: SocketAddr,
    pub key: Key,
    pub log: Arc<Log>,
}

pub fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32])
}

/// The names of the stock codecs; pickle is offered and accepted only where it is named.
pub const ALL: [&str; 8] = ["bincode", "cbor", "json", "msgpack", "pickle", "postcard", "xml", "yaml"];

/// The stock codecs.
pub fn codecs() -> CodecRegistry {
    CodecRegistry::discovered().unwrap()
}

/// Starts a server that accepts `codecs` and answers with `handler`. Its threads end with the test program.
pub fn serve(codecs: &[&str], handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> TestServer {
    serve_with(codecs, Limits::default(), handler)
}

pub fn serve_with(
    codecs: &[&str],
    limits: Limits,
    handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> TestServer {
    let handler: Handler = Arc::new(handler);
    serve_each(codecs, limits, move || Box::new(Calls { handler: Arc::clone(&handler), opened: HashMap::new() }))
}

/// Starts a server that behaves to each connection as `behave` says.
pub fn serve_each(
    codecs: &[&str],
    limits: Limits,
    behave: impl Fn() -> Box<dyn Behaviour> + Send + 'static,
) -> TestServer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut bounds = Bounds::default();
    bounds.inbound = 256 << 20;
    let config = Arc::new(ServerConfig {
        keys: KeyRing::single(key(7)),
        accept: codecs.iter().map(|name| CodecName::new(name)).collect(),
        limits,
        bounds,
        identity: Identity { instance: [1; 16], agent: "test-server/1".to_owned() },
    });
    let log = Arc::new(Log::default());
    let shared = Arc::clone(&log);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let number = shared.connections.fetch_add(1, Ordering::SeqCst);
            let (config, behaviour, log) = (Arc::clone(&config), behave(), Arc::clone(&shared));
            std::thread::spawn(move || Peer::new(stream.unwrap(), config, behaviour, log, number).run());
        }
    });
    TestServer { address, key: key(7), log }
}

impl TestServer {
    pub fn builder(&self) -> ClientBuilder {
        let builder = Client::builder().server(self.address.to_string()).key(self.key.clone()).codecs(codecs());
        builder.deadline(Duration::from_secs(20))
    }

    pub fn connect(&self) -> Client {
        self.builder().connect().unwrap()
    }

    /// Something to wait on for the next end or reset.
    pub fn news(&self) -> std::sync::mpsc::Receiver<()> {
        let (sender, receiver) = std::sync::mpsc::channel();
        *self.log.news.lock().unwrap() = Some(sender);
        receiver
    }
}

struct Peer {
    stream: TcpStream,
    connection: Connection,
    behaviour: Box<dyn Behaviour>,
    log: Arc<Log>,
    hung_up: bool,
}

impl Peer {
    fn new(
        stream: TcpStream,
        config: Arc<ServerConfig>,
        behaviour: Box<dyn Behaviour>,
        log: Arc<Log>,
        number: usize,
    ) -> Self {
        stream.set_nodelay(true).unwrap();
        let mut entropy = [3; 32];
        entropy[..8].copy_from_slice(&number.to_be_bytes());
        getrandom::fill(&mut entropy[8..]).unwrap();
        let start = Start { entropy, now: Instant::now(), unix_time: 1_700_000_000 };
        let connection = Connection::server(config, start);
        Self { stream, connection, behaviour, log, hung_up: false }
    }

    fn run(mut self) {
        let mut buffer = vec![0; 64 << 10];
        while !self.connection.is_over() && !self.hung_up {
            match self.stream.read(&mut buffer) {
                Ok(0) | Err(_) => self.connection.handle_eof(),
                Ok(count) => self.connection.handle_input(Instant::now(), &mut buffer[..count]),
            }
            while let Some(event) = self.connection.poll_event() {
                self.note(&event);
                if !self.behaviour.handle(&mut self.connection, event) {
                    self.transmit();
                    self.hung_up = true;
                    let _ = self.stream.shutdown(std::net::Shutdown::Both);
                }
            }
            self.transmit();
        }
    }

    fn transmit(&mut self) {
        let mut out = Vec::new();
        self.behaviour.pump(&mut self.connection);
        while !self.hung_up && self.connection.poll_transmit(&mut out) {
            // An error is seen again by the next read.
            let _ = self.stream.write_all(&out);
            out.clear();
            self.behaviour.pump(&mut self.connection);
        }
    }

    fn note(&self, event: &Event) {
        match event {
            Event::Reset { status, .. } => self.log.resets.lock().unwrap().push(status.clone()),
            Event::Closed(reason) => self.log.ends.lock().unwrap().push(reason.to_string()),
            _ => return,
        }
        if let Some(news) = &*self.log.news.lock().unwrap() {
            let _ = news.send(());
        }
    }
}

/// Gives each message to a handler, as a call.
struct Calls {
    handler: Handler,
    opened: HashMap<StreamId, Open>,
}

impl Behaviour for Calls {
    fn handle(&mut self, connection: &mut Connection, event: Event) -> bool {
        match event {
            Event::Opened { stream, open } => {
                self.opened.insert(stream, open);
                true
            }
            Event::Message { stream, message, .. } => {
                connection.consume(stream, message.len());
                self.answer(connection, stream, message)
            }
            _ => true,
        }
    }
}

impl Calls {
    fn answer(&mut self, connection: &mut Connection, stream: StreamId, message: Vec<u8>) -> bool {
        let open = self.opened.remove(&stream).unwrap();
        let one_way = open.one_way;
        let codec = codec_of(connection);
        let reply = (self.handler)(&Request { open, message, codec });
        if one_way {
            return true;
        }
        match reply {
            Reply::Answer(message) => answer(connection, stream, message),
            Reply::Refuse(status) => drop(connection.reset(stream, &status)),
            Reply::Silence => {}
            Reply::Nothing => drop(connection.finish(stream)),
            Reply::GoAwayThen(message) => {
                connection.go_away();
                answer(connection, stream, message);
            }
            Reply::HangUp => return false,
        }
        true
    }
}

/// The codec that was agreed.
pub fn codec_of(connection: &Connection) -> SharedCodec {
    codecs().require(&connection.session().unwrap().codec).unwrap().clone()
}

/// The caller may have given up meanwhile: then the stream is gone.
pub fn answer(connection: &mut Connection, stream: StreamId, message: Vec<u8>) {
    if connection.send(stream, message).is_ok() {
        connection.finish(stream).unwrap();
    }
}

/// Waits until something that other threads bring about holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::yield_now();
    }
}

/// Answers with what came.
pub fn echo(request: &Request) -> Reply {
    Reply::Answer(request.message.clone())
}

/// A refusal.
pub fn refuse(code: Code, reason: &str) -> Reply {
    Reply::Refuse(Status::new(code, reason))
}
