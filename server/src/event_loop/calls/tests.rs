//! Calls between two connections without a socket.

use std::sync::Mutex;
use std::time::Instant;

use bulla_core::codec::{Capabilities, Codec, CodecName, CodecRegistry, DecodeError, EncodeError, SharedCodec};
use bulla_core::connection::{Bounds, ClientConfig, Event, Identity, Limits, ServerConfig, Start};
use bulla_core::key::{Key, KeyRing};
use serde::Serialize;
use serde::de::DeserializeSeed;

use super::*;
use crate::acceptor::selector;
use crate::address::PeerAddress;
use crate::capacity::Capacity;
use crate::event_loop::{Mail, Port, Timers};
use crate::metrics::Metrics;
use crate::route::{End, Flow, Handler, Routes};
use crate::shared::{Facts, Shared};
use crate::workers::{Plan, Workers};

/// Nothing is decoded here.
struct Raw;

impl Codec for Raw {
    const NAME: CodecName = CodecName::new("raw");
    const MEDIA_TYPE: &'static str = "application/octet-stream";

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    fn encode<T: Serialize + ?Sized>(&self, _: &T, _: &mut Vec<u8>) -> Result<(), EncodeError> {
        Err(EncodeError::new("not used"))
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, _: &'de [u8], _: S) -> Result<S::Value, DecodeError> {
        Err(DecodeError::new("not used"))
    }
}

/// Answers with as many bytes as the request's first number says, in KiB.
struct Grow;

impl Handler for Grow {
    fn handle(&self, call: Call) {
        let size = call.request.first().map_or(0, |kib| usize::from(*kib) << 10);
        call.slot.fill(Some(vec![7; size].into()), End::Done);
    }
}

/// Keeps calls without an answer.
struct Keep(Arc<Mutex<Vec<Call>>>);

impl Handler for Keep {
    fn handle(&self, call: Call) {
        self.0.lock().unwrap().push(call);
    }
}

/// A client, and a server without its socket.
struct Scene {
    client: Connection,
    server: Connection,
    calls: Calls,
    desk: Desk,
    kept: Arc<Mutex<Vec<Call>>>,
    _poll: mio::Poll,
}

impl Scene {
    fn new(capacity: Capacity) -> Self {
        let now = Instant::now();
        let key = Key::from_bytes([1; 32]);
        let identity = |instance| Identity { instance: [instance; 16], agent: "test/1".to_owned() };
        let (limits, bounds) = (Limits::default(), Bounds::default());
        let config = ClientConfig { key: key.clone(), offer: vec![Raw::NAME], limits, bounds, identity: identity(1) };
        let client = Connection::client(&config, Start { entropy: [1; 32], now, unix_time: 0 });
        let config =
            ServerConfig { keys: KeyRing::single(key), accept: vec![Raw::NAME], limits, bounds, identity: identity(2) };
        let kept = Arc::default();
        let mut routes = Routes::default();
        routes.add("grow", Place::Inline, Shape::Call, Box::new(Grow)).unwrap();
        routes.add("keep", Place::Inline, Shape::Call, Box::new(Keep(Arc::clone(&kept)))).unwrap();
        let metrics = Arc::<Metrics>::default();
        let facts = Arc::new(Facts::new(config.accept.clone(), routes.names(), limits, bounds, capacity));
        let (poll, mailbox) = selector().unwrap();
        let port = Arc::new(Port::new(mailbox, Arc::clone(&metrics), &capacity));
        let config = Mutex::new(Arc::new(config));
        let codecs = CodecRegistry::empty().with(Raw).unwrap();
        let nobody = || Workers::start(Plan { name: "none", least: 0, most: 0, capacity: 0 }, |_: Job| {}).unwrap();
        let (workers, stream_threads) = (nobody(), nobody());
        let shared = Arc::new(Shared { config, routes, codecs, capacity, facts, metrics, workers, stream_threads });
        let server = shared.connection(now).unwrap();
        let desk = Desk {
            shared,
            port,
            now,
            scratch: Vec::new(),
            out: Vec::new(),
            jobs: VecDeque::new(),
            resumes: VecDeque::new(),
            streams: VecDeque::new(),
            timers: Timers::default(),
            draining: false,
        };
        let session = SessionFacts {
            peer: None,
            agent: String::new(),
            address: PeerAddress::Unix,
            codec: SharedCodec::new(Raw),
            limits,
            flow: Flow::new(limits.credit as usize, bounds.outbound, capacity.unsent_per_connection),
        };
        let mut calls = Calls::new(PeerKey { slot: 0, serial: 0 });
        calls.handle_connected(session);
        let mut scene = Self { client, server, calls, desk, kept, _poll: poll };
        scene.drive();
        assert!(scene.server.session().is_some());
        scene
    }

    fn open(&mut self, route: &str) -> StreamId {
        self.client.open(&Open { route: route.to_owned(), ..Open::default() }).unwrap()
    }

    fn call(&mut self, route: &str, request: &[u8]) -> StreamId {
        let stream = self.open(route);
        self.client.send(stream, request.to_vec()).unwrap();
        self.client.finish(stream).unwrap();
        stream
    }

    /// Carries what the client says to the server, and handles it.
    fn client_speaks(&mut self) -> bool {
        let bytes = transmit(&mut self.client);
        self.server.handle_input(self.desk.now, &bytes);
        while let Some(event) = self.server.poll_event() {
            let (connection, desk) = (&mut self.server, &mut self.desk);
            match event {
                Event::Opened { stream, open } => {
                    self.calls.handle_opened(connection, stream, open, desk);
                }
                Event::Message { stream, message, last } => {
                    self.calls.handle_message(connection, stream, message, last, desk);
                }
                Event::Finished { stream } => self.calls.handle_finished(connection, stream, desk),
                Event::Reset { stream, status } => self.calls.handle_reset(connection, stream, &status, desk),
                _ => {}
            }
        }
        !bytes.is_empty()
    }

