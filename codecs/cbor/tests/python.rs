//! A peer in Python, through its module `cbor2`. Skipped where there is none.

use std::marker::PhantomData;

use bulla_codec_cbor::CBOR;
use bulla_codec_testkit::python;
use bulla_core::codec::{DecodeLimits, guard};
use bulla_core::value::{Map, Value};

fn document() -> Value {
    let integers = [0, 1, -1, 23, 24, -24, -25, 65_536, i64::MIN, i64::MAX].map(Value::from);
    let rest = [
        Value::from(u64::MAX),
        Value::from(u128::MAX),
        Value::from(i128::MIN),
        Value::Null,
        true.into(),
        1.5.into(),
        0.1.into(),
        f64::NEG_INFINITY.into(),
        "".into(),
        "grüße 🦀".into(),
        "long ".repeat(100).into(),
        vec![0, 255].into(),
        Value::List(vec![]),
        Map::new().into(),
    ];
    let list = Value::List(integers.into_iter().chain(rest).collect());
    let nested: Map = [(Value::from(-1), Value::from(1))].into_iter().collect();
    let map: Map = [("list", list), ("nested", nested.into())].into_iter().collect();
    map.into()
}

const EXPECTED: &str = "
expected = {
    'list': [0, 1, -1, 23, 24, -24, -25, 65536, -2**63, 2**63 - 1, 2**64 - 1, 2**128 - 1, -2**127, None, True, 1.5, 0.1,
             float('-inf'), '', 'grüße 🦀', 'long ' * 100, b'\\0\\xff', [], {}],
    'nested': {-1: 1},
}
";

#[test]
fn python_reads_ours_and_we_read_python() {
    for options in ["", "canonical=True"] {
        let mut bytes = Vec::new();
        guard::encode(&CBOR, &document(), 64, &mut bytes).unwrap();
        let script = format!(
            "import cbor2, sys\n{EXPECTED}\n\
             read = cbor2.loads(sys.stdin.buffer.read())\n\
             assert read == expected and list(map(type, read['list'])) == list(map(type, expected['list'])), read\n\
             sys.stdout.buffer.write(cbor2.dumps(expected, {options}))"
        );
        let Some(written) = python::run(&["cbor2"], &script, &bytes) else { return };
        let read: Value = guard::decode(&CBOR, &written, PhantomData, DecodeLimits::DEFAULT).unwrap();
        assert_eq!(read, document(), "{options}");
    }
}
