//! The visitor between a codec and a type: pays for what comes, and keeps wrapping what is nested.

use std::fmt;

use serde::de::{Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use crate::codec::guard::access::GuardAccess;
use crate::codec::guard::budget::Place;
use crate::codec::guard::deserializer::GuardDeserializer;
use crate::codec::guard::errors::Crossing;

pub(super) struct GuardVisitor<'a, V, X> {
    inner: V,
    place: Place<'a, X>,
    asked: Asked,
}

/// What was asked for, as far as it matters to what may come.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    /// A type like any other.
    Type,
    /// A float of 32 bits.
    Single,
    /// No type: the codec chooses what it gives.
    Anything,
}

impl<'a, V, X> GuardVisitor<'a, V, X> {
    #[inline]
    pub(super) fn new(inner: V, place: Place<'a, X>) -> Self {
        Self { inner, place, asked: Asked::Type }
    }

    /// For a float of 32 bits.
    #[inline]
    pub(super) fn single(inner: V, place: Place<'a, X>) -> Self {
        Self { inner, place, asked: Asked::Single }
    }

    /// For whatever there is.
    #[inline]
    pub(super) fn dynamic(inner: V, place: Place<'a, X>) -> Self {
        Self { inner, place, asked: Asked::Anything }
    }
}

macro_rules! forward {
    ($($method:ident: $type:ty;)*) => {$(
        #[inline]
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.place.inward(|| self.inner.$method(value))
        }
    )*};
}

macro_rules! paid {
    ($($method:ident: $type:ty;)*) => {$(
        #[inline]
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.place.spend_bytes(value.len())?;
            self.place.inward(|| self.inner.$method(value))
        }
    )*};
}

impl<'de, V: Visitor<'de>, X: Crossing> Visitor<'de> for GuardVisitor<'_, V, X> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    forward! {
        visit_bool: bool;
        visit_i8: i8;
        visit_i16: i16;
        visit_i32: i32;
        visit_i64: i64;
        visit_i128: i128;
        visit_u8: u8;
        visit_u16: u16;
        visit_u32: u32;
        visit_u64: u64;
        visit_u128: u128;
        visit_f32: f32;
        visit_char: char;
    }

    paid! {
        visit_str: &str;
        visit_borrowed_str: &'de str;
        visit_string: String;
        visit_bytes: &[u8];
        visit_borrowed_bytes: &'de [u8];
        visit_byte_buf: Vec<u8>;
    }

    #[inline]
    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        match self.asked {
            Asked::Type => {}
            Asked::Single => self.place.admit_single(value)?,
            Asked::Anything => self.place.admit_float(value)?,
        }
        self.place.inward(|| self.inner.visit_f64(value))
    }

    #[inline]
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.place.inward(|| self.inner.visit_none())
    }

    #[inline]
    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.place.inward(|| self.inner.visit_unit())
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let part = GuardDeserializer::new(deserializer, self.place.inside()?);
        self.place.inward(|| self.inner.visit_some(part))
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let part = GuardDeserializer::new(deserializer, self.place.inside()?);
        self.place.inward(|| self.inner.visit_newtype_struct(part))
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.place.admit_count(access.size_hint())?;
        let parts = GuardAccess::new(access, self.place.inside()?);
        self.place.inward(|| self.inner.visit_seq(parts))
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.place.admit_count(access.size_hint())?;
        let parts = GuardAccess::new(access, self.place.inside()?);
        self.place.inward(|| self.inner.visit_map(parts))
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.place.inward(|| self.inner.visit_enum(GuardAccess::new(access, self.place)))
    }
}
