//! Both libraries together: every shape of stream in every codec, and every way in which one ends.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use bulla_client::{CallError, CallOptions, Client, ClientBuilder, Incoming, Outgoing};
use bulla_core::connection::{EVENT_COST, Limits};
use bulla_core::key::KeyRing;
use bulla_core::status::{Code, Status};
use bulla_core::value::Value;
use bulla_server::services::Echo;
use bulla_server::{Context, Drained, Replies, Requests, Server, ServerHandle};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::common::{codecs, eventually, key};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    sensor: String,
    celsius: Option<f64>,
    tags: Vec<String>,
}

fn reading(number: u32) -> Reading {
    let celsius = number.is_multiple_of(3).then(|| f64::from(number) / 4.0);
    Reading { sensor: format!("sensor {number}"), celsius, tags: vec!["ü".to_owned(); number as usize % 3] }
}

/// What the handlers saw.
#[derive(Default)]
struct Seen {
    /// Messages that `feed` and `flood` sent.
    sent: AtomicU64,
    /// Messages that `slow` took.
    taken: AtomicU64,
    /// How streams ended on the server.
    ends: Mutex<Vec<String>>,
    /// Lets `slow` take what comes.
    open: AtomicBool,
}

impl Seen {
    fn note(&self, end: impl ToString) {
        self.ends.lock().unwrap().push(end.to_string());
    }

    fn has(&self, end: &str) -> bool {
        self.ends.lock().unwrap().iter().any(|seen| seen.contains(end))
    }
}

struct Scene {
    server: ServerHandle,
    seen: Arc<Seen>,
    _folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seen = Arc::<Seen>::default();
        let server = Server::builder()
            .listen("127.0.0.1:0")
            .unwrap()
            .listen(&format!("unix:{}", folder.path().join("bulla.sock").display()))
            .unwrap()
            .keys(KeyRing::single(key(7)))
            .codecs(codecs())
            .service(Echo);
        let server = with_routes(server, &seen).spawn().unwrap();
        Self { server, seen, _folder: folder }
    }

    fn builder(&self) -> ClientBuilder {
        builder(self.server.addresses()[0].to_string())
    }

    fn client(&self) -> Client {
        self.builder().connect().unwrap()
    }

    fn socket(&self) -> std::path::PathBuf {
        self._folder.path().join("bulla.sock")
    }
}

fn builder(address: String) -> ClientBuilder {
    Client::builder().server(address).key(key(7)).codecs(codecs()).deadline(Duration::from_secs(20))
}

fn with_routes(server: bulla_server::Builder, seen: &Arc<Seen>) -> bulla_server::Builder {
    let (flood, slow, watch) = (Arc::clone(seen), Arc::clone(seen), Arc::clone(seen));
    server
        .route_server_stream("readings", |count: u32, replies: Replies| {
            for number in 0..count {
                if replies.send(&reading(number)).is_err() {
                    return;
                }
            }
        })
        .route_client_stream("collect", |requests: Requests<Reading>, _: &Context| {
            requests.collect::<Result<Vec<_>, _>>()
        })
        .route_duplex("echo-each", |requests: Requests<Reading>, replies: Replies| {
            for request in requests {
                if request.and_then(|reading| replies.send(&reading)).is_err() {
                    return;
                }
            }
        })
        .route_duplex("echo-text", |requests: Requests<String>, replies: Replies| {
            for request in requests {
                if request.and_then(|text| replies.send(&text)).is_err() {
                    return;
                }
            }
        })
        .route_server_stream("flood", move |(): (), replies: Replies| {
            loop {
                if let Err(status) = replies.send(&flood.sent.load(Ordering::SeqCst)) {
                    return flood.note(status);
                }
                flood.sent.fetch_add(1, Ordering::SeqCst);
            }
        })
        .route_client_stream("slow", move |requests: Requests<String>, _: &Context| {
            let mut bytes = 0;
            eventually("the test lets it go on", || slow.open.load(Ordering::SeqCst));
            for request in requests {
                match request {
                    Ok(text) => bytes += text.len() as u64,
                    Err(status) => {
                        slow.note(&status);
                        return Err(status);
                    }
                }
                slow.taken.fetch_add(1, Ordering::SeqCst);
            }
            Ok(bytes)
        })
        .route_duplex("watch", move |requests: Requests<u32>, replies: Replies| {
            for request in requests {
                match request {
                    Ok(number) => drop(replies.send(&number)),
                    Err(status) => return watch.note(status),
                }
            }
            watch.note("finished");
        })
        .route_server_stream("fail", |count: u32, replies: Replies| {
            for number in 0..count {
                replies.send(&number).unwrap();
            }
            if count == 0 {
                replies.fail(Status::new(Code::DataLoss, "none left").with_detail("shelf", "7 ü"));
            } else {
                panic!("on purpose");
            }
        })
        .route_client_stream("first", |mut requests: Requests<u32>, _: &Context| {
            requests.next().unwrap_or_else(|| Err(Status::new(Code::InvalidArgument, "nothing came")))
        })
}

