//! The deserializer between a codec's own and a type.

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use crate::codec::guard::budget::{Budget, Place};
use crate::codec::guard::errors::Crossing;
use crate::codec::guard::node::NodeVisitor;
use crate::codec::guard::visitor::GuardVisitor;
use crate::value::VALUE_MARKER;

/// A seed as a codec sees it.
pub(super) struct GuardSeed<'a, S, X> {
    inner: S,
    place: Place<'a, X>,
    /// Whether it stands for an element that has to be paid for.
    is_element: bool,
}

impl<'a, S, X: Crossing> GuardSeed<'a, S, X> {
    #[inline]
    pub(super) fn root(inner: S, budget: &'a Budget<'a, X>) -> Self {
        Self::part(inner, Place::root(budget))
    }

    /// A list element, a field or a map key: paid for before anything of it is read.
    #[inline]
    pub(super) fn element(inner: S, place: Place<'a, X>) -> Self {
        Self { inner, place, is_element: true }
    }

    /// What was paid for with something else: a map value with its key, a variant with its enum.
    #[inline]
    pub(super) fn part(inner: S, place: Place<'a, X>) -> Self {
        Self { inner, place, is_element: false }
    }
}

impl<'de, S: DeserializeSeed<'de>, X: Crossing> DeserializeSeed<'de> for GuardSeed<'_, S, X> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        if self.is_element {
            self.place.spend_element()?;
        }
        let part = GuardDeserializer::new(deserializer, self.place);
        self.place.inward(|| self.inner.deserialize(part))
    }
}

pub(super) struct GuardDeserializer<'a, D, X> {
    inner: D,
    place: Place<'a, X>,
}

impl<'a, D, X> GuardDeserializer<'a, D, X> {
    #[inline]
    pub(super) fn new(inner: D, place: Place<'a, X>) -> Self {
        Self { inner, place }
    }
}

macro_rules! forward {
    ($($method:ident($($name:ident: $type:ty),*) => $inner:ident;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, Self::Error> {
            let visitor = GuardVisitor::new(visitor, self.place);
            self.place.outward(|| self.inner.$inner($($name,)* visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>, X: Crossing> Deserializer<'de> for GuardDeserializer<'_, D, X> {
    type Error = X::Error<D::Error>;

    // Owned text and bytes are asked for as borrowed ones: a codec that is asked to own them may allocate what a peer's length says, here
    // the visitor copies what is there once it is paid for.
    forward! {
        deserialize_bool() => deserialize_bool;
        deserialize_i8() => deserialize_i8;
        deserialize_i16() => deserialize_i16;
        deserialize_i32() => deserialize_i32;
        deserialize_i64() => deserialize_i64;
        deserialize_i128() => deserialize_i128;
        deserialize_u8() => deserialize_u8;
        deserialize_u16() => deserialize_u16;
        deserialize_u32() => deserialize_u32;
        deserialize_u64() => deserialize_u64;
        deserialize_u128() => deserialize_u128;
        deserialize_f64() => deserialize_f64;
        deserialize_char() => deserialize_char;
        deserialize_str() => deserialize_str;
        deserialize_string() => deserialize_str;
        deserialize_bytes() => deserialize_bytes;
        deserialize_byte_buf() => deserialize_bytes;
        deserialize_option() => deserialize_option;
        deserialize_unit() => deserialize_unit;
        deserialize_unit_struct(name: &'static str) => deserialize_unit_struct;
        deserialize_seq() => deserialize_seq;
        deserialize_tuple(len: usize) => deserialize_tuple;
        deserialize_tuple_struct(name: &'static str, len: usize) => deserialize_tuple_struct;
        deserialize_map() => deserialize_map;
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) => deserialize_struct;
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) => deserialize_enum;
        deserialize_identifier() => deserialize_identifier;
        deserialize_ignored_any() => deserialize_ignored_any;
    }

    #[inline]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let visitor = GuardVisitor::single(visitor, self.place);
        self.place.outward(|| self.inner.deserialize_f32(visitor))
    }

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let visitor = GuardVisitor::dynamic(visitor, self.place.buffered());
        let allowed = self.place.require_self_describing();
        self.place.outward(|| allowed.and_then(|()| self.inner.deserialize_any(visitor)))
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let place = self.place;
        place.outward(|| {
            if name != VALUE_MARKER {
                self.inner.deserialize_newtype_struct(name, GuardVisitor::new(visitor, place))
            } else if place.is_self_describing() {
                self.inner.deserialize_any(GuardVisitor::dynamic(visitor, place))
            } else {
                self.inner.deserialize_tuple(2, NodeVisitor::new(visitor, place))
            }
        })
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}
