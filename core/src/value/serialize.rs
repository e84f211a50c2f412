//! A document into a format: each node in its natural form, inside a newtype that the adaptor knows.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::value::integer::Repr;
use crate::value::{Map, Value};

/// A newtype is transparent to an ordinary serializer, so a document takes its natural form there. The adaptor sees its name.
impl Serialize for Value {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(self.kind().marker(), &Natural(self))
    }
}

/// Serializes as a map; the keys and values are documents of their own.
impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// One node without its marker.
struct Natural<'a>(&'a Value);

impl Serialize for Natural<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(number) => match number.0 {
                Repr::I128(number) => serializer.serialize_i128(number),
                Repr::I64(number) => serializer.serialize_i64(number),
                Repr::U64(number) => serializer.serialize_u64(number),
                Repr::U128(number) => serializer.serialize_u128(number),
            },
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::String(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Value::List(items) => items.serialize(serializer),
            Value::Map(map) => map.serialize(serializer),
        }
    }
}
