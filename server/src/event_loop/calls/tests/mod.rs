//! Calls between two connections without a socket and without threads, on a clock that moves when a test says so.

mod callbacks;
mod calls;
mod chaos;
mod ends;
mod streams;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bulla_core::codec::{Codec, CodecRegistry, SharedCodec};
use bulla_core::connection::{Bounds, ClientConfig, Event, Identity, Limits, Open, ServerConfig, Start};
use bulla_core::intercept::Interceptors;
use bulla_core::key::{Key, KeyRing};

use super::*;
use crate::acceptor::selector;
use crate::address::PeerAddress;
use crate::capacity::Capacity;
use crate::event_loop::{Mail, Port, Timers};
use crate::metrics::Metrics;
use crate::route::{
    ClientStream, Context, Duplex, End, Handler, Replies, Requests, Routes, ServerStream, TrySendError,
};
use crate::shared::{Facts, Shared};
use crate::stream_threads::StreamThreads;
use crate::tests::Raw;
use crate::workers::{Plan, Workers};

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

/// What a handler of streams keeps for the test.
#[derive(Clone, Default)]
struct Kept {
    replies: Arc<Mutex<Vec<Replies>>>,
    requests: Arc<Mutex<Vec<Requests<u32>>>>,
}

impl Kept {
    fn reply(&self) -> Replies {
        self.replies.lock().unwrap().pop().expect("a handler has run")
    }

    fn request(&self) -> Requests<u32> {
        self.requests.lock().unwrap().pop().expect("a handler has run")
    }
}

/// A client, and a server without its socket.
struct Scene {
    client: Connection,
    server: Connection,
    calls: Calls,
    desk: Desk,
    kept: Arc<Mutex<Vec<Call>>>,
    streams: Kept,
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
        let streams = Kept::default();
        add_streams(&mut routes, &streams);
        let metrics = Arc::<Metrics>::default();
        let facts = Arc::new(Facts::new(config.accept.clone(), routes.names(), limits, bounds, capacity));
        let (poll, mailbox) = selector().unwrap();
        let port = Arc::new(Port::new(mailbox, Arc::clone(&metrics), &capacity));
        let config = Mutex::new(Arc::new(config));
        let codecs = CodecRegistry::empty().with(Raw).unwrap();
        let (most, share) = capacity.stream_shares();
        let plan = |most| Plan { name: "none", least: 0, most, capacity: 0 };
        let workers = Workers::start(plan(0), |_: Job| None).unwrap();
        let stream_threads = StreamThreads::start(plan(most), share, |_: Job| {}).unwrap();
        let shared = Shared {
            config,
            routes,
            interceptors: Interceptors::default(),
            codecs,
            capacity,
            facts,
            metrics,
            workers,
            stream_threads,
            serials: AtomicU64::new(1),
        };
        let shared = Arc::new(shared);
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
        let calls = Calls::new(PeerKey { slot: 0, serial: 0 });
        let mut scene = Self { client, server, calls, desk, kept, streams, _poll: poll };
        scene.drive();
        let session = scene.server.session().expect("connected").clone();
        let facts = SessionFacts::new(session, PeerAddress::Unix, SharedCodec::new(Raw), &scene.desk.shared.facts);
        scene.calls.handle_connected(facts);
        scene
    }

    /// Does what workers do.
    fn run_jobs(&mut self) -> bool {
        let desk = &mut self.desk;
        let jobs: Vec<Job> = desk.jobs.drain(..).chain(desk.resumes.drain(..)).collect();
        let streams = desk.streams.drain(..).map(|owned| owned.job);
        let jobs: Vec<Job> = jobs.into_iter().chain(streams).collect();
        let ran = !jobs.is_empty();
        for job in jobs {
            job.run(&desk.shared.metrics);
        }
        ran
    }

    /// Time passes.
    fn pass(&mut self, time: Duration) {
        self.desk.now += time;
        self.calls.handle_timeout(&mut self.server, &self.desk);
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
        let mut bytes = transmit(&mut self.client);
        self.server.handle_input(self.desk.now, &mut bytes);
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
            match mail {
                Mail::Note { stream, note, .. } => {
                    self.desk.port.take_back(&note);
                    self.calls.handle_note(&mut self.server, stream, note);
                }
                Mail::Resume(turn) => self.desk.resumes.push_back(Job::Resume(turn)),
                _ => panic!("handlers send notes"),
            }
        }
        answered
    }

    /// Takes the answers of handlers, and carries what the server says to the client.
    fn server_speaks(&mut self) -> bool {
        let answered = self.take_answers();
        let mut bytes = transmit(&mut self.server);
        self.client.handle_input(self.desk.now, &mut bytes);
        self.calls.publish(&mut self.server);
        self.calls.release(&self.server, &mut self.desk);
        answered || !bytes.is_empty()
    }

    fn drive(&mut self) {
        while self.client_speaks() | self.run_jobs() | self.server_speaks() {}
    }

    /// What has come to the client, of which nothing is consumed.
    fn client_events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.client.poll_event()).filter(|event| !matches!(event, Event::Connected(_))).collect()
    }

    /// How the calls ended, by the server's count.
    fn ended(&self) -> Vec<(&'static str, u64)> {
        self.desk.shared.metrics.snapshot().calls.into_iter().collect()
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
        assert_eq!((self.calls.taken, self.calls.streaming), (0, 0));
        assert_eq!(self.desk.shared.metrics.calls_running.value(), 0);
        assert_eq!(self.desk.shared.metrics.streams_running.value(), 0);
        assert_eq!(self.desk.shared.metrics.queued_bytes.value(), 0);
    }
}