fn options() -> CallOptions {
    CallOptions::new()
}

#[test]
fn every_shape_in_every_codec() {
    let scene = Scene::new();
    let readings: Vec<Reading> = (0..200).map(reading).collect();
    for codec in ["bincode", "json", "xml", "yaml"] {
        let client = scene.builder().offer([codec]).connect().unwrap();
        let feed: Incoming<Reading> = client.server_stream("readings", &200_u32, &options()).unwrap();
        assert_eq!(feed.collect::<Result<Vec<_>, _>>().unwrap(), readings, "{codec}");

        let upload = client.client_stream::<Reading, Vec<Reading>>("collect", &options()).unwrap();
        readings.iter().for_each(|reading| upload.send(reading).unwrap());
        assert_eq!(upload.finish().unwrap(), readings, "{codec}");

        let (outgoing, mut incoming) = client.duplex::<Reading, Reading>("echo-each", &options()).unwrap();
        for reading in &readings {
            outgoing.send(reading).unwrap();
            assert_eq!(incoming.next().unwrap().unwrap(), *reading, "{codec}");
        }
        outgoing.finish().unwrap();
        assert_eq!(incoming.next(), None, "{codec}");
        client.close();
    }
}

#[test]
fn the_halves_run_on_two_threads() {
    let client = Scene::new();
    let client = client.client();
    let (outgoing, incoming) = client.duplex::<Reading, Reading>("echo-each", &options()).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            (0..5000).for_each(|number| outgoing.send(&reading(number)).unwrap());
            outgoing.finish().unwrap();
        });
        for (number, item) in (0..).zip(incoming) {
            assert_eq!(item.unwrap(), reading(number));
        }
    });
}

#[test]
fn a_reader_that_stops_costs_the_window_and_nobody_else_anything() {
    let scene = Scene::new();
    let client = scene.client();
    let mut stalled: Vec<Incoming<u64>> =
        (0..4).map(|_| client.server_stream("flood", &(), &options()).unwrap()).collect();
    let mut seen = 0;
    eventually("the server comes to rest", || {
        client.ping().unwrap();
        thread::sleep(Duration::from_millis(20));
        seen == std::mem::replace(&mut seen, scene.seen.sent.load(Ordering::SeqCst))
    });
    // On the way or at the client, and waiting at the server.
    let window = u64::from(Limits::default().credit);
    assert!(seen <= 4 * 2 * window, "{seen} messages of a byte at least");
    for number in 0..100 {
        assert_eq!(client.call::<_, u32>("echo", &number).unwrap(), number);
    }
    let feed: Incoming<Reading> = client.server_stream("readings", &2000_u32, &options()).unwrap();
    assert_eq!(feed.map(Result::unwrap).count(), 2000);
    for _ in 0..window / EVENT_COST as u64 * 2 {
        stalled[0].next().unwrap().unwrap();
    }
}

