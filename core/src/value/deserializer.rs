//! From a document to any serde type.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use crate::codec::DecodeError;
use crate::value::integer::Repr;
use crate::value::{Map, Value};

impl<'de> Deserializer<'de> for &'de Value {
    type Error = DecodeError;

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(number) => match number.0 {
                Repr::I128(number) => visitor.visit_i128(number),
                Repr::I64(number) => visitor.visit_i64(number),
                Repr::U64(number) => visitor.visit_u64(number),
                Repr::U128(number) => visitor.visit_u128(number),
            },
            Value::Float(value) => visitor.visit_f64(*value),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Value::List(items) => visit_list(items, visitor),
            Value::Map(map) => visit_map(map, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let variant = match self {
            Value::String(_) => Variant { name: self, content: None },
            Value::Map(map) if map.len() == 1 => {
                let (name, content) = map.iter().next().expect("a map of length one has an entry");
                Variant { name, content: Some(content) }
            }
            other => {
                let expected = &"the name of a variant, or a map of one entry: its name and content";
                return Err(DecodeError::invalid_type(other.unexpected(), expected));
            }
        };
        visitor.visit_enum(variant)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }
}

impl Value {
    /// The node in serde's terms, for error texts.
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Integer(number) => match number.0 {
                Repr::I64(number) => Unexpected::Signed(number),
                Repr::U64(number) => Unexpected::Unsigned(number),
                Repr::I128(_) | Repr::U128(_) => Unexpected::Other("integer beyond 64 bits"),
            },
            Self::Float(value) => Unexpected::Float(*value),
            Self::String(text) => Unexpected::Str(text),
            Self::Bytes(bytes) => Unexpected::Bytes(bytes),
            Self::List(_) => Unexpected::Seq,
            Self::Map(_) => Unexpected::Map,
        }
    }
}

fn visit_list<'de, V: Visitor<'de>>(items: &'de [Value], visitor: V) -> Result<V::Value, DecodeError> {
    let mut access = Items { left: items.iter() };
    let value = visitor.visit_seq(&mut access)?;
    all_taken(access.left.len(), items.len(), "fewer elements", value)
}

fn visit_map<'de, V: Visitor<'de>>(map: &'de Map, visitor: V) -> Result<V::Value, DecodeError> {
    let mut access = Entries { left: map.iter(), value: None };
    let value = visitor.visit_map(&mut access)?;
    all_taken(access.left.len(), map.len(), "fewer entries", value)
}

/// Refuses a value that left some of its parts unread: nothing is dropped silently.
fn all_taken<T>(left: usize, len: usize, expected: &str, value: T) -> Result<T, DecodeError> {
    if left == 0 { Ok(value) } else { Err(DecodeError::invalid_length(len, &expected)) }
}

struct Items<'de> {
    left: std::slice::Iter<'de, Value>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        self.left.next().map(|item| seed.deserialize(item)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

struct Entries<'de> {
    left: std::slice::Iter<'de, (Value, Value)>,
    /// What belongs to the key that was taken last.
    value: Option<&'de Value>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, value)) = self.left.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        let value = self.value.take().ok_or_else(|| DecodeError::custom("a map value was asked for before its key"))?;
        seed.deserialize(value)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// An enum: a name alone, or a name and its content.
struct Variant<'de> {
    name: &'de Value,
    content: Option<&'de Value>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = DecodeError;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'de>), DecodeError> {
        Ok((seed.deserialize(self.name)?, Content(self.content)))
    }
}

struct Content<'de>(Option<&'de Value>);

impl<'de> Content<'de> {
    fn require(self, expected: &dyn Expected) -> Result<&'de Value, DecodeError> {
        self.0.ok_or_else(|| DecodeError::invalid_type(Unexpected::UnitVariant, expected))
    }
}

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        match self.0 {
            None | Some(Value::Null) => Ok(()),
            Some(other) => Err(DecodeError::invalid_type(other.unexpected(), &"a variant without content")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.require(&"a variant with content")?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.require(&"a tuple variant")?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.require(&"a struct variant")?.deserialize_any(visitor)
    }
}
