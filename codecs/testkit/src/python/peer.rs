//! The same values on both sides: what ours writes, Python reads, and the other way round.

use std::marker::PhantomData;

use bulla_core::codec::{Codec, DecodeLimits, guard};
use bulla_core::value::Value;
use serde::{Serialize, de::DeserializeOwned};

use crate::python::cases::{ORDER, Order, cases, order};
use crate::python::run;
use crate::way::shown;

/// Another implementation of a format, in Python.
///
/// Shared documents and a typed value go both ways between it and a codec of ours:
///
/// ```no_run
/// # use bulla_codec_testkit::python::Peer;
/// # fn try_it(codec: &impl bulla_core::codec::Codec) {
/// let peer = Peer { modules: &["json"], script: "loads = json.loads\ndef dumps(value): return json.dumps(value).encode()" };
/// peer.exchange(codec);
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Peer<'a> {
    /// What the script needs. If one of them is missing, the test is skipped.
    pub modules: &'a [&'a str],
    /// Defines `loads`, which makes a value of bytes, and `dumps`, which makes bytes of a value.
    pub script: &'a str,
}

impl Peer<'_> {
    /// Has Python read what the codec writes, and the codec read what Python writes.
    ///
    /// Every value must come out the same on the other side, to its type, to the bits of floats and to the order of entries. Left out is
    /// only what the codec declares it cannot carry.
    ///
    /// # Panics
    /// If a value does not: the standard error says which.
    pub fn exchange<C: Codec>(&self, codec: &C) {
        let mut cases = cases();
        cases.retain(|case| case.needs.is_none_or(|needed| codec.capabilities().has(needed)));
        let mut input = Vec::new();
        cases.iter().for_each(|case| append(codec, &case.document, &mut input));
        append(codec, &order(), &mut input);
        let expected: Vec<_> = cases.iter().map(|case| case.python.as_str()).chain([ORDER]).collect();
        let script = format!("{}\nEXPECTED = [\n{},\n]\n{EXCHANGE}", self.script, expected.join(",\n"));
        let Some(mut output) = run(self.modules, &script, &input) else { return };
        for case in cases {
            let read: Value = take(codec, &mut output);
            if let Some((one, other)) = difference(&read, &case.document) {
                panic!("read as {} in place of {}", shown(one), shown(other));
            }
        }
        assert_eq!(take::<C, Order>(codec, &mut output), order());
        assert!(output.is_empty(), "Python wrote more than was asked for");
    }
}

/// Where two documents first differ.
fn difference<'v>(one: &'v Value, other: &'v Value) -> Option<(&'v Value, &'v Value)> {
    match (one.as_list(), other.as_list()) {
        (Some(items), Some(others)) if items.len() == others.len() => {
            items.iter().zip(others).find_map(|(one, other)| difference(one, other))
        }
        _ => (one != other).then_some((one, other)),
    }
}

/// One message behind its length.
fn append<C: Codec, T: Serialize>(codec: &C, value: &T, input: &mut Vec<u8>) {
    let mut message = Vec::new();
    guard::encode(codec, value, DecodeLimits::DEFAULT.depth, &mut message).expect("the codec carries it");
    input.extend(u32::try_from(message.len()).expect("a short message").to_le_bytes());
    input.extend(message);
}

fn take<C: Codec, T: DeserializeOwned>(codec: &C, output: &mut Vec<u8>) -> T {
    let (len, rest) = output.split_first_chunk().expect("a length");
    let (message, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
    let value = guard::decode(codec, message, PhantomData::<T>, DecodeLimits::DEFAULT);
    let value = value.unwrap_or_else(|error| panic!("{error}: {}", message.escape_ascii()));
    *output = rest.to_vec();
    value
}

/// Reads each message, compares it, and writes what is expected in its place.
const EXCHANGE: &str = r"
def same(read, expected):
    if isinstance(read, tuple):
        read = list(read)
    if type(read) is not type(expected):
        return False
    if isinstance(read, float):
        return read.hex() == expected.hex()
    if isinstance(read, list):
        return len(read) == len(expected) and all(map(same, read, expected))
    if isinstance(read, dict):
        return same(list(read.keys()), list(expected.keys())) and same(list(read.values()), list(expected.values()))
    return read == expected

def difference(one, other):
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return next((difference(*pair) for pair in zip(one, other) if not same(*pair)), None)
    return f'{ascii(one)[:1000]}\nin place of\n{ascii(other)[:1000]}'

def exchange(source, sink):
    for expected in EXPECTED:
        length = int.from_bytes(source[:4], 'little')
        message, source = source[4:4 + length], source[4 + length:]
        found = loads(message)
        if not same(found, expected):
            sys.exit(f'{ascii(message)[:2000]}\nwas read as\n{difference(found, expected)}')
        written = dumps(expected)
        sink.write(len(written).to_bytes(4, 'little') + written)

exchange(sys.stdin.buffer.read(), sys.stdout.buffer)
";
