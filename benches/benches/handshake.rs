//! A whole handshake, both sides on one core, and a ping after it.

use std::time::{Duration, Instant};

use bulla_benches::{carry, configs, connected};
use criterion::{Criterion, criterion_group, criterion_main};

fn handshake(criterion: &mut Criterion) {
    let (client, server) = configs();
    criterion.bench_function("handshake/both sides", |bencher| bencher.iter(|| connected(&client, &server)));
    criterion.bench_function("handshake/ping after", |bencher| {
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
}

criterion_group!(benches, handshake);
criterion_main!(benches);
