//! Client and server in one process over loopback: echoes by codec, payload, connections and calls in flight, bulk one way, a small call
//! beside it, and one topic with many subscribers.
//!
//! One call after the other on one connection shows the latency; the rest shows calls, bytes, or deliveries a second.

mod brief;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bulla_benches::payload::{Blob, Block, Payload, Person};
use bulla_client::topics::{Delivery, Typed};
use bulla_client::{CallOptions, Client, Pending};
use bulla_core::key::{Key, KeyRing};
use bulla_server::services::topics::Topics;
use bulla_server::{Server, ServerHandle};
use criterion::measurement::WallTime;
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

const CODECS: [&str; 2] = ["json", "bincode"];

/// Connections, and calls in flight on each.
const SHAPES: [(usize, usize); 3] = [(1, 1), (1, 64), (64, 1)];

/// Connections of subscribers, and subscribers on each.
const CROWD: (usize, usize) = (8, 32);

const TOPIC: &str = "bench.fanout";

/// How long the publisher may wait for subscribers: longer than any needs, so that none misses a message.
const PATIENCE: Duration = Duration::from_secs(10);

fn key() -> Key {
    Key::from_bytes([7; 32])
}

fn server() -> ServerHandle {
    let received = Arc::new(AtomicU64::new(0));
    let total = Arc::clone(&received);
    let server = Server::builder().listen("127.0.0.1:0").expect("an address").keys(KeyRing::single(key()));
    let server = server
        .route_inline("person", |person: Person, _| Ok(person))
        .route_inline("block", |block: Block, _| Ok(block))
        .route_inline("sink", move |blob: Blob, _| {
            received.fetch_add(blob.bytes.len() as u64, Ordering::Relaxed);
            Ok(())
        })
        .route_inline("total", move |(): (), _| Ok(total.load(Ordering::Relaxed)));
    server.spawn().expect("loopback is there")
}

fn connect(server: &ServerHandle, codec: &str) -> Client {
    let builder = Client::builder().server(server.addresses()[0].to_string()).key(key()).offer([codec]);
    builder.connect().expect("the server listens")
}

fn echo(criterion: &mut Criterion) {
    let server = server();
    for codec in CODECS {
        for (connections, in_flight) in SHAPES {
            let clients: Vec<_> = (0..connections).map(|_| connect(&server, codec)).collect();
            let name = format!("person {connections}x{in_flight}");
            bench_echo::<Person>(criterion, &clients, "person", in_flight, BenchmarkId::new(codec, name));
        }
        let clients = [connect(&server, codec)];
        bench_echo::<Block>(criterion, &clients, "block", 16, BenchmarkId::new(codec, "64 KiB 1x16"));
    }
}

fn bench_echo<P: Payload>(
    criterion: &mut Criterion,
    clients: &[Client],
    route: &str,
    in_flight: usize,
    id: BenchmarkId,
) {
    let mut group = criterion.benchmark_group("loopback");
    group.throughput(Throughput::Elements(1));
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|calls| time(|| all_calls::<P>(clients, route, in_flight, calls)));
    });
    group.finish();
}

/// Shares the calls among the connections, a thread for each.
fn all_calls<P: Payload>(clients: &[Client], route: &str, in_flight: usize, calls: u64) {
    let (each, more) = (calls / clients.len() as u64, calls % clients.len() as u64);
    thread::scope(|scope| {
        for (client, number) in clients.iter().zip(0..) {
            scope.spawn(move || windowed_calls::<P>(client, route, in_flight, each + u64::from(number < more)));
        }
    });
}

fn windowed_calls<P: Payload>(client: &Client, route: &str, in_flight: usize, calls: u64) {
    let (mut question, options) = (P::numbered(0), CallOptions::new());
    let mut window: VecDeque<Pending<P>> = VecDeque::new();
    for number in 0..calls {
        question.renumber(number);
        if in_flight == 1 {
            let answer: P = client.call(route, &question).expect("the server answers");
            assert_eq!(answer.number(), number);
            continue;
        }
        if window.len() == in_flight {
            window.pop_front().map(Pending::wait).transpose().expect("the server answers");
        }
        window.push_back(client.start(route, &question, &options).expect("the server is there"));
    }
    window.into_iter().for_each(|pending| drop(pending.wait().expect("the server answers")));
}

