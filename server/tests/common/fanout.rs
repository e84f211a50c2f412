//! One topic and a crowd of subscribers, some of which stop: each connection is a thread over core's `Connection`. A test and an example
//! have it in common.
#![allow(dead_code, unreachable_pub, reason = "each has its own use for it")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bulla_core::codec::{CodecName, CodecRegistry, DecodeLimits, SharedCodec};
use bulla_core::connection::{Bounds, ClientConfig, Connection, Event, Identity, Limits, Open, Start, StreamId};
use bulla_core::key::Key;
use bulla_core::value::Value;
use bulla_server::Address;
use bulla_server::services::topics::{Delivery, SubscribeRequest};
use serde::{Deserialize, Serialize};

/// How long a subscriber waits for anything.
const STANDSTILL: Duration = Duration::from_secs(60);

/// The bytes of the key.
pub const KEY: [u8; 32] = [7; 32];

pub const TOPIC: &str = "load.fanout";

/// What is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    pub number: u64,
    pub text: String,
}

impl Load {
    pub fn new(number: u64) -> Self {
        Self { number, text: "The quick brown fox jumps over the lazy dog".to_owned() }
    }
}

/// A crowd of subscribers.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    /// What the connections speak, in turn.
    pub codecs: &'static [&'static str],
    /// Subscribers that share connections, and how many share one.
    pub sharing: usize,
    pub streams: usize,
    /// Subscribers with a connection each.
    pub alone: usize,
    /// How many of the first and of the second stop: they take nothing off their streams, or off their sockets.
    pub stopped: [usize; 2],
    /// How many messages are published.
    pub messages: u64,
    /// How many messages may wait at the server for a subscriber, and how many bytes may be on their way to it.
    pub queue: u32,
    pub credit: u32,
    /// One message in so many is decoded and looked at; the others are counted.
    pub looked_at: u64,
}

impl Crowd {
    /// How many do not stop.
    pub fn live(&self) -> usize {
        self.sharing + self.alone - self.stopped[0] - self.stopped[1]
    }

    /// Each connection: how many streams it has, and how many of them stop.
    fn connections(&self) -> Vec<(usize, usize)> {
        let count = self.sharing.div_ceil(self.streams.max(1));
        let share = |all: usize, at: usize| (all + count - 1 - at) / count.max(1);
        let sharing = (0..count).map(|at| (share(self.sharing, at), share(self.stopped[0], at)));
        sharing.chain((0..self.alone).map(|at| (1, usize::from(at < self.stopped[1])))).collect()
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// From the first message to the last delivery.
    pub elapsed: Duration,
    /// Messages that came to subscribers who did not stop.
    pub delivered: u64,
}

/// How far the subscribers are, each connection as far as the slowest of those in it that do not stop.
pub struct Progress(Vec<AtomicU64>);

impl Progress {
    /// Waits until all subscribers that do not stop have so many messages.
    pub fn wait_for(&self, messages: u64) {
        let begin = Instant::now();
        for connection in &self.0 {
            while connection.load(Ordering::Relaxed) < messages {
                assert!(begin.elapsed() < STANDSTILL, "not all get so far");
                std::thread::yield_now();
            }
        }
    }
}

/// Subscribes, has `publish` publish everything, and waits until every subscriber that has not stopped has every message.
pub fn run(address: &Address, crowd: Crowd, publish: impl FnOnce(&Progress)) -> Outcome {
    let mut codecs = crowd.codecs.iter().cycle();
    let mut connect = |(streams, stopped)| Subscribers::begin(address, codecs.next().unwrap(), crowd, streams, stopped);
    let connections: Vec<Subscribers> = crowd.connections().into_iter().map(&mut connect).collect();
    let (live, _stopped): (Vec<_>, Vec<_>) = connections.into_iter().partition(|connection| connection.live > 0);
    let progress = Progress(live.iter().map(|_| AtomicU64::new(0)).collect());
    let begin = Instant::now();
    let delivered = std::thread::scope(|scope| {
        let reader = |(connection, progress)| scope.spawn(move || Subscribers::read(connection, progress));
        let readers: Vec<_> = live.into_iter().zip(&progress.0).map(reader).collect();
        publish(&progress);
        // Those who are done stay connected until all are.
        let done: Vec<Subscribers> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        done.iter().map(Subscribers::heard).sum()
    });
    Outcome { elapsed: begin.elapsed(), delivered }
}

/// The subscribers of one connection.
struct Subscribers {
    stream: TcpStream,
    connection: Connection,
    buffer: Vec<u8>,
    codec: SharedCodec,
    crowd: Crowd,
    subscribers: HashMap<StreamId, Subscriber>,
    /// How many have not stopped, and not heard everything.
    live: usize,
}

#[derive(Default)]
struct Subscriber {
    stopped: bool,
    subscribed: bool,
    /// A head came, and its value is next.
    inside: bool,
    heard: u64,
}

impl Subscribers {
    fn begin(address: &Address, codec: &str, crowd: Crowd, streams: usize, stopped: usize) -> Self {
        let (stream, connection) = connect(address, codec, crowd.credit);
        let codec = CodecRegistry::discovered().unwrap().require(&codec.parse().unwrap()).unwrap().clone();
        let live = streams - stopped;
        let mut this = Self { stream, connection, buffer: Vec::new(), codec, crowd, subscribers: HashMap::new(), live };
        let request = SubscribeRequest { patterns: vec![TOPIC.to_owned()], queue: Some(crowd.queue), policy: None };
        let request = this.codec.encode_to_vec(&request).unwrap();
        for at in 0..streams {
            let open = Open { route: "topics.subscribe".to_owned(), ..Open::default() };
            let id = this.connection.open(&open).unwrap();
            this.connection.send(id, request.clone()).unwrap();
            this.connection.finish(id).unwrap();
            this.subscribers.insert(id, Subscriber { stopped: at < stopped, ..Subscriber::default() });
        }
        while this.subscribers.values().any(|subscriber| !subscriber.subscribed) {
            this.turn();
        }
        this
    }

