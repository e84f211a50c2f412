//! Records on the screen, as they come.

use std::fmt::Write as _;
use std::io::{self, Write};

use bulla_core::text::escape;
use bulla_core::value::Value;

use crate::services::records::{Observer, Record};

/// The longest line of a document, in characters; the database has the whole.
const MAX_LINE: usize = 500;

/// The most lines of a document.
const MAX_LINES: usize = 100;

/// Shows each record as a block on the standard output.
pub(crate) struct Screen;

impl Observer for Screen {
    fn observe(&mut self, record: &Record) -> io::Result<()> {
        let mut out = anstream::stdout();
        out.write_all(block(record).as_bytes())?;
        out.flush()
    }
}

/// A heading, then a line for each entry of the document. Nothing of it can steer a terminal.
fn block(record: &Record) -> String {
    let (bold, dim) = (anstyle::Style::new().bold(), anstyle::Style::new().dimmed());
    let collection = escape(&record.collection, MAX_LINE);
    let peer = record.peer.as_deref().map(|peer| format!(" from {}", escape(peer, MAX_LINE))).unwrap_or_default();
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "{bold}{collection} #{}{bold:#} {dim}{} as {}{peer}{dim:#}",
        record.id, record.received_at, record.codec
    );
    for line in lines(&record.document) {
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn lines(document: &Value) -> Vec<String> {
    let Some(map) = document.as_map().filter(|map| !map.is_empty()) else {
        return vec![escape(document, MAX_LINE)];
    };
    let names: Vec<String> = map.iter().take(MAX_LINES).map(|(key, _)| name(key)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default().min(24);
    let mut lines: Vec<String> =
        names.iter().zip(map).map(|(name, (_, value))| format!("{name:width$}  {}", escape(value, MAX_LINE))).collect();
    if map.len() > MAX_LINES {
        lines.push(format!("… and {} more", map.len() - MAX_LINES));
    }
    lines
}

fn name(key: &Value) -> String {
    match key {
        Value::String(text) => escape(text, MAX_LINE),
        other => escape(other, MAX_LINE),
    }
}

#[cfg(test)]
mod tests {
    use bulla_core::value::Map;

    use super::*;

    fn shown(document: Value) -> String {
        let record = Record {
            id: 7,
            collection: "people".to_owned(),
            document,
            codec: "json".to_owned(),
            peer: Some("ada".to_owned()),
            received_at: "2026-01-02T03:04:05.678Z".to_owned(),
        };
        anstream::adapter::strip_str(&block(&record)).to_string()
    }

    #[test]
    fn a_map_is_shown_line_by_line() {
        let map: Map = [("name", Value::from("Ada")), ("age", 36.into())].into_iter().collect();
        let expected = "people #7 2026-01-02T03:04:05.678Z as json from ada\n  name  \"Ada\"\n  age   36\n".to_owned();
        assert_eq!(shown(map.into()), expected);
    }

    #[test]
    fn nothing_in_a_document_steers_the_terminal() {
        let map: Map = [("\x1b[2J", Value::from("a\nb\x1b]0;title\x07"))].into_iter().collect();
        for document in [map.into(), Value::from("\u{202e}\r\x08"), Value::List(vec!["\x1b".into()])] {
            let text = shown(document);
            assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text:?}");
            assert_eq!(text.lines().count(), 2);
        }
        assert!(shown("x".repeat(10_000).into()).len() < 700);
    }
}
