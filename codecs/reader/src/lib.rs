//! Reads formats whose values begin with a head: a few bytes that say what follows and how much of it. CBOR and MessagePack are of that
//! kind, and so are many others.
//!
//! A codec implements [`Input`], which knows the bytes, and calls [`read`], which knows serde. This one has `n` for nothing, a digit for a
//! number, and lists that go on until a full stop:
//!
//! ```
//! use std::borrow::Cow;
//! use std::marker::PhantomData;
//!
//! use bulla_codec_reader::{Head, Input, read};
//! use bulla_core::codec::DecodeError;
//!
//! #[derive(Clone, Copy)]
//! struct Digits<'de>(&'de [u8]);
//!
//! impl<'de> Input<'de> for Digits<'de> {
//!     fn head(&mut self) -> Result<Head, DecodeError> {
//!         let (first, rest) = self.0.split_first().ok_or_else(|| DecodeError::new("the input ends inside of a value"))?;
//!         self.0 = rest;
//!         match first {
//!             b'n' => Ok(Head::Null),
//!             b'0'..=b'9' => Ok(Head::Unsigned(u64::from(first - b'0'))),
//!             b'l' => Ok(Head::List(None)),
//!             _ => Err(DecodeError::new("what is this?")),
//!         }
//!     }
//!
//!     fn text(&mut self, _: Option<usize>) -> Result<Cow<'de, str>, DecodeError> {
//!         unreachable!("no head says that there is text")
//!     }
//!
//!     fn bytes(&mut self, _: Option<usize>) -> Result<Cow<'de, [u8]>, DecodeError> {
//!         unreachable!("nor bytes")
//!     }
//!
//!     fn take_end(&mut self) -> bool {
//!         let rest = self.0.strip_prefix(b".");
//!         self.0 = rest.unwrap_or(self.0);
//!         rest.is_some()
//!     }
//!
//!     fn len(&self) -> usize {
//!         self.0.len()
//!     }
//! }
//!
//! let value = read(Digits(b"l1ln2.."), PhantomData::<(u8, Vec<Option<u8>>)>)?;
//! assert_eq!(value, (1, vec![None, Some(2)]));
//! assert_eq!(read(Digits(b"12"), PhantomData::<u8>), Err(DecodeError::Trailing(1)));
//! # Ok::<(), DecodeError>(())
//! ```
//!
//! # What is read as what
//! | asked for | head |
//! |---|---|
//! | `Option` | [`Head::Null`] is `None`, all else is `Some` |
//! | newtype struct | as what it holds |
//! | unit | null; a unit struct also an empty list |
//! | struct | a map with the names of the fields, or a list of them in order |
//! | list of numbers | also bytes |
//! | variant | its name as text, or a map of one entry: the name and the content |
//!
//! Refused, whatever the format: what is left over in a list or map, bytes behind the value, and more than [`MAX_DEPTH`] levels.

mod parts;
mod variant;

use std::borrow::Cow;

use bulla_core::codec::DecodeError;
use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use self::parts::Parts;
use self::variant::Variant;

/// How deep lists and maps may nest.
pub const MAX_DEPTH: u32 = 128;

/// The head of a value: the whole of a scalar, the length of the rest.
///
/// A length is in bytes, elements or entries; one that is not there means that the value goes on until its [end](Input::take_end).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Head {
    /// Nothing: a unit, or `None`.
    Null,
    /// A truth value.
    Bool(bool),
    /// Zero or more.
    Unsigned(u64),
    /// Any number of 64 bits, most often one below zero.
    Signed(i64),
    /// More than 64 bits hold.
    WideUnsigned(u128),
    /// Less than 64 bits hold.
    WideSigned(i128),
    /// A float of 32 bits.
    Single(f32),
    /// A float of 64 bits.
    Double(f64),
    /// Text: its length in bytes.
    Text(Option<usize>),
    /// Bytes, and how many.
    Bytes(Option<usize>),
    /// A list: how many elements.
    List(Option<usize>),
    /// A map: how many entries, each a key and its value.
    Map(Option<usize>),
}

/// What is left of a message. A copy looks ahead.
///
/// A length that a head says is believed by who reads it: implementations refuse one for which there are too few bytes.
pub trait Input<'de>: Copy {
    /// Reads the head of the next value.
    ///
    /// # Errors
    /// If the bytes are no head, or one that is not read here.
    fn head(&mut self) -> Result<Head, DecodeError>;

    /// Reads the text whose head has been read.
    ///
    /// # Errors
    /// If it is cut short, or no UTF-8.
    fn text(&mut self, len: Option<usize>) -> Result<Cow<'de, str>, DecodeError>;

    /// Reads the bytes whose head has been read.
    ///
    /// # Errors
    /// If they are cut short.
    fn bytes(&mut self, len: Option<usize>) -> Result<Cow<'de, [u8]>, DecodeError>;

    /// Reads the end of a list or map without a length, if it is next.
    fn take_end(&mut self) -> bool;

    /// How many bytes are left.
    fn len(&self) -> usize;

    /// Whether none is.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads the one value that `input` is.
