//! What stands before the root: the encoding and the XML declaration.

use crate::document::attributes::{RawAttributes, start_of};
use crate::error::Error;
use crate::names::find_forbidden;

/// The text of a document in UTF-8, without its byte order mark; every character is one that XML allows.
pub(crate) fn parse_source(input: &[u8]) -> Result<&str, Error> {
    if u32::try_from(input.len()).is_err() {
        return Err(Error::new("a document of more than 4 GiB"));
    }
    if let [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, b'<', ..] | [b'<', 0, ..] = input {
        return Err(Error::new("the document is in UTF-16; only UTF-8 is read"));
    }
    let text = std::str::from_utf8(input).map_err(|error| {
        Error::new("the document is not UTF-8, the only encoding that is read").at(error.valid_up_to())
    })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if text.starts_with('\u{FEFF}') {
        return Err(Error::new("a second byte order mark"));
    }
    match find_forbidden(text) {
        Some((at, c)) => Err(Error::new(format_args!("U+{:04X} is not allowed in XML", u32::from(c))).at(at)),
        None => Ok(text),
    }
}

/// Checks production \[23\] `XMLDecl`, given what stands between `<?xml` and `?>`.
pub(crate) fn check_declaration(after_target: &str) -> Result<(), Error> {
    let mut attributes = RawAttributes::new(after_target);
    match attributes.next().transpose()? {
        Some(("version", version)) => check_version(version)?,
        _ => return Err(Error::new("the XML declaration does not begin with a version")),
    }
    let mut next = attributes.next().transpose()?;
    if let Some(("encoding", encoding)) = next {
        check_encoding(encoding)?;
        next = attributes.next().transpose()?;
    }
    if let Some(("standalone", standalone)) = next {
        check_standalone(standalone)?;
        next = attributes.next().transpose()?;
    }
    match next {
        Some((name, _)) => Err(Error::new(format_args!("{} is out of place in the XML declaration", start_of(name)))),
        None => Ok(()),
    }
}

/// Production \[26\]: a processor of XML 1.0 reads every `1.x` as 1.0.
fn check_version(version: &str) -> Result<(), Error> {
    match version.strip_prefix("1.") {
        Some(minor) if !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        _ => Err(Error::new(format_args!("\"{}\" is no version of XML 1", start_of(version)))),
    }
}

/// `utf8` is no registered name, but Python's ElementTree writes it.
fn check_encoding(encoding: &str) -> Result<(), Error> {
    if encoding.eq_ignore_ascii_case("UTF-8") || encoding.eq_ignore_ascii_case("utf8") {
        return Ok(());
    }
    Err(Error::new(format_args!("the document declares the encoding \"{}\"; only UTF-8 is read", start_of(encoding))))
}

fn check_standalone(standalone: &str) -> Result<(), Error> {
    match standalone {
        "yes" | "no" => Ok(()),
        _ => Err(Error::new("standalone is neither yes nor no")),
    }
}
