//! Enums: an element whose one child is named for the variant.

use serde::de::{DeserializeSeed, Deserializer as _, EnumAccess, VariantAccess, Visitor};

use crate::de::ElementDeserializer;
use crate::de::entries::{EntryKey, parse_entry};
use crate::document::Node;
use crate::error::Error;
use crate::marks::Mark;

/// Hands the variant that `node` holds as its one child to the visitor.
pub(crate) fn visit_enum<'de, V: Visitor<'de>>(node: Node<'_, 'de>, visitor: V) -> Result<V::Value, Error> {
    let child = node
        .only_child()
        .filter(|_| !node.has_text())
        .ok_or_else(|| Error::new("an enum is the name of a variant, or exactly one element named for it"))?;
    let (name, content) = match child.is_entry() {
        true => parse_entry(child)?,
        false => (EntryKey::Text(child.name().into()), child),
    };
    visitor.visit_enum(Variant { name, content: ElementDeserializer::new(content) })
}

struct Variant<'d, 'de> {
    name: EntryKey<'d, 'de>,
    content: ElementDeserializer<'d, 'de>,
}

impl<'d, 'de> EnumAccess<'de> for Variant<'d, 'de> {
    type Error = Error;
    type Variant = ElementDeserializer<'d, 'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), Error> {
        Ok((self.name.deserialize(seed)?, self.content))
    }
}

impl<'de> VariantAccess<'de> for ElementDeserializer<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.node.mark() {
            Mark::None | Mark::Nil if self.node.is_blank() => Ok(()),
            _ => Err(Error::new("content in a variant that has none")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}

/// What belongs to a variant that is only named.
#[derive(Debug)]
pub(crate) struct UnitOnly;

impl<'de> VariantAccess<'de> for UnitOnly {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _seed: S) -> Result<S::Value, Error> {
        Err(no_content())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, Error> {
        Err(no_content())
    }

    fn struct_variant<V: Visitor<'de>>(self, _fields: &'static [&'static str], _visitor: V) -> Result<V::Value, Error> {
        Err(no_content())
    }
}

fn no_content() -> Error {
    Error::new("the name of a variant alone, where it has content")
}
