//! A variant: its name alone, or the one entry of a map.

use bulla_core::codec::DecodeError;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, VariantAccess, Visitor};

use crate::parts::Parts;
use crate::{Head, Input, Reader};

pub(crate) struct Variant<'a, I> {
    reader: &'a mut Reader<I>,
    has_content: bool,
}

impl<'a, 'de, I: Input<'de>> Variant<'a, I> {
    pub(crate) fn of_name_alone(reader: &'a mut Reader<I>) -> Self {
        Self { reader, has_content: false }
    }

    pub(crate) fn with_content(entry: &'a mut Parts<'_, I>) -> Result<Self, DecodeError> {
        if entry.advance() {
            Ok(Self { reader: entry.reader(), has_content: true })
        } else {
            Err(DecodeError::new("an empty map where a variant is expected"))
        }
    }

    fn content(self) -> Result<&'a mut Reader<I>, DecodeError> {
        if self.has_content { Ok(self.reader) } else { Err(DecodeError::new("a variant lacks its content")) }
    }
}

impl<'de, I: Input<'de>> EnumAccess<'de> for Variant<'_, I> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), DecodeError> {
        let name = seed.deserialize(&mut *self.reader)?;
        Ok((name, self))
    }
}

impl<'de, I: Input<'de>> VariantAccess<'de> for Variant<'_, I> {
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
