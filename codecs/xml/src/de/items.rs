//! Lists: a marked element's children, and what stands for a list in documents without marks.

use std::vec;

use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};

use crate::ITEM;
use crate::de::ElementDeserializer;
use crate::document::{Children, Node};
use crate::error::Error;
use crate::marks::Mark;

/// The items of a list that are still to be read.
#[derive(Debug)]
pub(crate) enum Items<'d, 'de> {
    /// The children of one element.
    Children(Children<'d, 'de>),
    /// Elements that are a list because they have the same name, or because a list is asked for.
    Repeated(vec::IntoIter<Node<'d, 'de>>),
}

impl<'d, 'de> Items<'d, 'de> {
    /// Hands the children of `node` to the visitor.
    pub(crate) fn visit<V: Visitor<'de>>(node: Node<'d, 'de>, visitor: V) -> Result<V::Value, Error> {
        visit_items(Self::of(node)?, visitor)
    }

    /// The children of an element marked as a list.
    pub(crate) fn of(node: Node<'d, 'de>) -> Result<Self, Error> {
        if node.has_text() {
            return Err(Error::new("text between the items of a list"));
        }
        Ok(Self::Children(node.children()))
    }

    /// What the element is where a list is asked for and it is not marked as one: its children if all are named `item`; nothing if it
    /// is empty; otherwise a list of one, the element itself, unless it was that already.
    pub(crate) fn of_unmarked(node: Node<'d, 'de>, is_item: bool) -> Result<Option<Self>, Error> {
        let is_wrapper = match node.mark() {
            Mark::None if node.has_children() => node.children().all(|child| child.name() == ITEM),
            Mark::None => node.is_blank() && !node.has_attributes(),
            _ => false,
        };
        match is_wrapper {
            true => Self::of(node).map(Some),
            false if is_item => Ok(None),
            false => Ok(Some(Self::repeated(vec![node]))),
        }
    }

    /// Elements of one name.
    pub(crate) fn repeated(nodes: Vec<Node<'d, 'de>>) -> Self {
        Self::Repeated(nodes.into_iter())
    }
}

/// Hands the items to the visitor, which must take all of them.
pub(crate) fn visit_items<'de, V: Visitor<'de>>(mut items: Items<'_, 'de>, visitor: V) -> Result<V::Value, Error> {
    let value = visitor.visit_seq(&mut items)?;
    match items.next() {
        None => Ok(value),
        Some(_) => Err(Error::custom("the list has more items than the type")),
    }
}

impl<'d, 'de> Iterator for Items<'d, 'de> {
    type Item = ElementDeserializer<'d, 'de>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Children(children) => children.next().map(ElementDeserializer::new),
            Self::Repeated(nodes) => nodes.next().map(ElementDeserializer::item),
        }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.next().map(|item| seed.deserialize(item)).transpose()
    }
}
