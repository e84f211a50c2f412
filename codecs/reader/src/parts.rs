//! The elements of a list, or the entries of a map.

use bulla_core::codec::DecodeError;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use crate::{Input, Reader};

/// What is to come of a list or map.
pub(crate) struct Parts<'a, I> {
    reader: &'a mut Reader<I>,
    left: Left,
}

/// How many elements or entries are to come.
enum Left {
    Counted(usize),
    UntilEnd,
}

impl<'a, 'de, I: Input<'de>> Parts<'a, I> {
    #[inline]
    pub(crate) fn new(reader: &'a mut Reader<I>, count: Option<usize>) -> Self {
        Self { reader, left: count.map_or(Left::UntilEnd, Left::Counted) }
    }

    /// What reads the next of them.
    pub(crate) fn reader(&mut self) -> &mut Reader<I> {
        self.reader
    }

    /// Whether there is one more, which is then to be read. The end is behind us once it has been met.
    #[inline]
    pub(crate) fn advance(&mut self) -> bool {
        let is_more = match self.left {
            Left::Counted(0) => false,
            Left::Counted(left) => {
                self.left = Left::Counted(left - 1);
                true
            }
            Left::UntilEnd => !self.reader.input.take_end(),
        };
        if !is_more {
            self.left = Left::Counted(0);
        }
        is_more
    }

    /// Nothing may be left.
    #[inline]
    pub(crate) fn finish(mut self) -> Result<(), DecodeError> {
        if self.advance() { Err(DecodeError::new("more elements than are expected")) } else { Ok(()) }
    }

    #[inline]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if self.advance() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    fn size(&self) -> Option<usize> {
        match self.left {
            Left::Counted(left) => Some(left),
            Left::UntilEnd => None,
        }
    }
}

impl<'de, I: Input<'de>> SeqAccess<'de> for Parts<'_, I> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.size()
    }
}

impl<'de, I: Input<'de>> MapAccess<'de> for Parts<'_, I> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        self.next(seed)
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        self.size()
    }
}
