//! The keys of maps that are text, and so may name an element.

use serde::ser::{Impossible, Serialize, Serializer};

use crate::error::Error;

/// The text that `key` is: a string, a character, the name of a variant. `None` for all others, which are written as elements.
pub(crate) fn key_text<T: Serialize + ?Sized>(key: &T) -> Option<String> {
    // If the key itself fails, it will say so again when it is written as an element.
    key.serialize(TextSerializer).ok()
}

struct TextSerializer;

type Never = Impossible<String, Error>;

fn no_text<T>() -> Result<T, Error> {
    // The words never show: they cost nothing while empty.
    Err(Error::Message(String::new()))
}

macro_rules! no_text {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        fn $method(self, _value: $type) -> Result<String, Error> {
            no_text()
        }
    )*};
}

impl Serializer for TextSerializer {
    type Ok = String;
    type Error = Error;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_str(self, value: &str) -> Result<String, Error> {
        Ok(value.to_owned())
    }

    fn serialize_char(self, value: char) -> Result<String, Error> {
        Ok(value.into())
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<String, Error> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<String, Error> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, Error> {
        value.serialize(self)
    }

    no_text! {
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
        serialize_bytes: &[u8],
        serialize_unit_struct: &'static str,
    }

    fn serialize_none(self) -> Result<String, Error> {
        no_text()
    }

    fn serialize_unit(self) -> Result<String, Error> {
        no_text()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<String, Error> {
        no_text()
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Never, Error> {
        no_text()
    }

    fn serialize_tuple(self, _len: usize) -> Result<Never, Error> {
        no_text()
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Never, Error> {
        no_text()
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Never, Error> {
        no_text()
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Never, Error> {
        no_text()
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Never, Error> {
        no_text()
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Never, Error> {
        no_text()
    }
}
