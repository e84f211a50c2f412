//! The serde serializer that writes a value as one element.

mod compound;
mod key;
mod output;

use serde::ser::{Serialize, Serializer};

use self::compound::{List, Map};
use self::output::{EntryTag, Output, Tag};
use crate::error::Error;
use crate::marks::Mark;
use crate::names::{find_forbidden, has_outer_space, is_plain_name};
use crate::text::backslash;
use crate::{ROOT, VALUE};

/// Writes the one value of a document.
pub(crate) fn write_document<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut output = Output::new(out);
    value.serialize(ElementSerializer { is_root: true, ..ElementSerializer::new(&mut output, Tag::named(ROOT)) })?;
    output.declare_namespaces();
    Ok(())
}

/// Writes one value as an element.
pub(crate) struct ElementSerializer<'w, 'o> {
    output: &'w mut Output<'o>,
    tag: Tag,
    /// Whether the element is the root, which takes the name of the first type met.
    is_root: bool,
    /// How many `Some` stand around the value; written only if it turns out to be empty.
    somes: usize,
}

impl<'w, 'o> ElementSerializer<'w, 'o> {
    pub(crate) const fn new(output: &'w mut Output<'o>, tag: Tag) -> Self {
        Self { output, tag, is_root: false, somes: 0 }
    }

    /// Names the root after a type, if its name will do.
    fn named(mut self, name: &'static str) -> Self {
        if self.is_root && is_plain_name(name) {
            self.tag = Tag::named(name);
            self.is_root = false;
        }
        self
    }

    fn write_nil(self) -> Result<(), Error> {
        if self.somes == 0 {
            return self.output.write_empty(&self.tag, Mark::Nil);
        }
        let inner = Tag::named(VALUE);
        self.output.open(&self.tag, Mark::Some)?;
        for _ in 1..self.somes {
            self.output.open(&inner, Mark::Some)?;
        }
        self.output.write_empty(&inner, Mark::Nil)?;
        for _ in 1..self.somes {
            self.output.close(&inner)?;
        }
        self.output.close(&self.tag)
    }

    fn write_text(self, text: &str) -> Result<(), Error> {
        match find_forbidden(text) {
            None => self.output.write_leaf(&self.tag, Mark::None, text),
            Some(_) => self.output.write_leaf(&self.tag, Mark::Escaped, &backslash(text)),
        }
    }

    /// Opens the element of an enum and returns the tag for the content of the variant.
    fn open_variant(&mut self, variant: &'static str) -> Result<EntryTag, Error> {
        self.output.open(&self.tag, Mark::None)?;
        EntryTag::open(self.output, variant.into(), false)
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty => $mark:expr),* $(,)?) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            self.output.write_display(&self.tag, $mark, value)
        }
    )*};
}

macro_rules! floats {
    ($($method:ident: $type:ident => $mark:expr, $digits:literal),*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            match value {
                _ if value.is_finite() => self.output.write_display(&self.tag, $mark, format_args!("{value:?}")),
                $type::INFINITY => self.output.write_leaf(&self.tag, $mark, "INF"),
                $type::NEG_INFINITY => self.output.write_leaf(&self.tag, $mark, "-INF"),
                _ if value.to_bits() == $type::NAN.to_bits() => self.output.write_leaf(&self.tag, $mark, "NaN"),
                _ => self.output.write_display(&self.tag, Mark::Nan, format_args!($digits, value.to_bits())),
            }
        }
    )*};
}

impl<'w, 'o> Serializer for ElementSerializer<'w, 'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = List<'w, 'o>;
    type SerializeTuple = List<'w, 'o>;
    type SerializeTupleStruct = List<'w, 'o>;
    type SerializeTupleVariant = List<'w, 'o>;
    type SerializeMap = Map<'w, 'o>;
    type SerializeStruct = Map<'w, 'o>;
    type SerializeStructVariant = Map<'w, 'o>;

    scalars! {
        serialize_bool: bool => Mark::Boolean,
        serialize_i8: i8 => Mark::Integer,
        serialize_i16: i16 => Mark::Integer,
        serialize_i32: i32 => Mark::Integer,
        serialize_i64: i64 => Mark::Integer,
        serialize_i128: i128 => Mark::Integer,
        serialize_u8: u8 => Mark::Integer,
        serialize_u16: u16 => Mark::Integer,
        serialize_u32: u32 => Mark::Integer,
        serialize_u64: u64 => Mark::Integer,
        serialize_u128: u128 => Mark::Integer,
    }

    floats! {
        serialize_f32: f32 => Mark::Float, "{:08x}",
        serialize_f64: f64 => Mark::Double, "{:016x}"
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.write_text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.write_text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.output.write_bytes(&self.tag, value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.write_nil()
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<(), Error> {
        self.somes += 1;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.write_nil()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Error> {
        self.named(name).write_nil()
    }

    fn serialize_unit_variant(self, name: &'static str, _index: u32, variant: &'static str) -> Result<(), Error> {
        let element = self.named(name);
        match has_outer_space(variant) {
            true => element.output.write_leaf(&element.tag, Mark::Escaped, &backslash(variant)),
            false => element.write_text(variant),
        }
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self.named(name))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut element = self.named(name);
        let entry = element.open_variant(variant)?;
        value.serialize(ElementSerializer::new(element.output, entry.tag))?;
        element.output.close_variant(&element.tag, entry.is_wrapped)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<List<'w, 'o>, Error> {
        Ok(List::new(self.output, self.tag))
    }

    fn serialize_tuple(self, len: usize) -> Result<List<'w, 'o>, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<List<'w, 'o>, Error> {
        self.named(name).serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<List<'w, 'o>, Error> {
        let mut element = self.named(name);
        let entry = element.open_variant(variant)?;
        Ok(List::new(element.output, entry.tag).inside(element.tag, entry.is_wrapped))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Map<'w, 'o>, Error> {
        Ok(Map::new(self.output, self.tag))
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Map<'w, 'o>, Error> {
        self.named(name).serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Map<'w, 'o>, Error> {
        let mut element = self.named(name);
        let entry = element.open_variant(variant)?;
        Ok(Map::new(element.output, entry.tag).inside(element.tag, entry.is_wrapped))
    }
}
