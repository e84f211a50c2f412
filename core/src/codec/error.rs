//! What goes wrong between a value and its bytes.

use std::fmt::Display;

use crate::codec::Capability;
use crate::text::escape;

/// The longest detail kept of a foreign error text, in characters.
pub const MAX_DETAIL: usize = 200;

/// A value that was not encoded. Nothing of it is left in the output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The codec declares that it cannot carry something that the value holds.
    #[error("this codec cannot carry {}", .0.what())]
    CannotCarry(Capability),
    /// The value is nested deeper than a peer would accept.
    #[error("nested deeper than {0} levels")]
    TooDeep(u32),
    /// The codec, or the `Serialize` of the value, refused: its words, escaped and shortened.
    #[error("{0}")]
    Refused(String),
}

/// As an error of serde: documents convert with it, and a codec of one's own may use it as its serializer's error.
impl serde::ser::Error for EncodeError {
    fn custom<T: Display>(detail: T) -> Self {
        Self::new(detail)
    }
}

/// As an error of serde: documents convert with it, and a codec of one's own may use it as its deserializer's error.
impl serde::de::Error for DecodeError {
    fn custom<T: Display>(detail: T) -> Self {
        Self::new(detail)
    }
}

impl EncodeError {
    /// The refusal of a codec, in its own words (escaped, at most [`MAX_DETAIL`] characters).
    pub fn new(detail: impl Display) -> Self {
        Self::Refused(escape(&detail, MAX_DETAIL))
    }
}

/// Bytes that were not decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not of this format, or do not fit the type asked for: the codec's words, escaped and shortened.
    #[error("{0}")]
    Malformed(String),
    /// A whole value, and then more.
    #[error("{0} bytes trail the value")]
    Trailing(usize),
    /// The type asked for needs something that the codec declares it cannot carry.
    #[error("this codec cannot carry {}", .0.what())]
    CannotCarry(Capability),
    /// Nested deeper than the budget allows.
    #[error("nested deeper than {0} levels")]
    TooDeep(u32),
    /// More elements than the budget allows (zero-sized ones count).
    #[error("more than {0} elements")]
    TooManyElements(u32),
    /// More bytes of text and blobs than the budget allows.
    #[error("more than {0} bytes of text")]
    TooManyBytes(usize),
}

impl DecodeError {
    /// The complaint of a codec, in its own words (escaped, at most [`MAX_DETAIL`] characters).
    pub fn new(detail: impl Display) -> Self {
        Self::Malformed(escape(&detail, MAX_DETAIL))
    }
}
