//! A peer in Python: its module `yaml` (PyYAML). Skipped where there is none.

use bulla_codec_testkit::python::Peer;
use bulla_codec_yaml::YAML;

/// PyYAML is of YAML 1.1, where `1e3` and `0o7` are text. It reads ours as it is; to write for a reader of YAML 1.2 it has to be told of
/// the numbers there. With `allow_unicode` it would also break lines at U+0085, which is no line break any more.
const QUOTES_NUMBERS: &str = r"
import re
exponent = re.compile(r'[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+\Z')
yaml.SafeDumper.add_implicit_resolver('tag:yaml.org,2002:float', exponent, list('-+.0123456789'))
yaml.SafeDumper.add_implicit_resolver('tag:yaml.org,2002:int', re.compile(r'0o[0-7]+\Z'), ['0'])
";

#[test]
fn python_reads_ours_and_we_read_python() {
    for options in ["", ", default_flow_style=True", ", explicit_start=True"] {
        let script = format!(
            "{QUOTES_NUMBERS}\n\
             loads = yaml.safe_load\n\
             def dumps(value): return yaml.safe_dump(value, encoding='utf-8', sort_keys=False{options})"
        );
        Peer { modules: &["yaml"], script: &script }.exchange(&YAML);
    }
}
