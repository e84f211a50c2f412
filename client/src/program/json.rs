//! Documents as JSON for people and pipes: always possible, always safe for a terminal.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulla_core::value::{Map, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::exit::{Exit, Failure};

/// A document in JSON's terms. What JSON has no word for is shown, not refused: bytes as `{"$base64": "…"}`, NaN and infinities as
/// text, a key that is no text as its text, an integer beyond 64 bits as its digits.
pub(crate) struct AsJson<'a>(pub(crate) &'a Value);

impl Serialize for AsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Float(number) if !number.is_finite() => serializer.serialize_str(&number.to_string()),
            Value::Bytes(bytes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("$base64", &STANDARD.encode(bytes))?;
                map.end()
            }
            Value::List(items) => serializer.collect_seq(items.iter().map(AsJson)),
            Value::Map(map) => serialize_map(map, serializer),
            plain => plain.serialize(serializer),
        }
    }
}

fn serialize_map<S: Serializer>(map: &Map, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(map.iter().map(|(key, value)| {
        let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        (key, AsJson(value))
    }))
}

/// The text of a value: one line, or indented.
pub(crate) fn to_json(value: &(impl Serialize + ?Sized), indented: bool) -> Result<String, Failure> {
    let mut out = Vec::new();
    let result = if indented {
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Safe(PrettyFormatter::new())))
    } else {
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Safe(CompactFormatter)))
    };
    let failed = |error: String| Failure::new(Exit::Document, format!("cannot write this as JSON: {error}"));
    result.map_err(|error| failed(error.to_string()))?;
    String::from_utf8(out).map_err(|error| failed(error.to_string()))
}

/// Reads a document.
pub(crate) fn parse_json(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(text).map_err(|error| bulla_core::text::escape(&reason(&error, text), 200))
}

/// What is wrong and where; of a text of one line, the line's number is left out: the line may have one of its own in a file.
fn reason(error: &serde_json::Error, text: &[u8]) -> String {
    let (reason, column) = (error.to_string(), error.column());
    let place = format!(" at line {} column {column}", error.line());
    match reason.strip_suffix(&place) {
        Some(reason) if !text.trim_ascii().contains(&b'\n') => format!("{reason} at column {column}"),
        _ => reason,
    }
}

/// JSON must escape control characters below a space alone; a terminal can be steered by others, too.
struct Safe<F>(F);

impl<F: Formatter> Formatter for Safe<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, character) in fragment.char_indices() {
            let harmless = character.is_ascii_graphic() || character == ' ' || character.escape_debug().len() == 1;
            // escape_debug also escapes what combines with the character before: that is ordinary text in many scripts.
            if harmless || character.is_alphanumeric() {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at + character.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: impl Into<Value>) -> String {
        to_json(&AsJson(&value.into()), false).unwrap()
    }

    #[test]
    fn what_json_has_no_word_for_is_shown() {
        assert_eq!(shown(b"\x00\xff".as_slice()), r#"{"$base64":"AP8="}"#);
        assert_eq!(shown(f64::NAN), r#""NaN""#);
        assert_eq!(shown(f64::NEG_INFINITY), r#""-inf""#);
        assert_eq!(shown(u128::MAX), u128::MAX.to_string());
        let map: Map = [(Value::from(1), Value::from("one"))].into_iter().collect();
        assert_eq!(shown(map), r#"{"1":"one"}"#);
    }

    #[test]
    fn errors_name_the_line_only_where_there_are_several() {
        assert_eq!(parse_json(b"{\"a\": }"), Err("expected value at column 7".to_owned()));
        assert_eq!(parse_json(b"[1,\n2"), Err("EOF while parsing a list at line 2 column 1".to_owned()));
        assert_eq!(parse_json(b"[1,\n}"), Err("expected value at line 2 column 1".to_owned()));
    }

    #[test]
    fn the_order_of_fields_is_kept() {
        assert_eq!(shown(parse_json(br#"{"b":1,"a":[true,null,1.5]}"#).unwrap()), r#"{"b":1,"a":[true,null,1.5]}"#);
    }

    #[test]
    fn nothing_steers_a_terminal_and_the_text_reads_back() {
        let hostile = "\u{1b}[31m\u{7f}\u{9b}2J\u{202e}abc\u{2066}\n ö 漢 \"\\ 😀 e\u{301}";
        let text = shown(hostile);
        assert!(text.chars().all(|c| !c.is_control() && !('\u{2028}'..='\u{202e}').contains(&c)), "{text}");
        assert!(text.contains("ö 漢 \\\"\\\\ 😀"), "{text}");
        assert_eq!(parse_json(text.as_bytes()).unwrap(), Value::from(hostile));
    }
}