#[test]
fn a_sender_waits_for_a_handler_that_is_slow() {
    let scene = Scene::new();
    let client = scene.client();
    let upload = client.client_stream::<String, u64>("slow", &options()).unwrap();
    let text = "x".repeat(1000);
    let mut sent = 0;
    // The window may still be on its way: what fits is bounded in any case.
    eventually("the window is full", || {
        client.ping().unwrap();
        let before = sent;
        while upload.try_send(&text).unwrap() {
            sent += 1;
        }
        before == sent && sent > 0
    });
    assert!(sent <= 2 * u64::from(Limits::default().credit) / 1000 + 2, "{sent}");
    assert_eq!(client.call::<_, u32>("echo", &7).unwrap(), 7, "nobody else waits");
    scene.seen.open.store(true, Ordering::SeqCst);
    for _ in 0..1000 {
        upload.send(&text).unwrap();
    }
    assert_eq!(upload.finish().unwrap(), (sent + 1000) * 1000);
    assert_eq!(scene.seen.taken.load(Ordering::SeqCst), sent + 1000);
}

#[test]
fn a_server_ends_a_stream_with_a_status_and_its_details() {
    let scene = Scene::new();
    for codec in ["bincode", "json", "xml", "yaml"] {
        let client = scene.builder().offer([codec]).connect().unwrap();
        let mut feed: Incoming<u32> = client.server_stream("fail", &0_u32, &options()).unwrap();
        let CallError::Status { status, .. } = feed.next().unwrap().unwrap_err() else { panic!("a status") };
        assert_eq!(
            (status.code(), status.reason(), status.detail("shelf")),
            (Code::DataLoss, "none left", Some("7 ü"))
        );
        assert_eq!(feed.next(), None);
        let feed: Incoming<u32> = client.server_stream("fail", &3_u32, &options()).unwrap();
        let last = feed.last().unwrap().unwrap_err();
        assert!(matches!(&last, CallError::Status { status, .. } if status.code() == Code::Internal), "{last}");
        let unknown = client.client_stream::<u32, u32>("nowhere", &options()).unwrap();
        let error = unknown.finish().unwrap_err();
        assert!(matches!(&error, CallError::Status { status, .. } if status.code() == Code::Unimplemented), "{error}");
    }
}

#[test]
fn an_early_answer_arrives_while_the_client_still_sends() {
    let scene = Scene::new();
    let client = scene.client();
    let upload = client.client_stream::<u32, u32>("first", &options()).unwrap();
    upload.send(&7).unwrap();
    let error = (8..).find_map(|number| upload.send(&number).err()).unwrap();
    assert_eq!(error, CallError::Ended { route: "first".to_owned() });
    assert_eq!(upload.finish().unwrap(), 7);
}

#[test]
fn handlers_hear_of_every_end() {
    let scene = Scene::new();
    let client = scene.client();
    let echoed = |options: &CallOptions| {
        let (outgoing, mut incoming) = client.duplex::<u32, u32>("watch", options).unwrap();
        outgoing.send(&1).unwrap();
        assert_eq!(incoming.next().unwrap().unwrap(), 1);
        (outgoing, incoming)
    };
    let hears = |what: &str, end: &str| {
        eventually(what, || scene.seen.has(end));
        scene.seen.ends.lock().unwrap().clear();
    };
    let (outgoing, incoming) = echoed(&options());
    outgoing.finish().unwrap();
    assert_eq!(incoming.count(), 0);
    hears("the end", "finished");
    let (outgoing, _incoming) = echoed(&options());
    drop(outgoing);
    hears("a dropped sender", "CANCELLED");
    let (_outgoing, incoming) = echoed(&options());
    drop(incoming);
    hears("a dropped reader", "CANCELLED");
    let (_outgoing, incoming) = echoed(&options());
    incoming.canceller().cancel();
    hears("a canceller", "CANCELLED");
    let (_outgoing, mut incoming) = echoed(&options().deadline(Duration::from_millis(100)));
    let error = incoming.next().unwrap().unwrap_err();
    assert!(matches!(error, CallError::Deadline { sent: true, .. }), "whichever side is first: {error}");
    hears("a deadline", "DEADLINE_EXCEEDED");
    let held = echoed(&options());
    client.cancel_all();
    hears("all cancelled", "CANCELLED");
    drop(held);
    let mut flood: Incoming<u64> = client.server_stream("flood", &(), &options()).unwrap();
    flood.next().unwrap().unwrap();
    drop(flood);
    hears("a dropped feed", "CANCELLED");
}

