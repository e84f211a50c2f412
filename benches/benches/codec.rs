//! Each codec on a small struct and on a thousand of them: compiled (the codec known by type) and erased (found by name), with direct
//! serde beside them where the format has such a thing.

mod brief;
mod cpu_time;

use std::hint::black_box;
use std::marker::PhantomData;

use bulla_benches::payload::{Payload, Person};
use bulla_codecs::{bincode::BINCODE, json::JSON, xml::XML, yaml::YAML};
use bulla_core::codec::{Codec, CodecRegistry, DecodeLimits, guard};
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde::{Serialize, de::DeserializeOwned};

use crate::cpu_time::CpuTime;

fn limits() -> DecodeLimits {
    DecodeLimits::default()
}

/// The two ways through the contract.
fn both_ways<C: Codec, T: Serialize + DeserializeOwned>(
    criterion: &mut Criterion<CpuTime>,
    codec: &C,
    payload: &str,
    value: &T,
) {
    let registry = CodecRegistry::discovered().expect("the codecs' names differ");
    let erased = registry.require(&C::NAME).expect("the codec is linked");
    let name = C::NAME;
    let bytes = erased.encode_to_vec(value).expect("the codec carries the value");

    let mut group = criterion.benchmark_group(format!("encode/{name}"));
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    run(&mut group, "compiled", payload, |out| {
        guard::encode(codec, black_box(value), limits().depth, out).expect("as before");
    });
    run(&mut group, "erased", payload, |out| {
        erased.encode(black_box(value), limits().depth, out).expect("as before");
    });
    group.finish();

    let mut group = criterion.benchmark_group(format!("decode/{name}"));
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    run(&mut group, "compiled", payload, |_| {
        let decoded = guard::decode(codec, black_box(&bytes), PhantomData::<T>, limits()).expect("our own bytes");
        black_box(decoded);
    });
    run(&mut group, "erased", payload, |_| {
        black_box(erased.decode_as::<T>(black_box(&bytes), limits()).expect("our own bytes"));
    });
    group.finish();
}

fn run(group: &mut BenchmarkGroup<'_, CpuTime>, way: &str, payload: &str, mut work: impl FnMut(&mut Vec<u8>)) {
    let mut out = Vec::new();
    group.bench_function(BenchmarkId::new(way, payload), |bencher| {
        bencher.iter(|| {
            out.clear();
            work(&mut out);
        });
    });
}

/// serde_json and bincode as one calls them without Bulla.
fn direct<T: Serialize + DeserializeOwned>(criterion: &mut Criterion<CpuTime>, payload: &str, value: &T) {
    let json = serde_json::to_vec(value).expect("JSON carries the value");
    let config = bincode::config::standard();
    let binary = bincode::serde::encode_to_vec(value, config).expect("bincode carries the value");

    let mut group = criterion.benchmark_group("encode/json");
    group.throughput(Throughput::Bytes(json.len() as u64));
    run(&mut group, "direct", payload, |out| serde_json::to_writer(out, black_box(value)).expect("as before"));
    group.finish();
    let mut group = criterion.benchmark_group("decode/json");
    group.throughput(Throughput::Bytes(json.len() as u64));
    run(&mut group, "direct", payload, |_| {
        black_box(serde_json::from_slice::<T>(black_box(&json)).expect("our own bytes"));
    });
    group.finish();

    let mut group = criterion.benchmark_group("encode/bincode");
    group.throughput(Throughput::Bytes(binary.len() as u64));
    run(&mut group, "direct", payload, |out| {
        *out = bincode::serde::encode_to_vec(black_box(value), config).expect("as before");
    });
    group.finish();
    let mut group = criterion.benchmark_group("decode/bincode");
    group.throughput(Throughput::Bytes(binary.len() as u64));
    run(&mut group, "direct", payload, |_| {
        black_box(bincode::serde::decode_from_slice::<T, _>(black_box(&binary), config).expect("our own bytes"));
    });
    group.finish();
}

fn all<T: Serialize + DeserializeOwned>(criterion: &mut Criterion<CpuTime>, payload: &str, value: &T) {
    direct(criterion, payload, value);
    both_ways(criterion, &JSON, payload, value);
    both_ways(criterion, &BINCODE, payload, value);
    both_ways(criterion, &XML, payload, value);
    both_ways(criterion, &YAML, payload, value);
}

fn codec(criterion: &mut Criterion<CpuTime>) {
    all(criterion, "person", &Person::numbered(1));
    all(criterion, "1000 persons", &(0..1000).map(Person::numbered).collect::<Vec<_>>());
}

criterion_group! {
    name = benches;
    config = brief::criterion(CpuTime);
    targets = codec
}
criterion_main!(benches);
