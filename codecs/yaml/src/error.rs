//! The error inside the reader: words, to which the codec adds the place.

use std::fmt::{self, Display};

#[derive(Debug)]
pub(crate) struct Error(String);

impl Error {
    pub(crate) fn new(words: impl Display) -> Self {
        Self(words.to_string())
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: Display>(words: T) -> Self {
        Self::new(words)
    }
}
