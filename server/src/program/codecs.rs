//! The list of linked codecs.

use std::io::{self, IsTerminal, Write};

use bulla_core::codec::{CodecRegistry, RegisteredCodec};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::program::Failure;

/// The width of a terminal that does not say, and the least that is believed.
const DEFAULT_WIDTH: u16 = 100;
const MIN_WIDTH: u16 = 20;

/// As `bulla codecs --json` has it.
#[derive(Serialize)]
struct Listing<'a> {
    codecs: Vec<&'a RegisteredCodec>,
}

/// Writes what is linked to the standard output: a table for people, columns apart by tabs for `cut` and `awk`, or JSON.
pub(crate) fn print(json: bool) -> Result<(), Failure> {
    let registry = CodecRegistry::discovered()?;
    let mut text = if json {
        let listing = Listing { codecs: registry.iter().collect() };
        serde_json::to_string(&listing).map_err(|error| Failure::system("write JSON")(error.into()))?
    } else if io::stdout().is_terminal() {
        table(&registry)
    } else {
        registry.iter().map(|entry| entry.columns().join("\t")).collect::<Vec<_>>().join("\n")
    };
    text.push('\n');
    let mut out = anstream::stdout();
    Failure::of_output(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

fn table(registry: &CodecRegistry) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    // Some terminals do not know how wide they are.
    if table.width().is_none_or(|width| width < MIN_WIDTH) {
        table.set_width(DEFAULT_WIDTH);
    }
    table.set_header(RegisteredCodec::HEADS);
    table.add_rows(registry.iter().map(RegisteredCodec::columns));
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_heads_and_fits_a_terminal_that_does_not_say_how_wide_it_is() {
        let registry = CodecRegistry::discovered().unwrap();
        let text = table(&registry);
        assert!(text.trim_start().starts_with("codec"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(DEFAULT_WIDTH)), "{text}");
        registry.names().for_each(|name| assert!(text.contains(name.as_str()), "{text}"));
    }
}
