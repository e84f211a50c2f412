//! The serializer between a value and a codec's own.

use std::fmt::Display;

use serde::ser::{Serialize, SerializeTuple, Serializer};

use crate::codec::Capability;
use crate::codec::guard::compound::GuardCompound;
use crate::codec::guard::refusals::Place;
use crate::value::Kind;

/// A value, or a part of one, as a codec sees it.
pub(super) struct Guarded<'a, T: ?Sized> {
    value: &'a T,
    place: &'a Place<'a>,
}

impl<'a, T: ?Sized> Guarded<'a, T> {
    #[inline]
    pub(super) fn at(value: &'a T, place: &'a Place<'a>) -> Self {
        Self { value, place }
    }
}

impl<T: Serialize + ?Sized> Serialize for Guarded<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(GuardSerializer { inner: serializer, place: *self.place })
    }
}

struct GuardSerializer<'a, S> {
    inner: S,
    place: Place<'a>,
}

impl<S: Serializer> GuardSerializer<'_, S> {
    /// Writes one node of a document: as it is where the bytes describe themselves, else as a pair of its tag and its content.
    #[inline]
    fn serialize_node<T: Serialize + ?Sized>(self, kind: Kind, content: &T) -> Result<S::Ok, S::Error> {
        if self.place.is_self_describing() {
            self.place.admit_node(kind)?;
            return content.serialize(self);
        }
        let mut pair = self.inner.serialize_tuple(2)?;
        pair.serialize_element(&kind.tag())?;
        pair.serialize_element(&Guarded::at(content, &self.place.tagged()))?;
        pair.end()
    }
}

macro_rules! forward {
    ($($method:ident($type:ty);)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

impl<'a, S: Serializer> Serializer for GuardSerializer<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = GuardCompound<'a, S::SerializeSeq>;
    type SerializeTuple = GuardCompound<'a, S::SerializeTuple>;
    type SerializeTupleStruct = GuardCompound<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = GuardCompound<'a, S::SerializeTupleVariant>;
    type SerializeMap = GuardCompound<'a, S::SerializeMap>;
    type SerializeStruct = GuardCompound<'a, S::SerializeStruct>;
    type SerializeStructVariant = GuardCompound<'a, S::SerializeStructVariant>;

    forward! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
    }

    #[inline]
    fn serialize_i128(self, value: i128) -> Result<S::Ok, S::Error> {
        self.place.require(Capability::WideIntegers)?;
        self.inner.serialize_i128(value)
    }

    #[inline]
    fn serialize_u128(self, value: u128) -> Result<S::Ok, S::Error> {
        self.place.require(Capability::WideIntegers)?;
        self.inner.serialize_u128(value)
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.place.admit_float(value.is_finite())?;
        self.inner.serialize_f32(value)
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.place.admit_float(value.is_finite())?;
        self.inner.serialize_f64(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.place.admit_empty()?;
        self.inner.serialize_none()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let place = self.place.within_some()?;
        self.inner.serialize_some(&Guarded::at(value, &place))
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.place.admit_empty()?;
        self.inner.serialize_unit()
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.place.admit_empty()?;
        self.inner.serialize_unit_struct(name)
    }

    #[inline]
    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, S::Error> {
        if let Some(kind) = Kind::of_marker(name) {
            return self.serialize_node(kind, value);
        }
        let place = self.place.within()?;
        self.inner.serialize_newtype_struct(name, &Guarded::at(value, &place))
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let place = self.place.inside()?;
        self.inner.serialize_newtype_variant(name, index, variant, &Guarded::at(value, &place))
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        let place = self.place.inside()?;
        Ok(GuardCompound::new(self.inner.serialize_seq(len)?, place, len))
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        let place = self.place.inside()?;
        Ok(GuardCompound::new(self.inner.serialize_tuple(len)?, place, Some(len)))
    }

    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeTupleStruct, S::Error> {
        let place = self.place.inside()?;
        Ok(GuardCompound::new(self.inner.serialize_tuple_struct(name, len)?, place, Some(len)))
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        // One level for the variant, one for its tuple: what a reader of the document sees.
        let place = self.place.inside()?.inside()?;
        Ok(GuardCompound::new(self.inner.serialize_tuple_variant(name, index, variant, len)?, place, Some(len)))
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let place = self.place.inside()?;
        Ok(GuardCompound::new(self.inner.serialize_map(len)?, place, len))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        let place = self.place.inside()?;
        Ok(GuardCompound::new(self.inner.serialize_struct(name, len)?, place, Some(len)))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let place = self.place.inside()?.inside()?;
        Ok(GuardCompound::new(self.inner.serialize_struct_variant(name, index, variant, len)?, place, Some(len)))
    }

    /// A text format may write the pieces as they come. A binary one needs the length first, and some refuse instead of collecting.
    #[inline]
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        if self.inner.is_human_readable() {
            self.inner.collect_str(value)
        } else {
            self.inner.serialize_str(&value.to_string())
        }
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}