fn bulk(criterion: &mut Criterion) {
    let server = server();
    let client = connect(&server, "bincode");
    let mut group = criterion.benchmark_group("loopback");
    let mut sent = 0;
    for bytes in [64 << 10, 1 << 20] {
        let blob = Blob { bytes: vec![0x5a; bytes] };
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("bulk", bytes), |bencher| {
            bencher.iter_custom(|messages| {
                sent += messages * bytes as u64;
                time(|| {
                    (0..messages).for_each(|_| client.notify("sink", &blob).expect("the server takes it"));
                    while client.call::<_, u64>("total", &()).expect("the server answers") < sent {}
                })
            });
        });
    }
    group.finish();
}

/// A small call while messages of 1 MiB go the same way on the same connection, without a pause.
fn beside_bulk(criterion: &mut Criterion) {
    let server = server();
    let client = connect(&server, "bincode");
    let (blob, person) = (Blob { bytes: vec![0x5a; 1 << 20] }, Person::numbered(1));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                client.notify("sink", &blob).expect("the server takes it");
            }
        });
        criterion.bench_function("loopback/small call beside bulk", |bencher| {
            bencher.iter(|| client.call::<_, Person>("person", &person).expect("the server answers"));
        });
        is_over.store(true, Ordering::Relaxed);
    });
}

/// Each message goes to every subscriber, and is on its way until the last one has it as a value.
fn fan_out(criterion: &mut Criterion) {
    let builder = Server::builder().listen("127.0.0.1:0").expect("an address").keys(KeyRing::single(key()));
    let server = builder.service(Topics::default()).spawn().expect("loopback is there");
    let mut group = criterion.benchmark_group("loopback");
    let (connections, each) = CROWD;
    group.throughput(Throughput::Elements((connections * each) as u64)).sampling_mode(SamplingMode::Flat);
    for codec in CODECS {
        let publisher = connect(&server, codec);
        let clients: Vec<_> = (0..connections).map(|_| connect(&server, codec)).collect();
        let mut crowd: Vec<_> = clients.iter().map(|client| subscribers(client, each)).collect();
        let name = format!("fan-out, {} subscribers", connections * each);
        group.bench_function(BenchmarkId::new(codec, name), |bencher| {
            bencher.iter_custom(|messages| time(|| publish(&publisher, &mut crowd, messages)));
        });
    }
    group.finish();
}

fn subscribers(client: &Client, count: usize) -> Vec<Typed<Person>> {
    let subscribe = |_| client.topics().subscribe([TOPIC]).expect("the server has topics").typed();
    (0..count).map(subscribe).collect()
}

/// A thread reads for each connection.
fn publish(client: &Client, crowd: &mut [Vec<Typed<Person>>], messages: u64) {
    thread::scope(|scope| {
        for subscribers in crowd {
            scope.spawn(move || (0..messages).for_each(|number| hear(subscribers, number)));
        }
        let publisher = client.topics().publisher(TOPIC, PATIENCE).expect("the server is there");
        let mut person = Person::numbered(0);
        for number in 0..messages {
            person.renumber(number);
            publisher.send(&person).expect("the server takes it");
        }
        publisher.finish().expect("all were published");
    });
}

fn hear(subscribers: &mut [Typed<Person>], number: u64) {
    for subscriber in subscribers {
        match subscriber.next() {
            Some(Ok(Delivery::Message(message))) => assert_eq!(message.value.number(), number),
            other => panic!("a message was due: {other:?}"),
        }
    }
}

fn time(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

criterion_group! {
    name = benches;
    config = brief::criterion(WallTime);
    targets = echo, bulk, beside_bulk, fan_out
}
criterion_main!(benches);
