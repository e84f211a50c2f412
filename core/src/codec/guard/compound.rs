//! The parts of lists, maps and the like on their way into a codec.

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use crate::codec::guard::refusals::Place;
use crate::codec::guard::serializer::Guarded;

/// One wrapper for all seven of serde's compounds.
pub(super) struct GuardCompound<'a, C> {
    inner: C,
    /// The place of the parts.
    place: Place<'a>,
    /// How many parts there are to be, if that was said: many formats write it before them.
    said: Option<usize>,
    /// How many there were.
    count: usize,
}

impl<'a, C> GuardCompound<'a, C> {
    #[inline]
    pub(super) fn new(inner: C, place: Place<'a>, said: Option<usize>) -> Self {
        Self { inner, place, said, count: 0 }
    }

    /// One more part, which must be one of those that were to be.
    #[inline]
    fn count<E: Error>(&mut self) -> Result<(), E> {
        self.count += 1;
        match self.said {
            Some(said) if self.count > said => Err(self.place.refuse_more(said)),
            _ => Ok(()),
        }
    }

    /// All parts, of which none may be missing.
    #[inline]
    fn finish<E: Error>(self) -> Result<C, E> {
        match self.said {
            Some(said) if self.count < said => Err(self.place.refuse_fewer(said, self.count)),
            _ => Ok(self.inner),
        }
    }
}

macro_rules! unnamed_parts {
    ($($trait:ident: $method:ident),*) => {$(
        impl<C: $trait> $trait for GuardCompound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, part: &T) -> Result<(), C::Error> {
                self.count()?;
                self.inner.$method(&Guarded::at(part, &self.place))
            }

            #[inline]
            fn end(self) -> Result<C::Ok, C::Error> {
                self.finish()?.end()
            }
        }
    )*};
}

unnamed_parts! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
}

macro_rules! named_parts {
    ($($trait:ident),*) => {$(
        impl<C: $trait> $trait for GuardCompound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, part: &T) -> Result<(), C::Error> {
                self.count()?;
                self.inner.serialize_field(name, &Guarded::at(part, &self.place))
            }

            #[inline]
            fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                self.place.admit_skipped(name)?;
                self.inner.skip_field(name)
            }

            #[inline]
            fn end(self) -> Result<C::Ok, C::Error> {
                self.finish()?.end()
            }
        }
    )*};
}

named_parts!(SerializeStruct, SerializeStructVariant);

impl<C: SerializeMap> SerializeMap for GuardCompound<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.count()?;
        self.inner.serialize_key(&Guarded::at(key, &self.place.key()))
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.inner.serialize_value(&Guarded::at(value, &self.place))
    }

    #[inline]
    fn serialize_entry<K: Serialize + ?Sized, T: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &T,
    ) -> Result<(), C::Error> {
        self.count()?;
        self.inner.serialize_entry(&Guarded::at(key, &self.place.key()), &Guarded::at(value, &self.place))
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.finish()?.end()
    }
}
