//! A document node out of a format that is not self-describing: its tag says how to read what follows.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Unexpected, Visitor};

use crate::codec::guard::budget::Place;
use crate::codec::guard::errors::Crossing;
use crate::codec::guard::visitor::GuardVisitor;
use crate::value::Kind;

/// Reads the pair of tag and content, and hands the content to the document's own visitor.
pub(super) struct NodeVisitor<'a, V, X> {
    inner: V,
    place: Place<'a, X>,
}

impl<'a, V, X> NodeVisitor<'a, V, X> {
    #[inline]
    pub(super) fn new(inner: V, place: Place<'a, X>) -> Self {
        Self { inner, place }
    }
}

impl<'de, V: Visitor<'de>, X: Crossing> Visitor<'de> for NodeVisitor<'_, V, X> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tag of a document node and its content")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<V::Value, A::Error> {
        let tag = pair.next_element::<u8>()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let kind = Kind::of_tag(tag)
            .ok_or_else(|| A::Error::invalid_value(Unexpected::Unsigned(tag.into()), &"the tag of a document node"))?;
        let content = Content { kind, visitor: GuardVisitor::new(self.inner, self.place) };
        pair.next_element_seed(content)?.ok_or_else(|| A::Error::invalid_length(1, &"a tag and its content"))
    }
}

/// The content of a node whose kind is known.
struct Content<'a, V, X> {
    kind: Kind,
    visitor: GuardVisitor<'a, V, X>,
}

impl<'de, V: Visitor<'de>, X: Crossing> DeserializeSeed<'de> for Content<'_, V, X> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        match self.kind {
            Kind::Null => deserializer.deserialize_unit(self.visitor),
            Kind::Bool => deserializer.deserialize_bool(self.visitor),
            Kind::U64 => deserializer.deserialize_u64(self.visitor),
            Kind::I64 => deserializer.deserialize_i64(self.visitor),
            Kind::U128 => deserializer.deserialize_u128(self.visitor),
            Kind::I128 => deserializer.deserialize_i128(self.visitor),
            Kind::F64 => deserializer.deserialize_f64(self.visitor),
            Kind::String => deserializer.deserialize_str(self.visitor),
            Kind::Bytes => deserializer.deserialize_bytes(self.visitor),
            Kind::List => deserializer.deserialize_seq(self.visitor),
            Kind::Map => deserializer.deserialize_map(self.visitor),
        }
    }
}