///
/// # Errors
/// If it is not one whole value that `seed` accepts.
#[inline]
pub fn read<'de, I: Input<'de>, S: DeserializeSeed<'de>>(input: I, seed: S) -> Result<S::Value, DecodeError> {
    let mut reader = Reader { input, levels: MAX_DEPTH };
    let value = seed.deserialize(&mut reader)?;
    match reader.input.len() {
        0 => Ok(value),
        trailing => Err(DecodeError::Trailing(trailing)),
    }
}

struct Reader<I> {
    input: I,
    /// How many levels may still open.
    levels: u32,
}

impl<'de, I: Input<'de>> Reader<I> {
    /// Reads the head of the next value, unless `wanted` leaves it where it is.
    #[inline]
    fn take_if<T>(&mut self, wanted: impl FnOnce(Head) -> Option<T>) -> Result<Option<T>, DecodeError> {
        let mut ahead = self.input;
        let taken = wanted(ahead.head()?);
        if taken.is_some() {
            self.input = ahead;
        }
        Ok(taken)
    }

    /// Reads the parts of a list or map, all of them.
    #[inline]
    fn visit_parts<T>(
        &mut self,
        count: Option<usize>,
        visit: impl FnOnce(&mut Parts<'_, I>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        self.inside(|reader| {
            let mut parts = Parts::new(reader, count);
            let value = visit(&mut parts)?;
            parts.finish()?;
            Ok(value)
        })
    }

    /// Reads one level deeper.
    #[inline]
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
        self.levels = self.levels.checked_sub(1).ok_or(DecodeError::TooDeep(MAX_DEPTH))?;
        let value = read(self)?;
        self.levels += 1;
        Ok(value)
    }

    #[inline]
    fn visit_text<V: Visitor<'de>>(&mut self, len: Option<usize>, visitor: V) -> Result<V::Value, DecodeError> {
        match self.input.text(len)? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }
}

impl<'de, I: Input<'de>> Deserializer<'de> for &mut Reader<I> {
    type Error = DecodeError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.input.head()? {
            Head::Null => visitor.visit_unit(),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Unsigned(number) => visitor.visit_u64(number),
            Head::Signed(number) => visitor.visit_i64(number),
            Head::WideUnsigned(number) => visitor.visit_u128(number),
            Head::WideSigned(number) => visitor.visit_i128(number),
            Head::Single(number) => visitor.visit_f32(number),
            Head::Double(number) => visitor.visit_f64(number),
            Head::Text(len) => self.visit_text(len, visitor),
            Head::Bytes(len) => match self.input.bytes(len)? {
                Cow::Borrowed(bytes) => visitor.visit_borrowed_bytes(bytes),
                Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
            },
            Head::List(count) => self.visit_parts(count, |parts| visitor.visit_seq(parts)),
            Head::Map(count) => self.visit_parts(count, |parts| visitor.visit_map(parts)),
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.take_if(|head| (head == Head::Null).then_some(()))? {
            Some(()) => visitor.visit_none(),
            None => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        match self.take_if(|head| (head == Head::List(Some(0))).then_some(()))? {
            Some(()) => visitor.visit_unit(),
            None => self.deserialize_any(visitor),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    /// Bytes are numbers in a row where those are asked for.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let bytes = |head| if let Head::Bytes(len) = head { Some(len) } else { None };
        let Some(len) = self.take_if(bytes)? else {
            return self.deserialize_any(visitor);
        };
        let bytes = self.input.bytes(len)?;
        let mut numbers = SeqDeserializer::new(bytes.iter().copied());
        let value = visitor.visit_seq(&mut numbers)?;
        numbers.end()?;
        Ok(value)
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.input.head()? {
            Head::Text(len) => self.visit_text(len, visitor),
            _ => Err(DecodeError::new("the name of a field or variant is no text")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let map = |head| if let Head::Map(count @ (None | Some(1))) = head { Some(count) } else { None };
        match self.take_if(map)? {
            Some(count) => self.visit_parts(count, |parts| visitor.visit_enum(Variant::with_content(parts)?)),
            None => self.inside(|reader| visitor.visit_enum(Variant::of_name_alone(reader))),
        }
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit tuple tuple_struct map struct ignored_any
    }
}
