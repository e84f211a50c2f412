//! The deserializer: a walk over the tree.

use bulla_core::codec::DecodeError;
use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::input::Integer;
use crate::tree::{Collection, Id, Ids, Kind, Node, Tree};

/// A pickle that has been read.
#[derive(Debug)]
pub(crate) struct Document<'de> {
    tree: Tree<'de>,
    root: Id,
}

impl<'de> Document<'de> {
    pub(crate) fn new(tree: Tree<'de>, root: Id) -> Self {
        Self { tree, root }
    }

    pub(crate) fn reader(&self) -> Reader<'_, 'de> {
        Reader { tree: &self.tree, id: self.root }
    }
}

/// One value of it. Its depth is bounded, and with it that of the walk.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'t, 'de> {
    tree: &'t Tree<'de>,
    id: Id,
}

impl<'t, 'de> Reader<'t, 'de> {
    fn node(self) -> Node<'de> {
        self.tree.node(self.id)
    }

    /// Reads the items of a collection, all of them.
    fn visit_items<T>(
        self,
        collection: Collection,
        visit: impl FnOnce(&mut Items<'t, 'de>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let mut items = Items { tree: self.tree, ids: self.tree.items(collection) };
        let value = visit(&mut items)?;
        match items.ids.len() {
            0 => Ok(value),
            left => Err(DecodeError::new(format_args!("{left} of {} items are too many", collection.len()))),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.node() {
            Node::None => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(value),
            Node::Narrow(number) => visit_integer(Integer::Narrow(number), visitor),
            Node::Wide(place) => visit_integer(self.tree.wide(place), visitor),
            Node::Float(number) => visitor.visit_f64(number),
            Node::Text(text) => visitor.visit_borrowed_str(text),
            Node::Decoded(begin, len) => visitor.visit_str(self.tree.decoded(begin, len)),
            Node::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Node::Collection(collection) => self.visit_items(collection, |items| match collection.kind {
                Kind::List | Kind::Tuple | Kind::Set => visitor.visit_seq(items),
                Kind::Dict => visitor.visit_map(items),
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.node() {
            Node::None => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    /// Bytes are numbers in a row where those are asked for.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Node::Bytes(bytes) = self.node() else {
            return self.deserialize_any(visitor);
        };
        let mut numbers = SeqDeserializer::new(bytes.iter().copied());
        let value = visitor.visit_seq(&mut numbers)?;
        numbers.end()?;
        Ok(value)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.node() {
            Node::Text(_) | Node::Decoded(..) => self.deserialize_any(visitor),
            _ => Err(DecodeError::new("the name of a field or variant is no text")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let Node::Collection(collection @ Collection { kind: Kind::Dict, .. }) = self.node() else {
            return visitor.visit_enum(Variant { name: self, content: None });
        };
        let mut items = self.tree.items(collection).map(|id| Reader { tree: self.tree, id });
        match (items.next(), items.next(), items.next()) {
            (Some(name), content @ Some(_), None) => visitor.visit_enum(Variant { name, content }),
            _ => Err(DecodeError::new("a variant is a dict of one item")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
    }
}

/// In the smallest type that holds it: not every type takes 128 bits.
fn visit_integer<'de, V: Visitor<'de>>(number: Integer, visitor: V) -> Result<V::Value, DecodeError> {
    match number {
        Integer::Narrow(number) => visitor.visit_i64(number),
        Integer::Signed(number) => match u64::try_from(number) {
            Ok(number) => visitor.visit_u64(number),
            Err(_) => visitor.visit_i128(number),
        },
        Integer::Unsigned(number) => visitor.visit_u128(number),
    }
}

/// The items of a list, or the keys and values of a dict.
struct Items<'t, 'de> {
    tree: &'t Tree<'de>,
    ids: Ids<'t>,
}

impl<'de> Items<'_, 'de> {
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        self.ids.next().map(|id| seed.deserialize(Reader { tree: self.tree, id })).transpose()
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.ids.len())
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        self.next(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        self.next(seed)?.ok_or_else(|| DecodeError::new("a key without a value"))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.ids.len() / 2)
    }
}

/// A variant: its name alone, or the one item of a dict.
struct Variant<'t, 'de> {
    name: Reader<'t, 'de>,
    content: Option<Reader<'t, 'de>>,
}

impl<'t, 'de> Variant<'t, 'de> {
    fn content(self) -> Result<Reader<'t, 'de>, DecodeError> {
        self.content.ok_or_else(|| DecodeError::new("a variant lacks its content"))
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), DecodeError> {
        let name = seed.deserialize(self.name)?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        match self.content.map(Reader::node) {
            None | Some(Node::None) => Ok(()),
            Some(_) => Err(DecodeError::new("a variant has content where none is expected")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.content()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, DecodeError> {
        self.content()?.deserialize_any(visitor)
    }
}
