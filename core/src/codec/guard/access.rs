//! The parts of lists, maps and enums on their way out of a codec.

use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use crate::codec::guard::budget::Place;
use crate::codec::guard::deserializer::GuardSeed;
use crate::codec::guard::errors::Crossing;
use crate::codec::guard::visitor::GuardVisitor;

/// One wrapper for all four of serde's accesses.
pub(super) struct GuardAccess<'a, A, X> {
    inner: A,
    /// The place of the parts; for an enum that of the enum itself, which is a level only if the variant has content.
    place: Place<'a, X>,
}

impl<'a, A, X> GuardAccess<'a, A, X> {
    #[inline]
    pub(super) fn new(inner: A, place: Place<'a, X>) -> Self {
        Self { inner, place }
    }
}

impl<'de, A: SeqAccess<'de>, X: Crossing> SeqAccess<'de> for GuardAccess<'_, A, X> {
    type Error = X::Error<A::Error>;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Self::Error> {
        self.place.outward(|| self.inner.next_element_seed(GuardSeed::element(seed, self.place)))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.place.clamp(self.inner.size_hint())
    }
}

impl<'de, A: MapAccess<'de>, X: Crossing> MapAccess<'de> for GuardAccess<'_, A, X> {
    type Error = X::Error<A::Error>;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        self.place.outward(|| self.inner.next_key_seed(GuardSeed::element(seed, self.place)))
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Self::Error> {
        self.place.outward(|| self.inner.next_value_seed(GuardSeed::part(seed, self.place)))
    }

    #[inline]
    fn next_entry_seed<K: DeserializeSeed<'de>, T: DeserializeSeed<'de>>(
        &mut self,
        key: K,
        value: T,
    ) -> Result<Option<(K::Value, T::Value)>, Self::Error> {
        let (key, value) = (GuardSeed::element(key, self.place), GuardSeed::part(value, self.place));
        self.place.outward(|| self.inner.next_entry_seed(key, value))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.place.clamp(self.inner.size_hint())
    }
}

impl<'de, 'a, A: EnumAccess<'de>, X: Crossing> EnumAccess<'de> for GuardAccess<'a, A, X> {
    type Error = X::Error<A::Error>;
    type Variant = GuardAccess<'a, A::Variant, X>;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), Self::Error> {
        let seed = GuardSeed::part(seed, self.place);
        let (value, variant) = self.place.outward(|| self.inner.variant_seed(seed))?;
        Ok((value, GuardAccess::new(variant, self.place)))
    }
}

impl<'de, A: VariantAccess<'de>, X: Crossing> VariantAccess<'de> for GuardAccess<'_, A, X> {
    type Error = X::Error<A::Error>;

    #[inline]
    fn unit_variant(self) -> Result<(), Self::Error> {
        self.place.outward(|| self.inner.unit_variant())
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Self::Error> {
        let place = self.place.outward(|| self.place.inside::<A::Error>())?;
        place.outward(|| self.inner.newtype_variant_seed(GuardSeed::part(seed, place)))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Self::Error> {
        let place = self.place.outward(|| self.place.inside::<A::Error>())?;
        place.outward(|| self.inner.tuple_variant(len, GuardVisitor::new(visitor, place)))
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let place = self.place.outward(|| self.place.inside::<A::Error>())?;
        place.outward(|| self.inner.struct_variant(fields, GuardVisitor::new(visitor, place)))
    }
}
