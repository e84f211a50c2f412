//! The tags and texts of the document that is being written.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

use crate::error::Error;
use crate::marks::{Mark, Namespace};
use crate::names::{find_forbidden, is_plain_name};
use crate::scalar::push_base64;
use crate::text::{backslash, escape_attribute, escape_content, is_plain_content};
use crate::{KEY, MAX_DEPTH, OWN_ENTRY, VALUE};

/// A document as far as it is written.
pub(crate) struct Output<'o> {
    writer: Writer<&'o mut Vec<u8>>,
    /// The start tag and the text in the making; kept for their memory.
    start: String,
    text: String,
    depth: u32,
    /// Where the namespace declarations belong: behind the name of the root.
    declarations_at: Option<usize>,
    /// Which of [`Namespace::ALL`] the document uses.
    used: [bool; Namespace::ALL.len()],
}

/// The name of an element, and the key if it is an entry with an odd one.
#[derive(Debug)]
pub(crate) struct Tag {
    name: Cow<'static, str>,
    key: Option<Cow<'static, str>>,
}

impl Tag {
    pub(crate) const fn named(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), key: None }
    }
}

/// The element that the value of an entry is written as.
pub(crate) struct EntryTag {
    pub(crate) tag: Tag,
    /// Whether a `bulla:entry` is open around it.
    pub(crate) is_wrapped: bool,
}

impl EntryTag {
    /// An element named as the key, if that is a name and not `is_odd` for another reason; else a `bulla:entry` that has the key as an
    /// attribute; or as an element, if it holds what XML cannot.
    pub(crate) fn open(output: &mut Output<'_>, key: Cow<'static, str>, is_odd: bool) -> Result<Self, Error> {
        if is_plain_name(&key) && !is_odd {
            return Ok(Self { tag: Tag { name: key, key: None }, is_wrapped: false });
        }
        if find_forbidden(&key).is_none() {
            return Ok(Self { tag: Tag { key: Some(key), ..Tag::named(OWN_ENTRY) }, is_wrapped: false });
        }
        output.open_entry()?;
        output.write_leaf(&Tag::named(KEY), Mark::Escaped, &backslash(&key))?;
        Ok(Self { tag: Tag::named(VALUE), is_wrapped: true })
    }
}

impl<'o> Output<'o> {
    /// A document behind what `out` holds already.
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Self {
        Self {
            writer: Writer::new(out),
            start: String::new(),
            text: String::new(),
            depth: 0,
            declarations_at: None,
            used: [false; Namespace::ALL.len()],
        }
    }

    pub(crate) fn open(&mut self, tag: &Tag, mark: Mark) -> Result<(), Error> {
        let name_len = self.make_start(tag, mark)?;
        let start = BytesStart::from_content(&*self.start, name_len);
        self.writer.write_event(Event::Start(start)).map_err(Error::new)?;
        self.depth += 1;
        Ok(())
    }

    pub(crate) fn close(&mut self, tag: &Tag) -> Result<(), Error> {
        self.depth -= 1;
        self.writer.write_event(Event::End(BytesEnd::new(&*tag.name))).map_err(Error::new)
    }

    /// Opens a `bulla:entry` for a key and a value.
    pub(crate) fn open_entry(&mut self) -> Result<(), Error> {
        self.open(&Tag::named(OWN_ENTRY), Mark::None)
    }

    pub(crate) fn close_entry(&mut self) -> Result<(), Error> {
        self.close(&Tag::named(OWN_ENTRY))
    }

    /// Closes the element of an enum, whose variant is written.
    pub(crate) fn close_variant(&mut self, tag: &Tag, is_wrapped: bool) -> Result<(), Error> {
        if is_wrapped {
            self.close_entry()?;
        }
        self.close(tag)
    }

    pub(crate) fn write_empty(&mut self, tag: &Tag, mark: Mark) -> Result<(), Error> {
        let name_len = self.make_start(tag, mark)?;
        let start = BytesStart::from_content(&*self.start, name_len);
        self.writer.write_event(Event::Empty(start)).map_err(Error::new)
    }

    /// An element with a text, whose characters must all be legal.
    pub(crate) fn write_leaf(&mut self, tag: &Tag, mark: Mark, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return self.write_empty(tag, mark);
        }
        self.open(tag, mark)?;
        if is_plain_content(text) {
            self.write_content(text)?;
        } else {
            let mut escaped = std::mem::take(&mut self.text);
            escaped.clear();
            escape_content(text, &mut escaped);
            self.write_content(&escaped)?;
            self.text = escaped;
        }
        self.close(tag)
    }

    /// An element with a number or the like, which needs no escape.
    pub(crate) fn write_display(&mut self, tag: &Tag, mark: Mark, value: impl Display) -> Result<(), Error> {
        self.write_made(tag, mark, |text| write!(text, "{value}").expect("a String takes everything"))
    }

    pub(crate) fn write_bytes(&mut self, tag: &Tag, bytes: &[u8]) -> Result<(), Error> {
        self.write_made(tag, Mark::Base64, |text| push_base64(bytes, text))
    }

    fn write_made(&mut self, tag: &Tag, mark: Mark, make: impl FnOnce(&mut String)) -> Result<(), Error> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        make(&mut text);
        let result = self.write_leaf(tag, mark, &text);
        self.text = text;
        result
    }

    fn write_content(&mut self, escaped: &str) -> Result<(), Error> {
        self.writer.write_event(Event::Text(BytesText::from_escaped(escaped))).map_err(Error::new)
    }

    /// Puts the declarations of the namespaces that were used into the start tag of the root: it was written before they were.
    pub(crate) fn declare_namespaces(&mut self) {
        let Some(at) = self.declarations_at else { return };
        let mut declarations = String::new();
        for namespace in Namespace::ALL.into_iter().filter(|namespace| self.used[*namespace as usize]) {
            write!(declarations, " xmlns:{}=\"{}\"", namespace.prefix(), namespace.uri())
                .expect("a String takes everything");
        }
        self.writer.get_mut().splice(at..at, declarations.into_bytes());
    }

    /// Makes the start tag of an element and returns the length of its name.
    fn make_start(&mut self, tag: &Tag, mark: Mark) -> Result<usize, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        if self.declarations_at.is_none() {
            self.declarations_at = Some(self.writer.get_ref().len() + 1 + tag.name.len());
        }
        self.start.clear();
        self.start.push_str(&tag.name);
        if let Some(key) = &tag.key {
            self.start.push_str(" key=\"");
            escape_attribute(key, &mut self.start);
            self.start.push('"');
        }
        self.start.push_str(mark.attribute());
        for namespace in mark.namespaces() {
            self.used[*namespace as usize] = true;
        }
        self.used[Namespace::Bulla as usize] |= tag.name == OWN_ENTRY;
        Ok(tag.name.len())
    }
}
