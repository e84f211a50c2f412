//! Several elements of one name, which are a list.

use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::de::items::{Items, visit_items};
use crate::document::Node;
use crate::error::Error;

/// Reads the elements of one name under the same parent: they need not stand together.
#[derive(Debug)]
pub(crate) struct GroupDeserializer<'d, 'de> {
    nodes: Vec<Node<'d, 'de>>,
}

impl<'d, 'de> GroupDeserializer<'d, 'de> {
    pub(crate) const fn new(nodes: Vec<Node<'d, 'de>>) -> Self {
        Self { nodes }
    }
}

impl<'de> Deserializer<'de> for GroupDeserializer<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visit_items(Items::repeated(self.nodes), visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Serde would take the elements for the fields, in order: refused, as they are no such thing.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        Err(Error::new(format_args!("the element {} is there {} times", self.nodes[0].name(), self.nodes.len())))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map enum identifier
    }
}
