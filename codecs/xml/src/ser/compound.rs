//! Lists, maps and structs, item by item.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use crate::error::Error;
use crate::marks::Mark;
use crate::ser::ElementSerializer;
use crate::ser::key::key_text;
use crate::ser::output::{EntryTag, Output, Tag};
use crate::{ITEM, KEY, VALUE};

/// A list as far as it is written.
pub(crate) struct List<'w, 'o> {
    element: Element<'w, 'o>,
}

/// A map or struct as far as it is written.
pub(crate) struct Map<'w, 'o> {
    element: Element<'w, 'o>,
    names: Names,
    pending: Option<PendingKey>,
}

/// A key whose value is to come.
enum PendingKey {
    Text(Cow<'static, str>),
    /// Written as an element in a `bulla:entry` that is open.
    Written,
}

/// An element whose start tag is written with its first child: without children it has another form.
struct Element<'w, 'o> {
    output: &'w mut Output<'o>,
    tag: Tag,
    is_open: bool,
    /// The element of the enum around it, and whether there is a `bulla:entry` in between.
    variant_of: Option<(Tag, bool)>,
}

impl<'w, 'o> Element<'w, 'o> {
    const fn new(output: &'w mut Output<'o>, tag: Tag) -> Self {
        Self { output, tag, is_open: false, variant_of: None }
    }

    fn open(&mut self, mark: Mark) -> Result<(), Error> {
        if self.is_open {
            return Ok(());
        }
        self.is_open = true;
        self.output.open(&self.tag, mark)
    }

    fn end(self, mark_if_empty: Mark) -> Result<(), Error> {
        match self.is_open {
            true => self.output.close(&self.tag)?,
            false => self.output.write_empty(&self.tag, mark_if_empty)?,
        }
        match self.variant_of {
            Some((tag, is_wrapped)) => self.output.close_variant(&tag, is_wrapped),
            None => Ok(()),
        }
    }
}

impl<'w, 'o> List<'w, 'o> {
    pub(crate) const fn new(output: &'w mut Output<'o>, tag: Tag) -> Self {
        Self { element: Element::new(output, tag) }
    }

    /// The same as the content of a variant.
    pub(crate) fn inside(mut self, outer: Tag, is_wrapped: bool) -> Self {
        self.element.variant_of = Some((outer, is_wrapped));
        self
    }

    fn write_item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element.open(Mark::List)?;
        value.serialize(ElementSerializer::new(self.element.output, Tag::named(ITEM)))
    }

    fn end(self) -> Result<(), Error> {
        self.element.end(Mark::List)
    }
}

impl<'w, 'o> Map<'w, 'o> {
    pub(crate) fn new(output: &'w mut Output<'o>, tag: Tag) -> Self {
        Self { element: Element::new(output, tag), names: Names::default(), pending: None }
    }

    /// The same as the content of a variant.
    pub(crate) fn inside(mut self, outer: Tag, is_wrapped: bool) -> Self {
        self.element.variant_of = Some((outer, is_wrapped));
        self
    }

    fn write_entry<T: Serialize + ?Sized>(
        &mut self,
        key: Cow<'static, str>,
        is_odd: bool,
        value: &T,
    ) -> Result<(), Error> {
        self.element.open(Mark::None)?;
        let output = &mut *self.element.output;
        let entry = EntryTag::open(output, key, is_odd)?;
        value.serialize(ElementSerializer::new(output, entry.tag))?;
        if entry.is_wrapped { output.close_entry() } else { Ok(()) }
    }

    fn end(self) -> Result<(), Error> {
        self.element.end(Mark::Map)
    }
}

impl SerializeMap for Map<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.pending = Some(match key_text(key) {
            Some(text) => PendingKey::Text(text.into()),
            None => {
                self.element.open(Mark::None)?;
                self.element.output.open_entry()?;
                key.serialize(ElementSerializer::new(self.element.output, Tag::named(KEY)))?;
                PendingKey::Written
            }
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        match self.pending.take() {
            Some(PendingKey::Text(key)) => {
                // A second element of the name would read as a list.
                let is_odd = self.names.has_seen(&key);
                self.write_entry(key, is_odd, value)
            }
            Some(PendingKey::Written) => {
                value.serialize(ElementSerializer::new(self.element.output, Tag::named(VALUE)))?;
                self.element.output.close_entry()
            }
            None => Err(Error::custom("a value of a map without its key")),
        }
    }

    fn end(self) -> Result<(), Error> {
        Map::end(self)
    }
}

/// The names of the elements that a map has so far, by their hashes: two names of one hash only make an entry with a key of
/// the second, which is right as well.
#[derive(Default)]
struct Names {
    few: Vec<u64>,
    many: HashSet<u64>,
}

impl Names {
    const FEW: usize = 16;

    /// Whether `name` was there before; notes it.
    fn has_seen(&mut self, name: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let hash = hasher.finish();
        if self.few.contains(&hash) {
            return true;
        }
        if self.few.len() < Self::FEW {
            self.few.push(hash);
            return false;
        }
        !self.many.insert(hash)
    }
}

macro_rules! list {
    ($($trait:ident::$method:ident),*) => {$(
        impl $trait for List<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.write_item(value)
            }

            fn end(self) -> Result<(), Error> {
                List::end(self)
            }
        }
    )*};
}

list! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
}

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl $trait for Map<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
                self.write_entry(key.into(), false, value)
            }

            fn end(self) -> Result<(), Error> {
                Map::end(self)
            }
        }
    )*};
}

fields! { SerializeStruct, SerializeStructVariant }
