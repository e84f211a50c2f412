//! The name of a codec: what the handshake carries and the registry sorts by.

use std::fmt;
use std::str::FromStr;

/// The longest codec name, in bytes.
pub const MAX_CODEC_NAME: usize = 32;

/// The name of a codec, such as `json`: `[a-z0-9][a-z0-9+._-]{0,31}`.
///
/// Stored inline, so that a name from the wire costs no allocation and a name in a `const` is checked by the compiler.
///
/// ```
/// # use bulla_core::codec::CodecName;
/// const JSON: CodecName = CodecName::new("json"); // a bad name here does not compile
/// assert_eq!("json".parse(), Ok(JSON));
/// assert!("Not a name".parse::<CodecName>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodecName {
    // Zero-padded. Names contain no zero byte, so the derived order is the order of the texts.
    bytes: [u8; MAX_CODEC_NAME],
    len: u8,
}

impl CodecName {
    /// A name known at compile time.
    ///
    /// # Panics
    /// If the text is not a codec name: in a `const`, that is a compile error.
    #[must_use]
    pub const fn new(text: &str) -> Self {
        match Self::parse(text.as_bytes()) {
            Some(name) => name,
            None => panic!("a codec name is [a-z0-9][a-z0-9+._-]{{0,31}}"),
        }
    }

    /// Parses a name from untrusted bytes; `None` if they are not a codec name.
    #[must_use]
    pub const fn parse(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > MAX_CODEC_NAME {
            return None;
        }
        let mut bytes = [0; MAX_CODEC_NAME];
        let mut at = 0;
        while at < text.len() {
            match text[at] {
                b'a'..=b'z' | b'0'..=b'9' => {}
                b'+' | b'.' | b'_' | b'-' if at > 0 => {}
                _ => return None,
            }
            bytes[at] = text[at];
            at += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 32, checked above")]
        let len = text.len() as u8;
        Some(Self { bytes, len })
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

/// The text is not a codec name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a codec name: expected 1 to 32 characters of a-z 0-9 + . _ -, the first a letter or digit")]
pub struct InvalidCodecName;

impl FromStr for CodecName {
    type Err = InvalidCodecName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes()).ok_or(InvalidCodecName)
    }
}

impl fmt::Display for CodecName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for CodecName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_grammar_and_nothing_else() {
        for good in ["a", "7z", "json", "application.json", "x-y_z+1.0", &"a".repeat(32)] {
            assert_eq!(good.parse::<CodecName>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", ".a", "JSON", "ä", "a b", "a\0", &"a".repeat(33)] {
            assert_eq!(bad.parse::<CodecName>(), Err(InvalidCodecName), "{bad:?}");
        }
    }

    #[test]
    fn sorts_as_text() {
        let mut names = ["yaml", "json-lines", "bincode", "json"].map(CodecName::new);
        names.sort();
        assert_eq!(names.map(|name| name.to_string()), ["bincode", "json", "json-lines", "yaml"]);
    }
}