#[test]
fn a_server_that_drains_lets_streams_finish() {
    let scene = Scene::new();
    let client = scene.client();
    let (outgoing, mut incoming) = client.duplex::<u32, u32>("watch", &options()).unwrap();
    outgoing.send(&1).unwrap();
    assert_eq!(incoming.next().unwrap().unwrap(), 1);
    let Scene { server, seen, _folder } = scene;
    let drained = thread::spawn(move || server.drain(Duration::from_secs(20)));
    // New calls find nobody; the stream goes on until it ends.
    eventually("the server goes away", || client.call::<_, u32>("echo", &1).is_err());
    for number in 2..100 {
        outgoing.send(&number).unwrap();
        assert_eq!(incoming.next().unwrap().unwrap(), number);
    }
    outgoing.finish().unwrap();
    assert_eq!(incoming.next(), None);
    assert_eq!(drained.join().unwrap(), Drained::Complete);
    assert!(seen.has("finished"));
}

#[test]
fn a_server_that_stops_ends_every_stream() {
    let scene = Scene::new();
    let client = scene.client();
    let (outgoing, mut incoming) = client.duplex::<u32, u32>("watch", &options()).unwrap();
    outgoing.send(&1).unwrap();
    assert_eq!(incoming.next().unwrap().unwrap(), 1);
    scene.server.shutdown();
    let error = incoming.next().unwrap().unwrap_err();
    assert!(matches!(error, CallError::MayHaveRun { .. } | CallError::Status { .. }), "{error}");
    assert!(outgoing.send(&2).is_err());
}

/// Carries bytes between a client and the server's Unix socket in small pieces, until it is told to stop.
struct Strait {
    address: String,
    cut: mpsc::Sender<()>,
    _folder: TempDir,
}

/// So few bytes are under way in the strait.
const PIECE: usize = 1 << 10;

impl Strait {
    fn new(scene: &Scene) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("strait.sock");
        let (listener, upstream) = (UnixListener::bind(&path).unwrap(), scene.socket());
        let (cut, told) = mpsc::channel();
        thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let server = UnixStream::connect(upstream).unwrap();
            let ways = [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server.try_clone().unwrap(), client.try_clone().unwrap()),
            ];
            for (mut from, mut to) in ways {
                thread::spawn(move || {
                    let mut piece = [0; PIECE];
                    while let Ok(count @ 1..) = from.read(&mut piece) {
                        if to.write_all(&piece[..count]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
            if told.recv().is_ok() {
                let _ = (client.shutdown(std::net::Shutdown::Both), server.shutdown(std::net::Shutdown::Both));
            }
        });
        Self { address: format!("unix:{}", path.display()), cut, _folder: folder }
    }

    fn client(&self) -> Client {
        builder(self.address.clone()).offer(["bincode"]).connect().unwrap()
    }
}

#[test]
fn large_messages_go_both_ways_at_once_through_a_strait() {
    let scene = Scene::new();
    let strait = Strait::new(&scene);
    let client = strait.client();
    // Far more than all buffers on the way hold: a side that wrote without reading would wait for ever.
    let texts: Vec<String> = ["a", "b"].iter().map(|letter| letter.repeat(3 << 20)).collect();
    let (outgoing, incoming): (Outgoing<String>, Incoming<String>) = client.duplex("echo-text", &options()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            texts.iter().for_each(|text| outgoing.send(text).unwrap());
            outgoing.finish().unwrap();
        });
        scope.spawn(|| {
            // A small call has its turn between the fragments.
            for number in 0..20 {
                assert_eq!(client.call::<_, Value>("echo", &Value::from(number)).unwrap(), Value::from(number));
            }
        });
        for (expected, text) in texts.iter().zip(incoming) {
            assert!(text.unwrap() == *expected);
        }
    });
}

