//! The serde deserializer over the elements of a document.

mod entries;
mod group;
mod items;
mod text;
mod variant;

use serde::de::{Deserializer, Error as _, Unexpected, Visitor};

use self::entries::Entries;
use self::items::{Items, visit_items};
use self::text::TextDeserializer;
use self::variant::visit_enum;
use crate::document::Node;
use crate::error::Error;
use crate::marks::Mark;
use crate::scalar::{parse_base64, parse_bool, parse_f32, parse_f64, parse_hex, visit_integer, visit_nan};
use crate::text::parse_backslash;

/// The name that the text of an element goes by, where the element is read as a map or struct.
pub(crate) const TEXT: &str = "$text";

/// Reads the value of one element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ElementDeserializer<'d, 'de> {
    node: Node<'d, 'de>,
    view: View,
}

/// As what an element is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// As itself.
    Whole,
    /// As the item of a list that has no mark: it is not taken for a list of one again, or a type that is a list of itself would
    /// never end.
    Item,
    /// As its text alone, where its attributes are entries of their own.
    Text,
}

impl<'d, 'de> ElementDeserializer<'d, 'de> {
    pub(crate) const fn new(node: Node<'d, 'de>) -> Self {
        Self { node, view: View::Whole }
    }

    /// Reads an element as one of those that stand for a list without a mark.
    const fn item(node: Node<'d, 'de>) -> Self {
        Self { node, view: View::Item }
    }

    /// Reads the text of an element, which its mark may give a type, without the attributes.
    const fn text(node: Node<'d, 'de>) -> Self {
        Self { node, view: View::Text }
    }

    fn has_attributes(self) -> bool {
        self.view != View::Text && self.node.has_attributes()
    }

    /// The text reader of an element without mark and children; `None` for all others.
    fn plain_text(self) -> Result<Option<TextDeserializer<'de>>, Error> {
        if self.node.mark() != Mark::None || self.node.has_children() {
            return Ok(None);
        }
        self.node.text().map(|text| Some(TextDeserializer::new(text)))
    }

    /// Whether this may be read as a map: it has or may have entries.
    fn is_map(self) -> bool {
        match self.node.mark() {
            Mark::Map => true,
            Mark::None => self.node.has_children() || self.has_attributes() || self.node.is_blank(),
            _ => false,
        }
    }

    /// What the element is, with its attributes left aside unless it is a map.
    fn visit_without_attributes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.mark() {
            Mark::None if self.node.has_children() => Entries::visit(self.node, visitor),
            Mark::Map => Entries::visit(self.node, visitor),
            Mark::List => Items::visit(self.node, visitor),
            Mark::Some => visitor.visit_some(self.some()?),
            Mark::Nil => {
                self.check_nil()?;
                visitor.visit_unit()
            }
            _ => self.visit_scalar(visitor),
        }
    }

    fn check_nil(self) -> Result<(), Error> {
        if self.node.is_blank() { Ok(()) } else { Err(Error::new("an element with xsi:nil is not empty")) }
    }

    /// The element inside one marked `bulla:some`.
    fn some(self) -> Result<Self, Error> {
        let inner = self.node.only_child().filter(|_| !self.node.has_text());
        inner.map(Self::new).ok_or_else(|| Error::new("bulla:some does not hold exactly one element"))
    }

    fn visit_scalar<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.node.has_children() {
            return Err(Error::new("elements where a plain value is declared"));
        }
        let text = self.node.text()?;
        match self.node.mark() {
            Mark::Boolean => visitor.visit_bool(parse_bool(&text)?),
            Mark::Integer => visit_integer(&text, visitor),
            Mark::Float => visitor.visit_f32(parse_f32(&text)?),
            Mark::Double => visitor.visit_f64(parse_f64(&text)?),
            Mark::Nan => visit_nan(&text, visitor),
            Mark::Base64 => visitor.visit_byte_buf(parse_base64(&text)?),
            Mark::Hex => visitor.visit_byte_buf(parse_hex(&text)?),
            Mark::Escaped => visitor.visit_string(parse_backslash(&text)?),
            _ => TextDeserializer::new(text).deserialize_any(visitor),
        }
    }
}

/// These read the text of an unmarked element as the type asked for; a mark decides otherwise.
macro_rules! text_or_any {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.plain_text()? {
                Some(text) => text.$method(visitor),
                None => self.visit_without_attributes(visitor),
            }
        }
    )*};
}

/// The same for what text is asked for: a visitor that wants text would take bytes for it if they happen to be UTF-8.
macro_rules! text {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.plain_text()? {
                Some(text) => text.$method(visitor),
                None if matches!(self.node.mark(), Mark::Base64 | Mark::Hex) => {
                    Err(Error::invalid_type(Unexpected::Other("bytes"), &visitor))
                }
                None => self.visit_without_attributes(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for ElementDeserializer<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.mark() {
            _ if !self.has_attributes() => self.visit_without_attributes(visitor),
            Mark::List | Mark::Some => Err(Error::new("attributes on a list, where no type says to leave them aside")),
            _ => Entries::visit(self.node, visitor),
        }
    }

    text_or_any! {
        deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
        deserialize_bytes deserialize_byte_buf deserialize_unit
    }

    text! { deserialize_char deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.mark() {
            Mark::Nil => {
                self.check_nil()?;
                visitor.visit_none()
            }
            Mark::Some => visitor.visit_some(self.some()?),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let items = match self.node.mark() {
            Mark::Nil | Mark::Some | Mark::Map => None,
            Mark::List => Some(Items::of(self.node)?),
            _ => Items::of_unmarked(self.node, self.view != View::Whole)?,
        };
        match items {
            Some(items) => visit_items(items, visitor),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_map() { Entries::visit(self.node, visitor) } else { self.deserialize_any(visitor) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let wants_text = self.view != View::Text && !self.node.has_children() && fields.contains(&TEXT);
        match wants_text {
            true if self.node.mark() != Mark::Map => Entries::visit_with_text(self.node, visitor),
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let is_text = !self.node.has_children();
        match self.node.mark() {
            // White space around the name is a foreign program's; a name of ours that has some is escaped.
            Mark::None if is_text => visitor.visit_enum(TextDeserializer::new(self.node.text()?).trimmed()),
            Mark::Text if is_text => visitor.visit_enum(TextDeserializer::new(self.node.text()?)),
            Mark::Escaped if is_text => {
                visitor.visit_enum(TextDeserializer::new(parse_backslash(&self.node.text()?)?.into()))
            }
            Mark::None | Mark::Map => visit_enum(self.node, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    /// Nothing is read, however deep the element is.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}
