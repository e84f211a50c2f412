//! A message from one connection to another, credit back, and small calls: both sides on one core, with all that a session does but the
//! socket.

mod cpu_time;

use std::time::{Duration, Instant};

use bulla_benches::{carry, configs, connected};
use bulla_core::connection::{Connection, Event, Open};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use crate::cpu_time::CpuTime;

const SIZES: [usize; 6] = [64, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20];

fn connection(criterion: &mut Criterion<CpuTime>) {
    let (client, server) = configs();
    let mut group = criterion.benchmark_group("connection");
    for size in SIZES {
        let (mut client, mut server) = connected(&client, &server);
        let open = Open { route: "bench".to_owned(), ..Open::default() };
        let stream = client.open(&open).expect("a stream may be opened");
        let (mut now, mut wire) = (Instant::now(), Vec::new());
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("message", size), |bencher| {
            bencher.iter(|| {
                // Time passes, or a sound peer would call this a flood.
                now += Duration::from_millis(2);
                client.send(stream, vec![7; size]).expect("the stream is open");
                let mut arrived = false;
                while !arrived {
                    carry(&mut client, &mut server, now, &mut wire);
                    while let Some(event) = server.poll_event() {
                        if let Event::Message { message, .. } = event {
                            server.consume(stream, message.len());
                            arrived = true;
                        }
                    }
                    carry(&mut server, &mut client, now, &mut wire);
                }
            });
        });
    }
    group.finish();
}

/// Small calls, so many of them in flight; the time is that of all of them.
fn calls(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("connection");
    for (name, in_flight, rest) in
        [("calls", 1, false), ("calls", 64, false), ("calls after a rest of both sides", 1, true)]
    {
        let (client, server) = configs();
        let (mut client, mut server) = connected(&client, &server);
        let (now, mut wire) = (Instant::now(), Vec::new());
        group.throughput(Throughput::Elements(in_flight));
        group.bench_function(BenchmarkId::new(name, in_flight), |bencher| {
            bencher.iter(|| {
                if rest {
                    client.rest();
                    server.rest();
                }
                (0..in_flight).for_each(|_| call(&mut client));
                carry(&mut client, &mut server, now, &mut wire);
                while let Some(event) = server.poll_event() {
                    if let Event::Message { stream, message, .. } = event {
                        server.consume(stream, message.len());
                        server.send(stream, message).expect("the stream is open");
                        server.finish(stream).expect("the stream is open");
                    }
                }
                carry(&mut server, &mut client, now, &mut wire);
                let mut replies = 0;
                while let Some(event) = client.poll_event() {
                    if let Event::Message { stream, message, .. } = event {
                        client.consume(stream, message.len());
                        replies += 1;
                    }
                }
                assert_eq!(replies, in_flight);
            });
        });
    }
    group.finish();
}

fn call(client: &mut Connection) {
    let stream = client.open(&Open { route: "bench".to_owned(), ..Open::default() }).expect("a stream may be opened");
    client.send(stream, vec![7; 64]).expect("the stream is open");
    client.finish(stream).expect("the stream is open");
}

criterion_group!(name = benches; config = Criterion::default().with_measurement(CpuTime); targets = connection, calls);
criterion_main!(benches);
