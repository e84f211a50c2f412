//! The deserializer: each head decides what is visited.

use bulla_core::codec::DecodeError;
use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::input::{Head, Input};

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
        count: usize,
        visit: impl FnOnce(&mut Parts<'_, 'de>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        self.inside(|reader| {
            let mut parts = Parts { reader, left: count };
            let value = visit(&mut parts)?;
            match parts.left {
                0 => Ok(value),
                left => Err(DecodeError::new(format_args!("{left} of {count} elements are too many"))),
            }
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
            Head::Nil => visitor.visit_unit(),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Unsigned(number) => visitor.visit_u64(number),
            Head::Signed(number) => visitor.visit_i64(number),
            Head::Single(number) => visitor.visit_f32(number),
            Head::Double(number) => visitor.visit_f64(number),
            Head::Text(len) => visitor.visit_borrowed_str(self.input.take_text(len)?),
            Head::Bytes(len) => visitor.visit_borrowed_bytes(self.input.take(len)?),
            Head::List(count) => self.visit_parts(count, |parts| visitor.visit_seq(parts)),
            Head::Map(count) => self.visit_parts(count, |parts| visitor.visit_map(parts)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.take_if(|head| (head == Head::Nil).then_some(()))? {
            Some(()) => visitor.visit_none(),
            None => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        match self.take_if(|head| (head == Head::List(0)).then_some(()))? {
            Some(()) => visitor.visit_unit(),
            None => self.deserialize_any(visitor),
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
        let mut numbers = SeqDeserializer::new(self.input.take(len)?.iter().copied());
        let value = visitor.visit_seq(&mut numbers)?;
        numbers.end()?;
        Ok(value)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.input.head()? {
            Head::Text(len) => visitor.visit_borrowed_str(self.input.take_text(len)?),
            _ => Err(DecodeError::new("the name of a field or variant is no text")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let map_of_one = self.take_if(|head| (head == Head::Map(1)).then_some(()))?;
        self.inside(|reader| visitor.visit_enum(Variant { reader, has_content: map_of_one.is_some() }))
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit tuple tuple_struct map struct
        ignored_any
    }
}

/// The elements of a list, or the keys and values of a map.
struct Parts<'a, 'de> {
    reader: &'a mut Reader<'de>,
    /// How many elements or entries are to come.
    left: usize,
}

impl<'de> Parts<'_, 'de> {
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
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
        Some(self.left)
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
        if self.has_content && self.reader.input.head()? != Head::Nil {
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
