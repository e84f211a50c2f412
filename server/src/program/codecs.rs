//! The list of linked codecs.

use std::io::Write;

use bulla_core::codec::{Capability, CodecRegistry, RegisteredCodec};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use crate::program::Failure;

/// Writes what is linked to the standard output.
pub(crate) fn print(json: bool) -> Result<(), Failure> {
    let registry = CodecRegistry::discovered()?;
    let lines: Vec<Line> = registry.iter().map(Line::from).collect();
    let mut text =
        if json { serde_json::to_string_pretty(&lines).expect("names and lists are JSON") } else { table(&lines) };
    text.push('\n');
    let mut out = anstream::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

/// What is listed of a codec.
#[derive(Serialize)]
struct Line {
    name: String,
    media_type: &'static str,
    #[serde(rename = "crate")]
    origin: &'static str,
    version: Option<&'static str>,
    capabilities: Vec<&'static str>,
    /// What it cannot carry.
    missing: Vec<&'static str>,
    /// Whether it is accepted without being named.
    accepted_by_default: bool,
}

impl From<&RegisteredCodec> for Line {
    fn from(entry: &RegisteredCodec) -> Self {
        let (codec, origin) = (entry.codec(), entry.origin());
        let has = codec.capabilities();
        Self {
            name: codec.name().to_string(),
            media_type: codec.media_type(),
            origin: origin.name(),
            version: origin.version(),
            capabilities: has.iter().map(Capability::name).collect(),
            missing: Capability::ALL.into_iter().filter(|one| !has.has(*one)).map(Capability::name).collect(),
            accepted_by_default: !has.is_opt_in(),
        }
    }
}

fn table(lines: &[Line]) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(["codec", "media type", "from", "cannot carry"]);
    for line in lines {
        let from = format!("{} {}", line.origin, line.version.unwrap_or_default());
        let missing = if line.missing.is_empty() { "-".to_owned() } else { line.missing.join(", ") };
        let name = if line.accepted_by_default { line.name.clone() } else { format!("{} (opt-in)", line.name) };
        table.add_row([&name, line.media_type, from.trim_end(), &missing]);
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
