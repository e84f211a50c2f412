//! What is sent.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use bulla_core::codec::CodecRegistry;
use bulla_core::connection::Session;
use bulla_core::value::{Map, Value};

use crate::ConnectError;
use crate::program::document::read_document;
use crate::program::exit::{Exit, Failure};
use crate::program::shell::Shell;

/// The longest text: more than any server takes.
const MAX_TEXT: usize = 64 << 20;

/// A document, or what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Payload {
    /// A small one.
    Struct,
    /// So many bytes of text, which every codec can carry.
    Text(usize),
    /// What a file holds.
    File(PathBuf),
}

impl FromStr for Payload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "struct" {
            return Ok(Self::Struct);
        }
        if let Some(path) = text.strip_prefix('@') {
            return Ok(Self::File(path.into()));
        }
        let lower = text.to_ascii_lowercase();
        let (digits, shift) = match lower.strip_suffix('k') {
            Some(digits) => (digits, 10),
            None => lower.strip_suffix('m').map_or((lower.as_str(), 0), |digits| (digits, 20)),
        };
        let number = digits.parse::<usize>().map_err(|_| "struct, a size such as 64, 16k or 1m, or @FILE")?;
        let bytes = number.checked_mul(1 << shift).filter(|bytes| *bytes <= MAX_TEXT);
        bytes.map(Self::Text).ok_or_else(|| format!("at most {}m", MAX_TEXT >> 20))
    }
}

impl Payload {
    /// Makes the document, or reads it.
    pub(super) fn document(&self, from: Option<&str>, shell: &mut Shell<'_, '_>) -> Result<Value, Failure> {
        match self {
            Self::Struct => Ok(small()),
            Self::Text(bytes) => Ok(Value::from("x".repeat(*bytes))),
            Self::File(path) => read_document(Path::new(path), from, shell),
        }
    }
}

/// About 125 bytes as JSON.
fn small() -> Value {
    let tags = Value::List(vec!["mathematics".into(), "poetry".into()]);
    let fields = [
        ("id", Value::from(1_815_u64)),
        ("first_name", "Ada".into()),
        ("last_name", "Lovelace".into()),
        ("email", "ada@example.org".into()),
        ("height", 1.65.into()),
        ("tags", tags),
    ];
    fields.into_iter().collect::<Map>().into()
}

/// The bytes of the document in the session's codec, if both sides take a message of that length.
pub(super) fn encoded_length(document: &Value, session: &Session) -> Result<usize, Failure> {
    let registry = CodecRegistry::discovered().map_err(ConnectError::from)?;
    let codec = registry.require(&session.codec).map_err(|error| Failure::new(Exit::Codec, error.to_string()))?;
    let problem = |text: String| Failure::new(Exit::Document, text);
    let length = codec
        .encode_to_vec(document)
        .map_err(|error| problem(format!("{} cannot carry this document: {error}", session.codec)))?;
    let (length, longest) = (length.len(), session.limits.message);
    if length > longest as usize {
        return Err(problem(format!("{length} bytes as {}: the longest message here is {longest}", session.codec)));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_an_end() {
        let parse = str::parse::<Payload>;
        assert_eq!(parse("struct"), Ok(Payload::Struct));
        assert_eq!(parse("16K"), Ok(Payload::Text(16 << 10)));
        assert_eq!(parse("1m"), Ok(Payload::Text(1 << 20)));
        assert_eq!(parse("@a.json"), Ok(Payload::File("a.json".into())));
        assert_eq!(parse("65m"), Err("at most 64m".to_owned()));
        assert_eq!(parse("99999999999999999999m"), Err("struct, a size such as 64, 16k or 1m, or @FILE".to_owned()));
        assert!(parse("18446744073709551615k").is_err() && parse("").is_err() && parse("-1").is_err());
    }
}
