//! A peer in Python, through its module `msgpack`. Skipped where there is none.

use std::marker::PhantomData;

use bulla_codec_msgpack::MSGPACK;
use bulla_codec_testkit::python;
use bulla_core::codec::{DecodeLimits, guard};
use bulla_core::value::{Map, Value};

fn document() -> Value {
    let integers = [0, 1, -1, 127, 128, -32, -33, 65_536, i64::MIN, i64::MAX].map(Value::from);
    let rest = [
        Value::from(u64::MAX),
        Value::Null,
        true.into(),
        1.5.into(),
        f64::NEG_INFINITY.into(),
        "".into(),
        "grüße 🦀".into(),
        "long ".repeat(100).into(),
        vec![0, 255].into(),
        Value::List(vec![]),
        Map::new().into(),
    ];
    let list = Value::List(integers.into_iter().chain(rest).collect());
    let map: Map =
        [("list", list), ("nested", [("a", Value::from(1))].into_iter().collect::<Map>().into())].into_iter().collect();
    map.into()
}

const EXPECTED: &str = "
expected = {
    'list': [0, 1, -1, 127, 128, -32, -33, 65536, -2**63, 2**63 - 1, 2**64 - 1, None, True, 1.5, float('-inf'), '',
             'grüße 🦀', 'long ' * 100, b'\\0\\xff', [], {}],
    'nested': {'a': 1},
}
";

#[test]
fn python_reads_ours_and_we_read_python() {
    let mut bytes = Vec::new();
    guard::encode(&MSGPACK, &document(), 64, &mut bytes).unwrap();
    let script = format!(
        "import msgpack, sys\n{EXPECTED}\n\
         read = msgpack.unpackb(sys.stdin.buffer.read())\n\
         assert read == expected and list(map(type, read['list'])) == list(map(type, expected['list'])), read\n\
         sys.stdout.buffer.write(msgpack.packb(expected))"
    );
    let Some(written) = python::run(&["msgpack"], &script, &bytes) else { return };
    let read: Value = guard::decode(&MSGPACK, &written, PhantomData, DecodeLimits::DEFAULT).unwrap();
    assert_eq!(read, document());
}
