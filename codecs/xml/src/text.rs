//! Between strings and character data: references, line ends, and the escape for what XML cannot hold.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::error::Error;
use crate::names::is_char;

/// Appends `text` as the content of an element.
///
/// `>` is escaped as well, so that `]]>` cannot arise; a carriage return becomes a reference, or the reader would make it a line feed.
pub(crate) fn escape_content(text: &str, out: &mut String) {
    escape(text, out, |byte| match byte {
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'&' => Some("&amp;"),
        b'\r' => Some("&#13;"),
        _ => None,
    });
}

/// Whether `text` is its own escaped form as the content of an element.
pub(crate) fn is_plain_content(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, b'<' | b'>' | b'&' | b'\r'))
}

/// Appends `text` as the value of an attribute in double quotes, where a reader makes blanks of tabs and line ends.
pub(crate) fn escape_attribute(text: &str, out: &mut String) {
    escape(text, out, |byte| match byte {
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'&' => Some("&amp;"),
        b'"' => Some("&quot;"),
        b'\t' => Some("&#9;"),
        b'\n' => Some("&#10;"),
        b'\r' => Some("&#13;"),
        _ => None,
    });
}

fn escape(text: &str, out: &mut String, reference: impl Fn(u8) -> Option<&'static str>) {
    let mut done = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(reference) = reference(byte) {
            out.push_str(&text[done..at]);
            out.push_str(reference);
            done = at + 1;
        }
    }
    out.push_str(&text[done..]);
}

/// `text` with a backslash escape for each character that XML cannot hold: `\u0000`, and `\\` for the backslash.
///
/// Four digits do: all those characters are in the first plane.
pub(crate) fn backslash(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            c if is_char(c) => out.push(c),
            c => write!(out, "\\u{:04X}", u32::from(c)).expect("a String takes everything"),
        }
    }
    out
}

/// What [`backslash`] made `text` of.
pub(crate) fn parse_backslash(text: &str) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (c, len) = parse_backslashed(rest).ok_or_else(|| {
            Error::new("an escaped text holds a backslash without \\ or u and four hex digits after it")
        })?;
        out.push(c);
        rest = &rest[len..];
    }
    out.push_str(rest);
    Ok(out)
}

fn parse_backslashed(after: &str) -> Option<(char, usize)> {
    if after.starts_with('\\') {
        return Some(('\\', 1));
    }
    let digits = after.strip_prefix('u')?.get(..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 5))
}

/// The character that the reference `&name;` stands for: one of the five predefined entities (4.6), or a number (4.1).
pub(crate) fn parse_reference(name: &str) -> Result<char, Error> {
    match name {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => match name.strip_prefix('#') {
            Some(number) => parse_number(number)
                .ok_or_else(|| Error::new(format_args!("&{name}; is no reference to a character of XML"))),
            None => {
                Err(Error::new(format_args!("the entity &{name}; is unknown: only lt, gt, amp, apos and quot are")))
            }
        },
    }
}

fn parse_number(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // Checked here, because from_str_radix takes a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    char::from_u32(u32::from_str_radix(digits, radix).ok()?).filter(|c| is_char(*c))
}

/// The value of an attribute, from what stands between its quotes (3.3.3).
pub(crate) fn parse_attribute_value(raw: &str) -> Result<Cow<'_, str>, Error> {
    if !raw.bytes().any(|byte| matches!(byte, b'&' | b'\t' | b'\n' | b'\r')) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('&') {
            rest = push_reference(rest, &mut out)?;
        } else {
            out.push(' ');
            rest = rest.strip_prefix("\r\n").unwrap_or(&rest[1..]);
        }
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// The text of an element without children, from everything between its tags: references are resolved, line ends become
/// line feeds (2.11), CDATA is text, comments and processing instructions are nothing.
pub(crate) fn parse_content(raw: &str) -> Result<Cow<'_, str>, Error> {
    if !raw.bytes().any(|byte| matches!(byte, b'&' | b'<' | b'\r')) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<', '\r']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = match rest.as_bytes()[0] {
            b'&' => push_reference(rest, &mut out)?,
            b'<' => push_markup(rest, &mut out)?,
            _ => push_line_end(rest, &mut out),
        };
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// Appends the character of the reference that `rest` begins with, and returns what follows.
fn push_reference<'a>(rest: &'a str, out: &mut String) -> Result<&'a str, Error> {
    let (name, rest) = rest[1..].split_once(';').ok_or_else(|| Error::new("a reference without its semicolon"))?;
    out.push(parse_reference(name)?);
    Ok(rest)
}

/// Appends what the CDATA section, comment or processing instruction at the start of `rest` holds as text, and returns what follows.
fn push_markup<'a>(rest: &'a str, out: &mut String) -> Result<&'a str, Error> {
    let (open, close) = match rest {
        _ if rest.starts_with("<![CDATA[") => ("<![CDATA[", "]]>"),
        _ if rest.starts_with("<!--") => ("<!--", "-->"),
        _ => ("<?", "?>"),
    };
    let (inner, after) =
        rest[open.len()..].split_once(close).ok_or_else(|| Error::new(format_args!("{open} without {close}")))?;
    if close == "]]>" {
        push_lines(inner, out);
    }
    Ok(after)
}

fn push_lines(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('\r') {
        out.push_str(&rest[..at]);
        rest = push_line_end(&rest[at..], out);
    }
    out.push_str(rest);
}

/// Appends a line feed for the carriage return at the start of `rest`, and returns what follows.
fn push_line_end<'a>(rest: &'a str, out: &mut String) -> &'a str {
    out.push('\n');
    rest.strip_prefix("\r\n").unwrap_or(&rest[1..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn content_is_text_references_and_cdata() {
        let raw = "a\r\nb\rc&#13;&#xD;&lt;<!-- & -->&amp;<![CDATA[<&amp;\r\n]]><?x y?>&apos;&quot;&gt;&#x1F600;";
        assert_eq!(parse_content(raw).unwrap(), "a\nb\nc\r\r<&<&amp;\n'\">\u{1F600}");
        assert!(matches!(parse_content("plain ]] > text").unwrap(), Cow::Borrowed(_)));
    }

    #[test]
    fn attribute_values_are_normalised() {
        assert_eq!(parse_attribute_value("a\tb\nc\r\nd\re&#9;&#10;&#13;").unwrap(), "a b c d e\t\n\r");
    }

    #[test]
    fn references_name_characters_of_xml_only() {
        assert_eq!(parse_reference("#0000000065").unwrap(), 'A');
        for bad in [
            "",
            "#",
            "#x",
            "#0",
            "#x0",
            "#1",
            "#xFFFE",
            "#xD800",
            "#x110000",
            "#-5",
            "#+5",
            "#X41",
            "#4294967361",
            "nbsp",
            "LT",
        ] {
            assert!(parse_reference(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn backslashes_are_strict() {
        assert_eq!(backslash("a\0\\\u{FFFF}"), "a\\u0000\\\\\\uFFFF");
        for bad in ["\\", "\\u", "\\u000", "\\x00", "\\u+123", "\\uD800", "\\u00ä"] {
            assert!(parse_backslash(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn every_string_survives(text in any::<String>()) {
            prop_assert_eq!(parse_backslash(&backslash(&text)).unwrap(), &text[..]);
            let mut content = String::new();
            escape_content(&text, &mut content);
            prop_assert_eq!(parse_content(&content).unwrap(), &text[..]);
            let mut attribute = String::new();
            escape_attribute(&text, &mut attribute);
            prop_assert_eq!(parse_attribute_value(&attribute).unwrap(), &text[..]);
        }
    }
}
