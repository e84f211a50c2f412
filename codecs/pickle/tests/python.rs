//! A peer in Python: its `pickle`, in C and in Python, in every protocol. Skipped where there is no `python3`.

use std::marker::PhantomData;

use bulla_codec_pickle::PICKLE;
use bulla_codec_testkit::python::{Peer, run};
use bulla_core::codec::{DecodeError, DecodeLimits, guard};
use bulla_core::value::{Map, Value};

/// What Python pickles, once for each protocol from `first` on and each of its two picklers.
fn pickles(first: u8, python_value: &str) -> Option<Vec<Vec<u8>>> {
    let script = format!(
        "import pickle, sys, datetime, decimal\n\
         shared = ['shared']\n\
         loop = []\n\
         loop.append(loop)\n\
         knot = ([],)\n\
         knot[0].append(knot)\n\
         class Thing: pass\n\
         for protocol in range({first}, 6):\n\
         \x20for dumps in (pickle.dumps, pickle._dumps):\n\
         \x20 data = dumps({python_value}, protocol)\n\
         \x20 sys.stdout.buffer.write(len(data).to_bytes(4, 'little') + data)"
    );
    let mut output = run(&["pickle"], &script, b"")?;
    let mut pickles = Vec::new();
    while let Some((len, rest)) = output.split_first_chunk() {
        let (pickle, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        pickles.push(pickle.to_vec());
        output = rest.to_vec();
    }
    assert_eq!(pickles.len(), usize::from(6 - first) * 2);
    Some(pickles)
}

fn read(pickle: &[u8]) -> Result<Value, DecodeError> {
    guard::decode(&PICKLE, pickle, PhantomData, DecodeLimits::DEFAULT)
}

/// What Python writes from `first` on is read as `expected`.
fn expect(first: u8, python_value: &str, expected: &Value) {
    for pickle in pickles(first, python_value).into_iter().flatten() {
        assert_eq!(read(&pickle).as_ref(), Ok(expected), "{python_value}: {}", pickle.escape_ascii());
    }
}

fn expect_refusal(first: u8, python_value: &str, words: &str) {
    for pickle in pickles(first, python_value).into_iter().flatten() {
        let refusal = read(&pickle).expect_err(python_value).to_string();
        assert!(refusal.contains(words), "{python_value}: {refusal}");
    }
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::List(items.into_iter().collect())
}

#[test]
fn scalars() {
    let integers = [0, 1, -1, 255, 256, 65_535, 65_536, (1 << 31) - 1, 1 << 31, -(1 << 31), -(1 << 31) - 1];
    let wide = [Value::from(i64::MIN), Value::from(u64::MAX), Value::from(u128::MAX), Value::from(i128::MIN)];
    let python = "[0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -2**31, -2**31 - 1,
                   -2**63, 2**64 - 1, 2**128 - 1, -2**127]";
    expect(0, python, &list(integers.map(|number: i64| Value::from(number)).into_iter().chain(wide)));
    let floats = [0.0, -0.0, 1.5, 0.1, 1e300, 5e-324, f64::INFINITY, f64::NEG_INFINITY].map(Value::from);
    let rest = [Value::Null, true.into(), false.into()];
    let python = "[0.0, -0.0, 1.5, 0.1, 1e300, 5e-324, float('inf'), float('-inf'), None, True, False]";
    expect(0, python, &list(floats.into_iter().chain(rest)));
    for pickle in pickles(0, "float('nan')").into_iter().flatten() {
        let Ok(Value::Float(number)) = read(&pickle) else { panic!("no float: {}", pickle.escape_ascii()) };
        assert!(number.is_nan());
    }
}

#[test]
fn text_and_bytes() {
    let texts = ["", "a", "grüße 🦀 €", "\\ \\u0041 \n \r \0 \u{1a} \u{7f}\u{80}\u{ff}", "\u{10ffff}\u{feff}"];
    let python = r"['', 'a', 'grüße 🦀 €', '\\ \\u0041 \n \r \0 \x1a \x7f\x80\xff', '\U0010ffff\ufeff']";
    expect(0, python, &list(texts.map(Value::from)));
    expect(0, "'long ' * 100_000", &"long ".repeat(100_000).into());
    expect(3, "[b'', b'\\0\\xff', b'x' * 300]", &list([vec![], vec![0, 255], vec![b'x'; 300]].map(Value::from)));
    expect(5, "bytearray(b'\\0\\xff')", &vec![0, 255].into());
}

#[test]
fn collections() {
    let one = || Value::from(1);
    let lists = [list([]), list([one()]), list([one(), list([])])];
    expect(0, "[[], [1], [1, []]]", &list(lists));
    let tuples = (0..6).map(|len| list((0..len).map(|_| one())));
    expect(0, "[(), (1,), (1, 1), (1,) * 3, (1,) * 4, (1,) * 5]", &list(tuples));
    let nested: Map =
        [(Value::from("k"), one()), (list([one(), Value::from("t")]), Value::from(Map::new()))].into_iter().collect();
    expect(0, "{'k': 1, (1, 't'): {}}", &nested.into());
    expect(0, "list(range(2_500))", &list((0..2_500).map(Value::from)));
    let map: Map = (0..2_500).map(|key| (Value::from(key), Value::from(key.to_string()))).collect();
    expect(0, "{key: str(key) for key in range(2_500)}", &map.into());
    expect(4, "[set(), {1}, frozenset([1]), frozenset()]", &list([list([]), list([one()]), list([one()]), list([])]));
    let shared = || list([Value::from("shared")]);
    expect(
        0,
        "[shared, shared, (shared, 'shared')]",
        &list([shared(), shared(), list([shared(), Value::from("shared")])]),
    );
}

#[test]
fn what_is_no_data_is_refused() {
    expect_refusal(0, "Thing", "GLOBAL");
    expect_refusal(0, "len", "GLOBAL");
    expect_refusal(0, "datetime.date(2024, 2, 29)", "GLOBAL");
    expect_refusal(0, "[1, decimal.Decimal(1)]", "GLOBAL");
    expect_refusal(0, "{'z': 1j}", "GLOBAL");
    expect_refusal(0, "loop", "holds itself");
    expect_refusal(0, "knot", "holds itself");
    expect_refusal(0, "2**128", "128 bits");
    expect_refusal(1, "'\\ud800'", "a text holds");
    // Python 3 pickles these as calls before there were instructions for them.
    for protocol in [0, 1, 2] {
        let script = format!("import pickle, sys; sys.stdout.buffer.write(pickle.dumps(b'bytes', {protocol}))");
        let Some(pickle) = run(&["pickle"], &script, b"") else { return };
        let refusal = read(&pickle).unwrap_err().to_string();
        assert!(refusal.contains("bytes need protocol 3"), "{refusal}");
    }
}

#[test]
fn python_reads_ours_and_we_read_python() {
    // Before protocol 3, bytes are written as a call.
    for protocol in 3..6 {
        for dumps in ["dumps", "_dumps"] {
            let script = format!("loads = pickle.loads\ndef dumps(value): return pickle.{dumps}(value, {protocol})");
            Peer { modules: &["pickle"], script: &script }.exchange(&PICKLE);
        }
    }
}
