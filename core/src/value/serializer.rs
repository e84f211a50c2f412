//! From any serde type to a document.

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::codec::{Capability, EncodeError};
use crate::value::{Map, Value};

/// The most slots reserved on the word of a `Serialize`.
const MAX_RESERVED: usize = 1024;

/// Turns what it is given into a document.
#[derive(Default)]
pub(super) struct ValueSerializer {
    /// Directly inside `Some`, where nothing empty may stand.
    in_some: bool,
}

impl ValueSerializer {
    fn null(self) -> Result<Value, EncodeError> {
        if self.in_some { Err(EncodeError::CannotCarry(Capability::NestedOptions)) } else { Ok(Value::Null) }
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<Value, EncodeError> {
            Ok(value.into())
        }
    )*};
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = EncodeError;
    type SerializeSeq = ListBuilder;
    type SerializeTuple = ListBuilder;
    type SerializeTupleStruct = ListBuilder;
    type SerializeTupleVariant = ListBuilder;
    type SerializeMap = MapBuilder;
    type SerializeStruct = MapBuilder;
    type SerializeStructVariant = MapBuilder;

    scalars! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
        serialize_str: &str,
        serialize_bytes: &[u8]
    }

    fn serialize_none(self) -> Result<Value, EncodeError> {
        self.null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, EncodeError> {
        value.serialize(Self { in_some: true })
    }

    fn serialize_unit(self) -> Result<Value, EncodeError> {
        self.null()
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, EncodeError> {
        self.null()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, EncodeError> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value, EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, EncodeError> {
        Ok(tagged(Some(variant), Value::from_serialize(value)?))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<ListBuilder, EncodeError> {
        Ok(ListBuilder::new(None, len.unwrap_or(0)))
    }

    fn serialize_tuple(self, len: usize) -> Result<ListBuilder, EncodeError> {
        Ok(ListBuilder::new(None, len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<ListBuilder, EncodeError> {
        Ok(ListBuilder::new(None, len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<ListBuilder, EncodeError> {
        Ok(ListBuilder::new(Some(variant), len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<MapBuilder, EncodeError> {
        Ok(MapBuilder::new(None, len.unwrap_or(0)))
    }

    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<MapBuilder, EncodeError> {
        Ok(MapBuilder::new(None, len))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<MapBuilder, EncodeError> {
        Ok(MapBuilder::new(Some(variant), len))
    }
}

/// The content, as that of a variant if there is one.
fn tagged(variant: Option<&'static str>, content: Value) -> Value {
    match variant {
        None => content,
        Some(variant) => Value::Map([(variant, content)].into_iter().collect()),
    }
}

/// A list in the making.
pub(super) struct ListBuilder {
    variant: Option<&'static str>,
    items: Vec<Value>,
}

impl ListBuilder {
    fn new(variant: Option<&'static str>, len: usize) -> Self {
        Self { variant, items: Vec::with_capacity(len.min(MAX_RESERVED)) }
    }
}

macro_rules! list_builder {
    ($($trait:ident: $method:ident),*) => {$(
        impl $trait for ListBuilder {
            type Ok = Value;
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), EncodeError> {
                self.items.push(Value::from_serialize(item)?);
                Ok(())
            }

            fn end(self) -> Result<Value, EncodeError> {
                Ok(tagged(self.variant, Value::List(self.items)))
            }
        }
    )*};
}

list_builder! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
}

/// A map in the making.
pub(super) struct MapBuilder {
    variant: Option<&'static str>,
    map: Map,
    /// The key whose value comes next.
    key: Option<Value>,
}

impl MapBuilder {
    fn new(variant: Option<&'static str>, len: usize) -> Self {
        Self { variant, map: Map::with_capacity(len.min(MAX_RESERVED)), key: None }
    }

    fn finish(self) -> Value {
        tagged(self.variant, Value::Map(self.map))
    }
}

impl SerializeMap for MapBuilder {
    type Ok = Value;
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        match self.key.replace(Value::from_serialize(key)?) {
            None => Ok(()),
            Some(_) => Err(EncodeError::custom("a map key without a value")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let key = self.key.take().ok_or_else(|| EncodeError::custom("a map value without a key"))?;
        self.map.push(key, Value::from_serialize(value)?);
        Ok(())
    }

    fn end(self) -> Result<Value, EncodeError> {
        if self.key.is_some() {
            return Err(EncodeError::custom("a map key without a value"));
        }
        Ok(self.finish())
    }
}

macro_rules! struct_builder {
    ($($trait:ident),*) => {$(
        impl $trait for MapBuilder {
            type Ok = Value;
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), EncodeError> {
                self.map.push(key, Value::from_serialize(value)?);
                Ok(())
            }

            fn end(self) -> Result<Value, EncodeError> {
                Ok(self.finish())
            }
        }
    )*};
}

struct_builder!(SerializeStruct, SerializeStructVariant);
