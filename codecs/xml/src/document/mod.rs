//! A well-formed document as a flat list of its elements.

mod attributes;
mod parse;
mod prolog;

use std::borrow::Cow;

pub(crate) use self::parse::parse_document;
use crate::KEY;
use crate::error::Error;
use crate::marks::Mark;
use crate::text::{parse_attribute_value, parse_content};

/// Every element in the order of the start tags, so that the children of an element follow it and skipping one is a jump.
///
/// An element takes 32 bytes here and an attribute 32, whatever they hold: at most eight times the size of the document, or eleven if it is
/// full of what only looks like tags.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    source: &'a str,
    elements: Vec<Element>,
    attributes: Vec<Attribute<'a>>,
}

impl<'a> Document<'a> {
    /// The one element that holds all others.
    pub(crate) const fn root(&self) -> Node<'_, 'a> {
        Node { document: self, index: 0 }
    }

    fn text(&self, span: Span) -> &'a str {
        &self.source[span.start as usize..span.end as usize]
    }
}

/// Where a piece of the document is, in bytes. Documents over 4 GiB are refused.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: u32,
    end: u32,
}

#[derive(Debug)]
struct Element {
    name: Span,
    /// Everything between the tags.
    content: Span,
    /// The index behind the last descendant.
    end: u32,
    /// The index of the first attribute.
    attributes: u32,
    attribute_count: u16,
    mark: Mark,
    /// Whether it is `bulla:entry`.
    is_entry: bool,
    /// Whether text other than white space stands in it, outside its children.
    has_text: bool,
}

/// An attribute that is data: no namespace declaration, and nothing of `xsi`.
#[derive(Debug, Clone, Copy)]
struct Attribute<'a> {
    name: &'a str,
    /// What stands between the quotes.
    raw: &'a str,
}

/// One element of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'d, 'a> {
    document: &'d Document<'a>,
    index: usize,
}

impl<'d, 'a> Node<'d, 'a> {
    /// The name as written, prefix included.
    pub(crate) fn name(self) -> &'a str {
        self.document.text(self.element().name)
    }

    pub(crate) fn mark(self) -> Mark {
        self.element().mark
    }

    /// Whether this is a `bulla:entry`: a map's entry whose key is no name.
    pub(crate) fn is_entry(self) -> bool {
        self.element().is_entry
    }

    /// Whether text other than white space stands in it, outside its children.
    pub(crate) fn has_text(self) -> bool {
        self.element().has_text
    }

    pub(crate) fn has_children(self) -> bool {
        self.element().end as usize > self.index + 1
    }

    /// Whether there is nothing in it but white space.
    pub(crate) fn is_blank(self) -> bool {
        !self.has_children() && !self.has_text()
    }

    /// Whether it has attributes that are data; those of a `bulla:entry` are not.
    pub(crate) fn has_attributes(self) -> bool {
        self.element().attribute_count > 0 && !self.is_entry()
    }

    pub(crate) fn children(self) -> Children<'d, 'a> {
        Children { document: self.document, next: self.index + 1, end: self.element().end as usize }
    }

    /// The one child, if there is exactly one.
    pub(crate) fn only_child(self) -> Option<Self> {
        let mut children = self.children();
        children.next().filter(|_| children.next().is_none())
    }

    /// The key of a `bulla:entry` that has it as an attribute.
    pub(crate) fn entry_key(self) -> Result<Option<Cow<'a, str>>, Error> {
        let key = self.attributes().find(|(name, _)| *name == KEY);
        key.map(|(_, raw)| parse_attribute_value(raw)).transpose()
    }

    /// The attributes other than declarations, name and raw value.
    pub(crate) fn attributes(self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'d, 'a> {
        let first = self.element().attributes as usize;
        let attributes = &self.document.attributes[first..first + usize::from(self.element().attribute_count)];
        attributes.iter().map(|attribute| (attribute.name, attribute.raw))
    }

    /// The text of an element without children, borrowed where it stands in the document as it is.
    pub(crate) fn text(self) -> Result<Cow<'a, str>, Error> {
        parse_content(self.document.text(self.element().content))
    }

    fn element(self) -> &'d Element {
        &self.document.elements[self.index]
    }
}

/// The children of an element, in order.
#[derive(Debug, Clone)]
pub(crate) struct Children<'d, 'a> {
    document: &'d Document<'a>,
    next: usize,
    end: usize,
}

impl<'d, 'a> Iterator for Children<'d, 'a> {
    type Item = Node<'d, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let node = Node { document: self.document, index: self.next };
        self.next = node.element().end as usize;
        Some(node)
    }
}
