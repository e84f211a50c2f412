//! How errors cross the adaptor between a codec and a type.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::Error;

use crate::codec::{DecodeError, MAX_DETAIL};
use crate::text::escape;

/// What becomes of a codec's error while a type has it in hand.
///
/// What runs on the other side comes as a closure: where the error stays what it is, the result is made in its place and not moved.
pub(super) trait Crossing {
    /// What the type sees of a codec's error.
    type Error<E: Error>: Error;

    /// From the codec to the type.
    fn outward<T, E: Error>(&self, codec: impl FnOnce() -> Result<T, E>) -> Result<T, Self::Error<E>>;

    /// From the type back to the codec.
    fn inward<T, E: Error>(&self, of_type: impl FnOnce() -> Result<T, Self::Error<E>>) -> Result<T, E>;

    /// The error of the whole decode, given what the codec made of it.
    #[inline]
    fn conclude<T>(&self, result: Result<T, DecodeError>) -> Result<T, DecodeError> {
        result
    }
}

/// Compiled for one codec: its own error goes all the way.
pub(super) struct Direct;

impl Crossing for Direct {
    type Error<E: Error> = E;

    #[inline]
    fn outward<T, E: Error>(&self, codec: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        codec()
    }

    #[inline]
    fn inward<T, E: Error>(&self, of_type: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        of_type()
    }
}

/// Through a pointer only the text of an error can pass, and the codec makes a new error of it at each level of the value.
///
/// A codec whose errors print as quoted text would double every quote at every level: after 40 levels that is more memory than there
/// is. So the codec renders a text once; at later levels that first rendering stands, and what it makes of its own words is dropped.
#[derive(Default)]
pub(super) struct Relay {
    /// The text that crossed last.
    last: RefCell<String>,
    state: Cell<State>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    /// The type has it, or nobody.
    #[default]
    Outside,
    /// The codec has it, in words that it has not rendered yet.
    Fresh,
    /// The codec has it, in words that it rendered before.
    Rendered,
}

impl Relay {
    #[cold]
    fn error_outward<E: Error>(&self, error: E) -> Relayed {
        if self.state.replace(State::Outside) != State::Rendered {
            self.last.replace(escape(&error, MAX_DETAIL));
        }
        Relayed(self.last.borrow().clone())
    }

    #[cold]
    fn error_inward<E: Error>(&self, error: Relayed) -> E {
        let rendered = *self.last.borrow() == error.0;
        self.state.set(if rendered { State::Rendered } else { State::Fresh });
        let codecs_own = E::custom(&error);
        self.last.replace(error.0);
        codecs_own
    }
}

impl Crossing for Relay {
    type Error<E: Error> = Relayed;

    #[inline]
    fn outward<T, E: Error>(&self, codec: impl FnOnce() -> Result<T, E>) -> Result<T, Relayed> {
        codec().map_err(|error| self.error_outward(error))
    }

    #[inline]
    fn inward<T, E: Error>(&self, of_type: impl FnOnce() -> Result<T, Relayed>) -> Result<T, E> {
        of_type().map_err(|error| self.error_inward(error))
    }

    fn conclude<T>(&self, result: Result<T, DecodeError>) -> Result<T, DecodeError> {
        result.map_err(|error| match (error, self.state.get()) {
            (DecodeError::Malformed(_), State::Rendered) => DecodeError::Malformed(self.last.take()),
            (error, _) => error,
        })
    }
}

/// The text of an error on its way: escaped, at most [`MAX_DETAIL`] characters.
#[derive(Debug)]
pub(super) struct Relayed(String);

impl Error for Relayed {
    #[cold]
    fn custom<T: fmt::Display>(detail: T) -> Self {
        Self(escape(&detail, MAX_DETAIL))
    }
}

impl std::error::Error for Relayed {}

impl fmt::Display for Relayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
