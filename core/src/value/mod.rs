//! The universal document: any value of any format, without a Rust type of its own.

mod deserialize;
mod deserializer;
mod display;
mod integer;
mod kind;
mod map;
mod serialize;
mod serializer;

use serde::{Deserialize, Serialize};

pub use self::integer::{Integer, IntegerOutOfRange};
pub(crate) use self::kind::{Kind, VALUE_MARKER};
pub use self::map::Map;
use crate::codec::{DecodeError, EncodeError};

/// A document of any shape: what a handler takes when it does not know the type.
///
/// It converts from and to every serde type and goes through every codec, alone or as a part of a typed struct. A codec that cannot
/// carry a part of it (say, bytes in JSON) refuses the whole instead of changing it.
///
/// ```
/// use bulla_core::value::Value;
/// let value = Value::from_serialize(&("Ada", 36_u8, None::<f32>))?;
/// assert_eq!(value, Value::List(vec!["Ada".into(), 36.into(), Value::Null]));
/// assert_eq!(value.to_string(), r#"["Ada", 36, null]"#);
/// let (name, age, height): (&str, u8, Option<f32>) = value.deserialize()?;
/// assert_eq!((name, age, height), ("Ada", 36, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # How serde types convert
/// | serde | document |
/// |---|---|
/// | `()`, unit struct, `None` | `Null` |
/// | `Some(x)`, newtype struct | as `x`; `Some` of something that is itself `Null` is refused |
/// | `char` | `String` |
/// | `f32` | `Float`, widened without loss |
/// | sequence, tuple, tuple struct | `List` |
/// | map | `Map`; keys may be any document |
/// | struct | `Map` with `String` keys |
/// | enum | the name of a unit variant, else a `Map` of one entry: the variant's name and its content |
///
/// Types that look different to people and to machines (`is_human_readable`), such as IP addresses, convert in their readable form.
///
/// # Equality
/// Two documents are equal when they are the same: floats compare by their bits (NaN equals itself, `0.0` is not `-0.0`), maps entry by
/// entry in order, and `Integer(1)` is not `Float(1.0)`.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Nothing: a unit or an absent option.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number from `i128::MIN` to `u128::MAX`.
    Integer(Integer),
    /// A floating point number.
    Float(f64),
    /// Text.
    String(String),
    /// Bytes: not a list of numbers.
    Bytes(Vec<u8>),
    /// Documents in a row.
    List(Vec<Value>),
    /// Pairs of documents, in order.
    Map(Map),
}

impl Value {
    /// The document that `value` is.
    ///
    /// # Errors
    /// If `value` holds `Some` of something empty, which would come back as `None`, or if its own `Serialize` fails.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        value.serialize(serializer::ValueSerializer::default())
    }

    /// The typed value that this document is. Text and bytes may be borrowed from it.
    ///
    /// # Errors
    /// If the document does not fit the type.
    pub fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        T::deserialize(self)
    }

    /// Whether this is `Null`.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The truth value, if this is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The whole number, if this is one.
    #[must_use]
    pub const fn as_integer(&self) -> Option<Integer> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The floating point number, if this is one.
    #[must_use]
    pub const fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if this is one.
    #[must_use]
    pub const fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(value) => Some(value.as_str()),
            _ => None,
        }
    }

    /// The bytes, if these are.
    #[must_use]
    pub const fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(value) => Some(value.as_slice()),
            _ => None,
        }
    }

    /// The items, if this is a list.
    #[must_use]
    pub const fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items.as_slice()),
            _ => None,
        }
    }

    /// The pairs, if this is a map.
    #[must_use]
    pub const fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

macro_rules! from {
    ($($type:ty => |$value:ident| $document:expr),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $document
            }
        }
    )*};
}

macro_rules! from_integers {
    ($($type:ty),*) => {
        from!($($type => |value| Self::Integer(value.into())),*);
    };
}

from_integers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, Integer);

from! {
    () => |_value| Self::Null,
    bool => |value| Self::Bool(value),
    f32 => |value| Self::Float(value.into()),
    f64 => |value| Self::Float(value),
    char => |value| Self::String(value.into()),
    &str => |value| Self::String(value.into()),
    String => |value| Self::String(value),
    &[u8] => |value| Self::Bytes(value.into()),
    Vec<u8> => |value| Self::Bytes(value),
    Vec<Self> => |value| Self::List(value),
    Map => |value| Self::Map(value),
}

impl FromIterator<Self> for Value {
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        Self::List(items.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_means_the_same() {
        assert_eq!(Value::Float(f64::NAN), Value::Float(f64::NAN));
        assert_ne!(Value::Float(0.0), Value::Float(-0.0));
        assert_ne!(Value::Float(1.0), Value::from(1));
        assert_ne!(Value::from("a"), Value::from(b"a".as_slice()));
        assert_eq!(Value::from(1_u8), Value::from(1_i128));
    }

    #[test]
    fn accessors_answer_for_their_own_kind_alone() {
        let values = [
            Value::Null,
            true.into(),
            7.into(),
            0.5.into(),
            "text".into(),
            b"bytes".as_slice().into(),
            Value::List(vec![]),
            Map::new().into(),
        ];
        for (at, value) in values.iter().enumerate() {
            let answers = [
                value.is_null(),
                value.as_bool().is_some(),
                value.as_integer().is_some(),
                value.as_float().is_some(),
                value.as_str().is_some(),
                value.as_bytes().is_some(),
                value.as_list().is_some(),
                value.as_map().is_some(),
            ];
            assert_eq!(answers, std::array::from_fn(|index| index == at), "{value}");
        }
    }
}
