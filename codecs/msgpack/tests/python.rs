//! A peer in Python: its module `msgpack`. Skipped where there is none.

use bulla_codec_msgpack::MSGPACK;
use bulla_codec_testkit::python::Peer;

#[test]
fn python_reads_ours_and_we_read_python() {
    let script = "def loads(message): return msgpack.unpackb(message, strict_map_key=False)\ndumps = msgpack.packb";
    Peer { modules: &["msgpack"], script }.exchange(&MSGPACK);
}