fn add_streams(routes: &mut Routes, kept: &Kept) {
    let (feed, upload, both) = (kept.clone(), kept.clone(), kept.clone());
    let feed = move |_: u32, replies| feed.replies.lock().unwrap().push(replies);
    let upload = move |requests, _: &Context| {
        upload.requests.lock().unwrap().push(requests);
        Ok(7)
    };
    let both = move |requests, replies| {
        both.requests.lock().unwrap().push(requests);
        both.replies.lock().unwrap().push(replies);
    };
    routes.add("feed", Place::Thread, Shape::ServerStream, Box::new(ServerStream::new(feed))).unwrap();
    routes.add("upload", Place::Thread, Shape::ClientStream, Box::new(ClientStream::new(upload))).unwrap();
    routes.add("both", Place::Thread, Shape::Duplex, Box::new(Duplex::new(both))).unwrap();
}

fn transmit(connection: &mut Connection) -> Vec<u8> {
    let mut out = Vec::new();
    while connection.poll_transmit(&mut out) {}
    out
}

const WINDOW: usize = 256 << 10;

/// Sends messages of 1 KiB until there is no room; how many went.
fn fill(replies: &Replies) -> usize {
    let message: Arc<[u8]> = vec![b' '; 1 << 10].into();
    (0..100_000).take_while(|_| replies.try_send_encoded(Arc::clone(&message)) != Err(TrySendError::Full)).count()
}

fn counter() -> (Arc<AtomicU32>, impl FnMut() + Send + 'static) {
    let count = Arc::<AtomicU32>::default();
    let counted = Arc::clone(&count);
    let count_one = move || {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    (count, count_one)
}

impl Scene {
    /// A stream whose handler hands its halves to the test.
    fn feed(&mut self) -> (StreamId, Replies) {
        let stream = self.call("feed", b"1");
        self.drive();
        (stream, self.streams.reply())
    }

    /// As `feed`, with many messages each way.
    fn both(&mut self) -> (StreamId, Requests<u32>, Replies) {
        let stream = self.open("both");
        self.drive();
        (stream, self.streams.request(), self.streams.reply())
    }

    /// The client takes what has come on a stream; the bytes of it.
    fn client_consumes(&mut self) -> usize {
        let mut bytes = 0;
        for event in self.client_events() {
            if let Event::Message { stream, message, .. } = event {
                self.client.consume(stream, message.len());
                bytes += message.len();
            }
        }
        bytes
    }

    /// Consumes and drives until nothing more comes.
    fn client_consumes_all(&mut self) -> usize {
        let mut sum = 0;
        loop {
            self.drive();
            match self.client_consumes() {
                0 => return sum,
                bytes => sum += bytes,
            }
        }
    }
}
