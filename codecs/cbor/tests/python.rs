//! A peer in Python: its module `cbor2`. Skipped where there is none.

use bulla_codec_cbor::CBOR;
use bulla_codec_testkit::python::Peer;

#[test]
fn python_reads_ours_and_we_read_python() {
    let script = "loads = cbor2.loads\ndumps = cbor2.dumps";
    Peer { modules: &["cbor2"], script }.exchange(&CBOR);
}