    fn heard(&self) -> u64 {
        self.subscribers.values().map(|subscriber| subscriber.heard).sum()
    }

    fn slowest(&self) -> u64 {
        let live = self.subscribers.values().filter(|subscriber| !subscriber.stopped);
        live.map(|subscriber| subscriber.heard).min().unwrap_or_default()
    }

    /// Reads until all who do not stop have everything.
    fn read(mut self, progress: &AtomicU64) -> Self {
        while self.live > 0 {
            self.turn();
            progress.store(self.slowest(), Ordering::Relaxed);
        }
        self
    }

    /// Writes what there is, and waits for more.
    fn turn(&mut self) {
        exchange(&mut self.stream, &mut self.connection, &mut self.buffer);
        self.take_events();
    }

    fn take_events(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Message { stream, message, .. } => {
                    let subscriber = self.subscribers.get_mut(&stream).unwrap();
                    if subscriber.subscribed && subscriber.stopped {
                        continue;
                    }
                    self.connection.consume(stream, message.len());
                    subscriber.take(&message, &self.codec, &self.crowd);
                    self.live -= usize::from(!subscriber.inside && subscriber.heard == self.crowd.messages);
                }
                Event::Reset { stream, status } => assert!(self.subscribers[&stream].stopped, "{status}"),
                Event::Closed(reason) => panic!("{reason}"),
                _ => {}
            }
        }
    }
}

impl Subscriber {
    fn take(&mut self, message: &[u8], codec: &SharedCodec, crowd: &Crowd) {
        if !self.subscribed {
            let head: Delivery = codec.decode_as(message, DecodeLimits::DEFAULT).unwrap();
            assert_eq!(head, Delivery::Subscribed { queue: crowd.queue });
            self.subscribed = true;
            return;
        }
        let looks = self.heard.is_multiple_of(crowd.looked_at) || self.heard + 1 == crowd.messages;
        self.inside = !self.inside;
        if self.inside {
            if looks {
                let head: Delivery = codec.decode_as(message, DecodeLimits::DEFAULT).unwrap();
                assert!(matches!(&head, Delivery::Message { topic, .. } if topic == TOPIC), "{head:?}");
            }
            return;
        }
        if looks {
            let value: Value = codec.decode_as(message, DecodeLimits::DEFAULT).unwrap();
            assert_eq!(value.deserialize(), Ok(Load::new(self.heard)), "nothing is lost, doubled or out of order");
        }
        self.heard += 1;
    }
}

fn connect(address: &Address, codec: &str, credit: u32) -> (TcpStream, Connection) {
    let Address::Tcp(address) = address else { panic!("no TCP address") };
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(STANDSTILL)).unwrap();
    let mut limits = Limits::default();
    limits.credit = credit;
    let (mut entropy, mut instance) = ([0; 32], [0; 16]);
    getrandom::fill(&mut entropy).unwrap();
    getrandom::fill(&mut instance).unwrap();
    let identity = Identity { instance, agent: "fanout/1".to_owned() };
    let (key, offer) = (Key::from_bytes(KEY), vec![CodecName::new(codec)]);
    let config = ClientConfig { key, offer, limits, bounds: Bounds::default(), identity };
    let unix_time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let mut connection = Connection::client(&config, Start { entropy, now: Instant::now(), unix_time });
    while connection.session().is_none() {
        exchange(&mut stream, &mut connection, &mut Vec::new());
    }
    assert!(matches!(connection.poll_event(), Some(Event::Connected(_))));
    (stream, connection)
}

/// Writes what there is, and reads once.
fn exchange(stream: &mut TcpStream, connection: &mut Connection, buffer: &mut Vec<u8>) {
    buffer.clear();
    while connection.poll_transmit(buffer) {
        stream.write_all(buffer).unwrap();
        buffer.clear();
    }
    buffer.resize(64 << 10, 0);
    let count = stream.read(buffer).unwrap();
    assert!(count > 0, "the server ended the connection");
    connection.handle_input(Instant::now(), &mut buffer[..count]);
}
