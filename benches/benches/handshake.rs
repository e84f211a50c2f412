//! A whole handshake, what each side has of it, and a ping after it.

mod brief;
mod cpu_time;

use std::time::{Duration, Instant};

use bulla_benches::{carry, configs, connected, timed_handshake};
use criterion::{Criterion, criterion_group, criterion_main};

use crate::cpu_time::CpuTime;

fn handshake(criterion: &mut Criterion<CpuTime>) {
    let (client, server) = configs();
    let mut group = criterion.benchmark_group("handshake");
    group.bench_function("both sides", |bencher| bencher.iter(|| connected(&client, &server)));
    for (side, index) in [("client", 0), ("server", 1)] {
        group.bench_function(side, |bencher| {
            bencher.iter_custom(|rounds| {
                let times = (0..rounds).map(|_| timed_handshake(&client, &server).1[index]);
                times.sum()
            });
        });
    }
    group.bench_function("ping after", |bencher| {
        let (mut client, mut server) = connected(&client, &server);
        let mut now = Instant::now();
        let mut wire = Vec::new();
        bencher.iter(|| {
            // Time passes, or a sound server would call this a flood.
            now += Duration::from_millis(2);
            client.ping([1; 8]);
            carry(&mut client, &mut server, now, &mut wire);
            carry(&mut server, &mut client, now, &mut wire);
            client.poll_event()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = brief::criterion(CpuTime);
    targets = handshake
}
criterion_main!(benches);