#[test]
fn a_connection_that_is_cut_ends_its_streams_and_the_next_call_makes_another() {
    let scene = Scene::new();
    let strait = Strait::new(&scene);
    let client = builder(strait.address.clone()).server(scene.server.addresses()[0].to_string()).connect().unwrap();
    let mut feed: Incoming<u64> = client.server_stream("flood", &(), &options()).unwrap();
    let (outgoing, mut incoming) = client.duplex::<u32, u32>("watch", &options()).unwrap();
    outgoing.send(&1).unwrap();
    assert_eq!(incoming.next().unwrap().unwrap(), 1);
    strait.cut.send(()).unwrap();
    let last = feed.by_ref().last().unwrap().unwrap_err();
    assert!(matches!(last, CallError::MayHaveRun { .. }), "{last}");
    assert!(matches!(incoming.next().unwrap().unwrap_err(), CallError::MayHaveRun { .. }));
    assert!(matches!(outgoing.send(&2).unwrap_err(), CallError::MayHaveRun { .. }));
    assert_eq!(client.call::<_, u32>("echo", &7).unwrap(), 7);
    assert_eq!(client.server().to_string(), scene.server.addresses()[0].to_string());
    eventually("the handlers hear of it", || scene.seen.ends.lock().unwrap().len() >= 2);
}

#[test]
fn reading_without_waiting() {
    let scene = Scene::new();
    let client = scene.client();
    let (outgoing, mut incoming) = client.duplex::<u32, u32>("watch", &options()).unwrap();
    assert_eq!(incoming.try_next(), Poll::Pending);
    outgoing.send(&1).unwrap();
    // What was sent is on its way although nobody waits.
    eventually("the answer comes", || incoming.try_next() == Poll::Ready(Some(Ok(1))));
    assert_eq!(incoming.next_timeout(Duration::ZERO), Poll::Pending);
    outgoing.finish().unwrap();
    eventually("the end comes", || incoming.try_next() == Poll::Ready(None));
}

/// A small generator: the same mixture in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn streams_in_any_mixture_leave_the_connection_as_it_was() {
    let scene = Scene::new();
    let client = scene.builder().offer(["bincode"]).connect().unwrap();
    thread::scope(|scope| {
        for seed in 1..=6_u64 {
            let client = &client;
            scope.spawn(move || {
                let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                (0..20).for_each(|_| any_stream(client, &mut dice));
            });
        }
    });
    client.ping().unwrap();
    let metrics = scene.server.metrics();
    assert_eq!((metrics.sessions_total, metrics.protocol_errors), (1, 0));
}

/// Sends some texts of any length, takes some of them back, and ends in any of the ways there are.
fn any_stream(client: &Client, dice: &mut Dice) {
    let (outgoing, mut incoming) = client.duplex::<String, String>("echo-text", &options()).unwrap();
    let lengths: Vec<usize> = (0..dice.roll(12)).map(|_| 1 << dice.roll(18)).map(|length: usize| length - 1).collect();
    let texts: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
    let taken = if dice.roll(2) == 0 { texts.len() } else { dice.roll(texts.len() as u64 + 1) as usize };
    thread::scope(|scope| {
        let sender = scope.spawn(|| texts.iter().try_for_each(|text| outgoing.send(text)));
        for text in &texts[..taken] {
            assert!(incoming.next().unwrap().unwrap() == *text);
        }
        if taken < texts.len() {
            // The sender may wait for room that nobody makes.
            incoming.canceller().cancel();
            assert!(matches!(sender.join().unwrap(), Ok(()) | Err(CallError::Cancelled { .. })));
            assert!(
                incoming.by_ref().last().is_none_or(|last| matches!(last, Ok(_) | Err(CallError::Cancelled { .. })))
            );
        } else {
            sender.join().unwrap().unwrap();
        }
    });
    match dice.roll(3) {
        0 if taken == texts.len() => {
            outgoing.finish().unwrap();
            assert_eq!(incoming.next(), None);
        }
        1 => drop((outgoing, incoming)),
        _ => drop((incoming, outgoing)),
    }
}
