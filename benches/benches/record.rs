//! Sealing and opening, beside the fernet crate on the same bytes and the limits of what the records are made of: SHA-256 alone and one
//! chain of AES-CBC alone.

mod brief;
mod cpu_time;

use std::hint::black_box;
use std::time::Duration;

use aes::Aes128Enc;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use bulla_core::record::{Batch, MAX_FRAMES, OpenError, Opener, Sealer, SessionKey};
use criterion::measurement::Measurement;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sha2::{Digest, Sha256};

use crate::cpu_time::CpuTime;

type Group<'a> = BenchmarkGroup<'a, CpuTime>;

const KEY: [u8; 32] = [7; 32];
const SIZES: [usize; 4] = [64, 1 << 10, 16 << 10, MAX_FRAMES];
/// What goes into several records.
const BULK: [usize; 7] = [1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10, 1 << 20];
/// Bytes sealed into one output buffer before it is written and used again.
const BURST: usize = 128 << 10;

fn sealer() -> Sealer {
    Sealer::new(SessionKey::from_bytes(KEY), [1; 32])
}

fn fernet() -> fernet::Fernet {
    fernet::Fernet::new(&URL_SAFE.encode(KEY)).expect("32 bytes are a key")
}

fn seal(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("seal");
    for size in SIZES {
        let frames = vec![1; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("bulla", size), |bencher| {
            let mut sealer = sealer();
            let mut out = Vec::new();
            bencher.iter(|| {
                out.clear();
                sealer.seal(0, black_box(&frames), &mut out).expect("the frames fit");
            });
        });
        others(&mut group, size);
    }
    group.finish();
}

fn others(group: &mut Group<'_>, size: usize) {
    let bytes = vec![1; size];
    let fernet = fernet();
    group
        .bench_function(BenchmarkId::new("fernet", size), |bencher| bencher.iter(|| fernet.encrypt(black_box(&bytes))));
    group.bench_function(BenchmarkId::new("SHA-256 alone", size), |bencher| {
        bencher.iter(|| Sha256::digest(black_box(&bytes)));
    });
    group.bench_function(BenchmarkId::new("AES-CBC alone", size), |bencher| {
        let mut bytes = bytes[..size / 16 * 16].to_vec();
        bencher.iter(|| {
            let length = bytes.len();
            cbc::Encryptor::<Aes128Enc>::new(&[1; 16].into(), &[2; 16].into())
                .encrypt_padded::<NoPadding>(black_box(&mut bytes), length)
                .map(<[u8]>::len)
        });
    });
}

/// The same bytes cut into more and more records.
fn bulk(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("seal bulk");
    for size in BULK {
        let bytes = vec![1; size];
        group.throughput(Throughput::Bytes(size as u64));
        for records in [1, 2, 4, 8] {
            let each = size.min(BURST).div_ceil(records);
            if each > MAX_FRAMES {
                continue;
            }
            group.bench_function(BenchmarkId::new(format!("bulla, {records} records"), size), |bencher| {
                let mut sealer = sealer();
                let mut out = Vec::new();
                bencher.iter(|| seal_bulk(&mut sealer, black_box(&bytes), each, &mut out));
            });
        }
        others(&mut group, size);
    }
    group.finish();
}

fn seal_bulk(sealer: &mut Sealer, bytes: &[u8], each: usize, out: &mut Vec<u8>) {
    for burst in bytes.chunks(BURST) {
        out.clear();
        let mut batch = Batch::new(out);
        for frames in burst.chunks(each) {
            batch.add(|record| record.put(frames).ok()).expect("the frames fit");
        }
        sealer.seal_all(0, batch).expect("numbers are left");
    }
}

fn open(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("open");
    for size in SIZES {
        let frames = vec![1; size];
        let mut wire = Vec::new();
        let mut sealer = sealer();
        for _ in 0..BURST.div_ceil(size) {
            sealer.seal(0, &frames, &mut wire).expect("the frames fit");
        }
        let record = wire.len() / BURST.div_ceil(size);
        group.throughput(Throughput::Bytes(size as u64));
        open_rows(&mut group, BenchmarkId::new("bulla", size), &wire, record, BURST.div_ceil(size));
        open_rows(&mut group, BenchmarkId::new("bulla, many", size), &wire, wire.len(), BURST.div_ceil(size));
        fernet_opens(&mut group, size);
    }
    group.finish();
}

fn open_bulk(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("open bulk");
    let bytes = vec![1; 64 << 10];
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    for records in [2, 4, 8] {
        let mut wire = Vec::new();
        seal_bulk(&mut sealer(), &bytes, bytes.len() / records, &mut wire);
        let name = format!("bulla, {records} records");
        open_rows(&mut group, BenchmarkId::new(name, bytes.len()), &wire, wire.len(), 1);
    }
    fernet_opens(&mut group, bytes.len());
    group.finish();
}

fn fernet_opens(group: &mut Group<'_>, size: usize) {
    let fernet = fernet();
    let token = fernet.encrypt(&vec![1; size]);
    group.bench_function(BenchmarkId::new("fernet", size), |bencher| {
        bencher.iter(|| fernet.decrypt(black_box(&token)).expect("our own token"));
    });
}

/// Opens the wire, `step` bytes of it in one call; `count` is how many times its throughput it holds. Opening in place uses it up, and
/// a record opens once, so wire and opener are made anew, outside the measurement.
fn open_rows(group: &mut Group<'_>, id: BenchmarkId, wire: &[u8], step: usize, count: usize) {
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|iterations| {
            let mut spent = Duration::ZERO;
            let mut scratch = wire.to_vec();
            for _ in 0..iterations.div_ceil(count as u64) {
                scratch.copy_from_slice(wire);
                let mut opener = Opener::new(SessionKey::from_bytes(KEY));
                let start = CpuTime.start();
                for part in scratch.chunks_mut(step) {
                    let opened = opener.open_each(part, |frames| {
                        black_box(frames);
                        Ok::<_, OpenError>(())
                    });
                    opened.expect("our own records");
                }
                spent += CpuTime.end(start);
            }
            spent.mul_f64(iterations as f64 / (iterations.div_ceil(count as u64) * count as u64) as f64)
        });
    });
}

criterion_group!(name = benches; config = brief::criterion(CpuTime); targets = seal, bulk, open, open_bulk);
criterion_main!(benches);
