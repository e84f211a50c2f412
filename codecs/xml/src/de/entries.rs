//! Maps and structs: the attributes, children and text of an element as entries.

use std::borrow::Cow;
use std::collections::HashMap;
use std::vec;

use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};

use crate::de::group::GroupDeserializer;
use crate::de::text::TextDeserializer;
use crate::de::{ElementDeserializer, TEXT};
use crate::document::Node;
use crate::error::Error;
use crate::marks::Mark;
use crate::text::parse_attribute_value;

/// The entries of a map that are still to be read.
#[derive(Debug)]
pub(crate) struct Entries<'d, 'de> {
    entries: vec::IntoIter<Entry<'d, 'de>>,
    value: Option<EntryValue<'d, 'de>>,
}

type Entry<'d, 'de> = (EntryKey<'d, 'de>, EntryValue<'d, 'de>);

/// The key of an entry: a name, or a whole element.
#[derive(Debug)]
pub(crate) enum EntryKey<'d, 'de> {
    Text(Cow<'de, str>),
    Element(Node<'d, 'de>),
}

#[derive(Debug)]
enum EntryValue<'d, 'de> {
    Text(Cow<'de, str>),
    Element(Node<'d, 'de>),
    /// The text of an element, without its attributes.
    Content(Node<'d, 'de>),
    Group(Vec<Node<'d, 'de>>),
}

impl<'d, 'de> Entries<'d, 'de> {
    /// Hands the attributes and children of `node` to the visitor, and its text if there is any.
    pub(crate) fn visit<V: Visitor<'de>>(node: Node<'d, 'de>, visitor: V) -> Result<V::Value, Error> {
        Self::collect(node, false)?.visit_all(visitor)
    }

    /// The same for an element without children, with its text even if that is empty.
    pub(crate) fn visit_with_text<V: Visitor<'de>>(node: Node<'d, 'de>, visitor: V) -> Result<V::Value, Error> {
        Self::collect(node, true)?.visit_all(visitor)
    }

    fn collect(node: Node<'d, 'de>, always_text: bool) -> Result<Self, Error> {
        let mut entries = Vec::new();
        if node.has_attributes() {
            for (name, raw) in node.attributes() {
                let value = parse_attribute_value(raw)?;
                entries.push((EntryKey::Text(format!("@{name}").into()), EntryValue::Text(value)));
            }
        }
        if node.has_children() {
            collect_children(node, &mut entries)?;
        } else if always_text || node.has_text() || !matches!(node.mark(), Mark::None | Mark::Map) {
            entries.push((EntryKey::Text(TEXT.into()), EntryValue::Content(node)));
        }
        Ok(Self { entries: entries.into_iter(), value: None })
    }

    /// Hands all entries to the visitor, which must take them.
    fn visit_all<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_map(&mut self)?;
        match self.entries.next() {
            None => Ok(value),
            Some(_) => Err(Error::custom("the map has more entries than the type")),
        }
    }
}

/// Appends the entries that are elements: those of one name together, as the list of the first.
fn collect_children<'d, 'de>(node: Node<'d, 'de>, entries: &mut Vec<Entry<'d, 'de>>) -> Result<(), Error> {
    if node.has_text() {
        return Err(Error::new(format_args!("the element {} mixes text and elements", node.name())));
    }
    let mut names = Names::default();
    for child in node.children() {
        if child.is_entry() {
            let (key, value) = parse_entry(child)?;
            entries.push((key, EntryValue::Element(value)));
            continue;
        }
        // Where the map is declared, nothing needs to be guessed.
        match names.insert(child.name(), entries.len()).filter(|_| node.mark() != Mark::Map) {
            Some(first) => entries[first].1.push(child),
            None => entries.push((EntryKey::Text(child.name().into()), EntryValue::Element(child))),
        }
    }
    Ok(())
}

/// The key and the value of a `bulla:entry`.
pub(crate) fn parse_entry<'d, 'de>(entry: Node<'d, 'de>) -> Result<(EntryKey<'d, 'de>, Node<'d, 'de>), Error> {
    if let Some(key) = entry.entry_key()? {
        return Ok((EntryKey::Text(key), entry));
    }
    let mut children = entry.children();
    match (children.next(), children.next(), children.next()) {
        (Some(key), Some(value), None) if !entry.has_text() => Ok((EntryKey::Element(key), value)),
        _ => Err(Error::new("bulla:entry has no attribute key and does not hold exactly a key and a value")),
    }
}

impl<'d, 'de> EntryKey<'d, 'de> {
    pub(crate) fn deserialize<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        match self {
            Self::Text(text) => seed.deserialize(TextDeserializer::new(text)),
            Self::Element(node) => seed.deserialize(ElementDeserializer::new(node)),
        }
    }
}

impl<'d, 'de> EntryValue<'d, 'de> {
    fn push(&mut self, node: Node<'d, 'de>) {
        match self {
            Self::Group(nodes) => nodes.push(node),
            Self::Element(first) => *self = Self::Group(vec![*first, node]),
            Self::Text(_) | Self::Content(_) => unreachable!("only elements are grouped by name"),
        }
    }

    fn deserialize<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        match self {
            Self::Text(text) => seed.deserialize(TextDeserializer::new(text)),
            Self::Element(node) => seed.deserialize(ElementDeserializer::new(node)),
            Self::Content(node) => seed.deserialize(ElementDeserializer::text(node)),
            Self::Group(nodes) => seed.deserialize(GroupDeserializer::new(nodes)),
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(value);
        key.deserialize(seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let value = self.value.take().ok_or_else(|| Error::custom("a value was asked for before its key"))?;
        value.deserialize(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// Which names occurred, and at which entry first: a short list, then a table, so that many names cost linear time.
#[derive(Debug, Default)]
struct Names<'de> {
    few: Vec<(&'de str, usize)>,
    many: HashMap<&'de str, usize>,
}

impl<'de> Names<'de> {
    const FEW: usize = 12;

    /// The entry where `name` occurred before; otherwise notes that it is at `entry`.
    fn insert(&mut self, name: &'de str, entry: usize) -> Option<usize> {
        if let Some((_, first)) = self.few.iter().find(|(known, _)| *known == name) {
            return Some(*first);
        }
        if self.few.len() < Self::FEW {
            self.few.push((name, entry));
            return None;
        }
        match self.many.get(name) {
            Some(first) => Some(*first),
            None => {
                self.many.insert(name, entry);
                None
            }
        }
    }
}
