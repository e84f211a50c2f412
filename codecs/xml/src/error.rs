//! What goes wrong inside the codec, before it becomes an error of the contract.

use std::fmt::{self, Display};

use bulla_core::codec::{DecodeError, EncodeError};

use crate::MAX_DEPTH;

/// A value that was not written, or a document that was not read.
#[derive(Debug)]
pub(crate) enum Error {
    /// Elements nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// This many bytes behind the root element that do not belong there.
    Trailing(usize),
    /// Anything else, in words.
    Message(String),
}

impl Error {
    pub(crate) fn new(message: impl Display) -> Self {
        Self::Message(message.to_string())
    }

    /// The same complaint, with the place in the document.
    pub(crate) fn at(self, byte: usize) -> Self {
        match self {
            Self::Message(message) => Self::Message(format!("{message} (byte {byte})")),
            named => named,
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(f, "nested deeper than {MAX_DEPTH} levels"),
            Self::Trailing(bytes) => write!(f, "{bytes} bytes trail the value"),
            Self::Message(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

impl serde::ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message)
    }
}

impl serde::de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message)
    }
}

impl From<Error> for EncodeError {
    fn from(error: Error) -> Self {
        match error {
            Error::TooDeep => Self::TooDeep(MAX_DEPTH),
            other => Self::new(other),
        }
    }
}

impl From<Error> for DecodeError {
    fn from(error: Error) -> Self {
        match error {
            Error::TooDeep => Self::TooDeep(MAX_DEPTH),
            Error::Trailing(bytes) => Self::Trailing(bytes),
            Error::Message(message) => Self::new(message),
        }
    }
}