    /// Takes the answers of handlers.
    fn take_answers(&mut self) -> bool {
        let mut inbox = Vec::new();
        self.desk.port.mailbox.take(&mut inbox);
        let answered = !inbox.is_empty();
        for mail in inbox {
            let Mail::Note { stream, note, .. } = mail else { panic!("handlers send notes") };
            self.desk.port.take_back(&note);
            self.calls.handle_note(&mut self.server, stream, note);
        }
        answered
    }

    /// Takes the answers of handlers, and carries what the server says to the client.
    fn server_speaks(&mut self) -> bool {
        let answered = self.take_answers();
        let bytes = transmit(&mut self.server);
        self.client.handle_input(self.desk.now, &bytes);
        self.calls.publish(&mut self.server);
        self.calls.release(&self.server, &mut self.desk);
        answered || !bytes.is_empty()
    }

    fn drive(&mut self) {
        while self.client_speaks() | self.server_speaks() {}
    }

    fn statuses(&mut self) -> Vec<(StreamId, Code)> {
        std::iter::from_fn(|| self.client.poll_event())
            .filter_map(|event| match event {
                Event::Reset { stream, status } => Some((stream, status.code())),
                _ => None,
            })
            .collect()
    }

    /// Nothing is left, and everything was consumed once.
    fn assert_at_rest(&self) {
        assert!(self.calls.is_empty() && self.calls.owed() == 0 && self.calls.held.is_empty());
        assert_eq!(self.server.open_streams(), 0);
        assert_eq!(self.desk.shared.metrics.calls_running.value(), 0);
        assert_eq!(self.desk.shared.metrics.queued_bytes.value(), 0);
    }
}

fn transmit(connection: &mut Connection) -> Vec<u8> {
    let mut out = Vec::new();
    while connection.poll_transmit(&mut out) {}
    out
}

#[test]
fn whatever_becomes_of_a_call_its_request_is_consumed_once() {
    let mut scene = Scene::new(Capacity::default());
    let answered = scene.call("grow", &[1]);
    let empty = scene.call("grow", &[]);
    let unknown = scene.call("missing", &[1, 2, 3]);
    let two = scene.open("grow");
    scene.client.send(two, vec![1]).unwrap();
    scene.client.send(two, vec![1]).unwrap();
    scene.client.finish(two).unwrap();
    let none = scene.open("grow");
    scene.client.finish(none).unwrap();
    let given_up = scene.open("grow");
    scene.client.send(given_up, vec![1]).unwrap();
    scene.drive();
    scene.client.reset(given_up, &Status::new(Code::Cancelled, "")).unwrap();
    scene.drive();
    let mut statuses = scene.statuses();
    statuses.sort();
    let expected = [(unknown, Code::Unimplemented), (two, Code::InvalidArgument), (none, Code::InvalidArgument)];
    assert_eq!(statuses, expected, "{answered:?} and {empty:?} are answered");
    scene.assert_at_rest();
}

#[test]
fn an_answer_that_comes_after_a_reset_is_dropped_and_the_handler_was_told() {
    let mut scene = Scene::new(Capacity::default());
    let stream = scene.call("keep", &[1]);
    scene.drive();
    scene.client.reset(stream, &Status::new(Code::Cancelled, "")).unwrap();
    scene.drive();
    let call = scene.kept.lock().unwrap().pop().unwrap();
    assert!(call.context.is_cancelled());
    call.slot.fill(Some(vec![1].into()), End::Done);
    scene.drive();
    assert_eq!(scene.statuses(), []);
    scene.assert_at_rest();
}

#[test]
fn calls_beyond_the_cap_are_refused_and_the_others_go_on() {
    let mut scene = Scene::new(Capacity { calls_per_connection: 2, ..Capacity::default() });
    let streams: Vec<StreamId> = (0..3).map(|_| scene.call("keep", &[1])).collect();
    scene.drive();
    assert_eq!(scene.statuses(), [(streams[2], Code::ResourceExhausted)]);
    for call in scene.kept.lock().unwrap().drain(..) {
        call.slot.fill(Some(vec![1].into()), End::Done);
    }
    scene.drive();
    scene.assert_at_rest();
}

#[test]
fn while_replies_wait_calls_are_held_and_go_on_when_the_peer_takes_them() {
    let mut scene = Scene::new(Capacity::default());
    for _ in 0..8 {
        scene.call("grow", &[255]);
    }
    scene.client_speaks();
    scene.take_answers();
    assert!(scene.server.queued() > scene.desk.shared.facts.bounds.outbound);
    let late = scene.call("grow", &[1]);
    scene.client_speaks();
    assert_eq!(scene.calls.held.len(), 1, "{late:?} waits");
    scene.drive();
    assert_eq!(scene.statuses(), []);
    scene.assert_at_rest();
}

#[test]
fn a_connection_that_ends_leaves_nobody_waiting() {
    let mut scene = Scene::new(Capacity::default());
    scene.call("keep", &[1]);
    let half = scene.open("grow");
    scene.client.send(half, vec![1]).unwrap();
    scene.drive();
    scene.calls.abandon(&mut scene.server, &scene.desk);
    let call = scene.kept.lock().unwrap().pop().unwrap();
    assert!(call.context.is_cancelled());
    drop(call);
    assert_eq!(scene.desk.shared.metrics.calls_running.value(), 0);
}
