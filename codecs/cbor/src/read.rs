//! The deserializer: each head decides what is visited.

use std::borrow::Cow;

use bulla_core::codec::DecodeError;
use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::input::{Head, Input, beyond_128_bits};

/// How deep arrays and maps may nest.
const MAX_DEPTH: u32 = 128;

/// Reads the one value that `input` is.
pub(crate) fn read<'de, S: DeserializeSeed<'de>>(input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
    let mut reader = Reader { input: Input::new(input), levels: MAX_DEPTH };
    let value = seed.deserialize(&mut reader)?;
    match reader.input.len() {
        0 => Ok(value),
        trailing => Err(DecodeError::Trailing(trailing)),
    }
}

struct Reader<'de> {
    input: Input<'de>,
    /// How many levels may still open.
    levels: u32,
}

impl<'de> Reader<'de> {
    /// Reads the head of the next value, unless `wanted` leaves it where it is.
    fn take_if<T>(&mut self, wanted: impl FnOnce(Head) -> Option<T>) -> Result<Option<T>, DecodeError> {
        let mut ahead = self.input;
        let taken = wanted(ahead.head()?);
        if taken.is_some() {
            self.input = ahead;
        }
        Ok(taken)
    }

    /// Reads the parts of a list or map, all of them.
    fn visit_parts<T>(
        &mut self,
        count: Option<usize>,
        visit: impl FnOnce(&mut Parts<'_, 'de>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        self.inside(|reader| {
            let mut parts = Parts { reader, left: count.map_or(Left::UntilBreak, Left::Counted) };
            let value = visit(&mut parts)?;
            if parts.advance() { Err(DecodeError::new("more elements than are expected")) } else { Ok(value) }
        })
    }

    /// Reads one level deeper.
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
        self.levels = self.levels.checked_sub(1).ok_or(DecodeError::TooDeep(MAX_DEPTH))?;
        let value = read(self)?;
        self.levels += 1;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.input.head()? {
            Head::Null => visitor.visit_unit(),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Positive(number) => match u64::try_from(number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_u128(number),
            },
            Head::Negative(number) => {
                let number = -1 - i128::try_from(number).map_err(|_| beyond_128_bits())?;
                match i64::try_from(number) {
                    Ok(number) => visitor.visit_i64(number),
                    Err(_) => visitor.visit_i128(number),
                }
            }
            Head::Float(number) => visitor.visit_f64(number),
            Head::Text(len) => visit_text(self.input.text(len)?, visitor),
            Head::Bytes(len) => match self.input.bytes(len)? {
                Cow::Borrowed(bytes) => visitor.visit_borrowed_bytes(bytes),
                Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
            },
            Head::List(count) => self.visit_parts(count, |parts| visitor.visit_seq(parts)),
            Head::Map(count) => self.visit_parts(count, |parts| visitor.visit_map(parts)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.take_if(|head| (head == Head::Null).then_some(()))? {
            Some(()) => visitor.visit_none(),
            None => visitor.visit_some(self),
        }
    }

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

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.input.head()? {
            Head::Text(len) => visit_text(self.input.text(len)?, visitor),
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
            Some(count) => self.visit_parts(count, |parts| {
                if !parts.advance() {
                    return Err(DecodeError::new("an empty map where a variant is expected"));
                }
                visitor.visit_enum(Variant { reader: parts.reader, has_content: true })
            }),
            None => self.inside(|reader| visitor.visit_enum(Variant { reader, has_content: false })),
        }
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
        ignored_any
    }
}

fn visit_text<'de, V: Visitor<'de>>(text: Cow<'de, str>, visitor: V) -> Result<V::Value, DecodeError> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

/// The elements of a list, or the keys and values of a map.
struct Parts<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: Left,
}

/// How many elements or entries are to come.
enum Left {
    Counted(usize),
    UntilBreak,
}

impl<'de> Parts<'_, 'de> {
    /// Whether there is one more, which is then to be read. The break is behind us once it has been met.
    fn advance(&mut self) -> bool {
        let is_more = match self.left {
            Left::Counted(0) => false,
            Left::Counted(left) => {
                self.left = Left::Counted(left - 1);
                true
            }
            Left::UntilBreak => !self.reader.input.take_break(),
        };
        if !is_more {
            self.left = Left::Counted(0);
        }
        is_more
    }

    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if self.advance() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    fn size(&self) -> Option<usize> {
        match self.left {
            Left::Counted(left) => Some(left),
            Left::UntilBreak => None,
        }
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.size()
    }
}

impl<'de> MapAccess<'de> for Parts<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        self.next(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        self.size()
    }
}

/// A variant: its name alone, or the one key of a map.
struct Variant<'a, 'de> {
    reader: &'a mut Reader<'de>,
    has_content: bool,
}

impl<'a, 'de> Variant<'a, 'de> {
    fn content(self) -> Result<&'a mut Reader<'de>, DecodeError> {
        if self.has_content { Ok(self.reader) } else { Err(DecodeError::new("a variant lacks its content")) }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), DecodeError> {
        let name = seed.deserialize(&mut *self.reader)?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        if self.has_content && self.reader.input.head()? != Head::Null {
            return Err(DecodeError::new("a variant has content where none is expected"));
        }
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.content()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, DecodeError> {
        self.content()?.deserialize_any(visitor)
    }
}
