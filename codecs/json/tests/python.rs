//! A peer in Python: its module `json`. Skipped where there is no `python3`.

use bulla_codec_json::JSON;
use bulla_codec_testkit::python::Peer;

#[test]
fn python_reads_ours_and_we_read_python() {
    for options in ["", ", ensure_ascii=False", ", indent=2"] {
        let script = format!("loads = json.loads\ndef dumps(value): return json.dumps(value{options}).encode()");
        Peer { modules: &["json"], script: &script }.exchange(&JSON);
    }
}
