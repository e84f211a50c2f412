//! Each codec on a small struct and on a thousand of them: compiled (the codec known by type, in a set) and erased (through its
//! pointer), with direct serde beside them where the format has such a thing.

mod brief;
mod cpu_time;

use std::hint::black_box;

use bulla_benches::payload::{Payload, Person};
use bulla_codecs::bincode::Bincode;
use bulla_codecs::cbor::Cbor;
use bulla_codecs::json::Json;
use bulla_codecs::msgpack::Msgpack;
use bulla_codecs::postcard::Postcard;
use bulla_codecs::xml::Xml;
use bulla_codecs::yaml::Yaml;
use bulla_core::codec::{Codec, CodecSet, DecodeLimits, ErasedCodec};
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde::{Serialize, de::DeserializeOwned};

use crate::cpu_time::CpuTime;

fn limits() -> DecodeLimits {
    DecodeLimits::default()
}

/// The two ways through the contract.
fn both_ways<C: Codec + Default, T: Serialize + DeserializeOwned>(
    criterion: &mut Criterion<CpuTime>,
    payload: &str,
    value: &T,
) {
    let codec: &dyn ErasedCodec = &C::default();
    let name = C::NAME;
    let bytes = codec.encode_to_vec(value).expect("the codec carries the value");

    let mut group = criterion.benchmark_group(format!("encode/{name}"));
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    run(&mut group, "compiled", payload, |out| {
        <(C, ())>::encode(codec, black_box(value), limits().depth, out).expect("as before");
    });
    run(&mut group, "erased", payload, |out| {
        codec.encode(black_box(value), limits().depth, out).expect("as before");
    });
    group.finish();

    let mut group = criterion.benchmark_group(format!("decode/{name}"));
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    run(&mut group, "compiled", payload, |_| {
        black_box(<(C, ())>::decode_as::<T>(codec, black_box(&bytes), limits()).expect("our own bytes"));
    });
    run(&mut group, "erased", payload, |_| {
        black_box(codec.decode_as::<T>(black_box(&bytes), limits()).expect("our own bytes"));
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
        bincode::serde::encode_into_std_write(black_box(value), out, config).expect("as before");
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
    both_ways::<Json, T>(criterion, payload, value);
    both_ways::<Bincode, T>(criterion, payload, value);
    both_ways::<Postcard, T>(criterion, payload, value);
    both_ways::<Cbor, T>(criterion, payload, value);
    both_ways::<Msgpack, T>(criterion, payload, value);
    both_ways::<Xml, T>(criterion, payload, value);
    both_ways::<Yaml, T>(criterion, payload, value);
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
