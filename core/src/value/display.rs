//! A document as one line for people.

use std::fmt::{self, Display, Write};

use crate::value::Value;

/// One line that looks like JSON, safe for a terminal: text is quoted and escaped, bytes are `h'…'` in hex as in CBOR's diagnostic
/// notation, and a key may be any document. It is for reading only; nothing parses it.
impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => Display::fmt(value, f),
            Self::Integer(value) => Display::fmt(value, f),
            // Debug keeps the point of a whole float: `1.0`.
            Self::Float(value) => write!(f, "{value:?}"),
            Self::String(text) => quote(text, f),
            Self::Bytes(bytes) => hex(bytes, f),
            Self::List(items) => row(f, '[', items, ']', Display::fmt),
            Self::Map(map) => row(f, '{', map, '}', |(key, value), f| write!(f, "{key}: {value}")),
        }
    }
}

fn quote(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '\'' => f.write_char('\'')?,
            _ => write!(f, "{}", character.escape_debug())?,
        }
    }
    f.write_char('"')
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("h'")?;
    for byte in bytes {
        write!(f, "{byte:02x}")?;
    }
    f.write_char('\'')
}

fn row<T>(
    f: &mut fmt::Formatter<'_>,
    open: char,
    items: impl IntoIterator<Item = T>,
    close: char,
    show: impl Fn(T, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    f.write_char(open)?;
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        show(item, f)?;
    }
    f.write_char(close)
}

#[cfg(test)]
mod tests {
    use crate::value::{Map, Value};

    #[test]
    fn shows_every_kind_on_one_safe_line() {
        let map: Map = [
            (Value::from("it's"), Value::from("a \"b\"\n\u{202e}\x1b[0m")),
            (Value::Null, Value::List(vec![true.into(), (-1).into(), 1.0.into(), f64::NAN.into()])),
            (Value::from(vec![0_u8, 255]), Value::Map(Map::new())),
        ]
        .into_iter()
        .collect();
        let expected = r#"{"it's": "a \"b\"\n\u{202e}\u{1b}[0m", null: [true, -1, 1.0, NaN], h'00ff': {}}"#;
        assert_eq!(Value::Map(map).to_string(), expected);
    }
}
