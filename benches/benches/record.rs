//! Sealing and opening one record, beside the fernet crate on the same bytes.

use std::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use bulla_core::record::{LENGTH_PREFIX, MAX_FRAMES, Opener, Sealer, SessionKey};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const KEY: [u8; 32] = [7; 32];
const SIZES: [usize; 4] = [64, 1 << 10, 16 << 10, MAX_FRAMES];

fn seal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seal");
    let fernet = fernet::Fernet::new(&URL_SAFE.encode(KEY)).expect("32 bytes are a key");
    for size in SIZES {
        let frames = vec![1; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("bulla", size), |bencher| {
            let mut sealer = Sealer::new(SessionKey::from_bytes(KEY), [1; 32]);
            let mut out = Vec::new();
            bencher.iter(|| {
                out.clear();
                sealer.seal(0, black_box(&frames), &mut out).expect("the frames fit");
            });
        });
        group.bench_function(BenchmarkId::new("fernet", size), |bencher| {
            bencher.iter(|| fernet.encrypt(black_box(&frames)));
        });
    }
    group.finish();
}

fn open(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open");
    let fernet = fernet::Fernet::new(&URL_SAFE.encode(KEY)).expect("32 bytes are a key");
    for size in SIZES {
        let frames = vec![1; size];
        let mut record = Vec::new();
        let mut sealer = Sealer::new(SessionKey::from_bytes(KEY), [1; 32]);
        sealer.seal(0, &frames, &mut record).expect("the frames fit");
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("bulla", size), |bencher| {
            // Only the first record opens first: each round has an opener of its own.
            bencher.iter_batched_ref(
                || (Opener::new(SessionKey::from_bytes(KEY)), record.clone()),
                |(opener, record)| opener.open(&mut record[LENGTH_PREFIX..]).map(<[u8]>::len),
                BatchSize::SmallInput,
            );
        });
        let token = fernet.encrypt(&frames);
        group.bench_function(BenchmarkId::new("fernet", size), |bencher| {
            bencher.iter(|| fernet.decrypt(black_box(&token)).expect("our own token"));
        });
    }
    group.finish();
}

criterion_group!(benches, seal, open);
criterion_main!(benches);
