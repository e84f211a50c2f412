//! A serde deserializer over the events of `granit-parser`.

use std::borrow::Cow;

use bulla_core::codec::DecodeError;
use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, StrInput};
use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
        value::CowStrDeserializer,
    },
    forward_to_deserialize_any,
};

use crate::error::Error;
use crate::scalar::{Float, Kind, Scalar, parse_float};

/// The deepest nesting that the parser follows, block and flow collections each. The adaptor's limit is usually lower.
const DEPTH: usize = 128;

/// The most events (scalars, and beginnings and ends of collections) in a document: the parser takes about a microsecond for each, also
/// for those of a field that nobody reads.
const EVENTS: u32 = 1_000_000;

/// Reads the one value that `input` is.
pub(crate) fn decode<'de, S: DeserializeSeed<'de>>(input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
    let text = std::str::from_utf8(input).map_err(DecodeError::new)?;
    let mut reader = Reader::new(text);
    let value = reader.begin().and_then(|()| seed.deserialize(&mut reader)).map_err(|error| reader.locate(&error))?;
    reader.finish(input.len())?;
    Ok(value)
}

/// The events of a document, one of which may have been looked at.
struct Reader<'de> {
    parser: Parser<'de, StrInput<'de>>,
    peeked: Option<Event<'de>>,
    events_left: u32,
    /// Where the last event was.
    at: Marker,
}

impl<'de> Reader<'de> {
    fn new(text: &'de str) -> Self {
        let mut options = Options::default();
        options.set_emit_comments(false);
        options.flow_nesting_limit = DEPTH;
        options.block_nesting_limit = DEPTH;
        let parser = Parser::new_from_str_with_options(text, options);
        Self { parser, peeked: None, events_left: EVENTS, at: Marker::new(0, 1, 0) }
    }

    fn begin(&mut self) -> Result<(), Error> {
        match (self.take()?, self.take()?) {
            (Event::StreamStart, Event::DocumentStart(..)) => Ok(()),
            _ => Err(Error::new("an empty document")),
        }
    }

    fn finish(&mut self, len: usize) -> Result<(), DecodeError> {
        match self.take().and_then(|_document_end| self.take()) {
            Ok(Event::StreamEnd) => Ok(()),
            Ok(_) => Err(DecodeError::Trailing(len.saturating_sub(self.at.byte_offset().unwrap_or(0)).max(1))),
            Err(error) => Err(self.locate(&error)),
        }
    }

    fn locate(&self, error: &Error) -> DecodeError {
        DecodeError::new(format_args!("{error} at line {} column {}", self.at.line(), self.at.col() + 1))
    }

    fn peek(&mut self) -> Result<&Event<'de>, Error> {
        let event = self.take()?;
        Ok(self.peeked.insert(event))
    }

    fn take(&mut self) -> Result<Event<'de>, Error> {
        if let Some(event) = self.peeked.take() {
            return Ok(event);
        }
        self.events_left = self.events_left.checked_sub(1).ok_or_else(|| {
            Error::new(format_args!("more than {EVENTS} scalars, beginnings and ends of collections"))
        })?;
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.at = span.start;
                Ok(event)
            }
            Some(Err(error)) => {
                self.at = *error.marker();
                Err(Error::new(error.kind()))
            }
            None => Err(Error::new("the document ends too early")),
        }
    }

    /// Takes the end of a collection: its visitor must have read it all.
    fn expect_end(&mut self) -> Result<(), Error> {
        match self.take()? {
            Event::SequenceEnd | Event::MappingEnd => Ok(()),
            _ => Err(Error::new("more elements or entries than the type has room for")),
        }
    }

    /// Takes a whole node, whatever it holds, without recursion.
    fn skip(&mut self) -> Result<(), Error> {
        let mut depth = 0_usize;
        loop {
            match self.take()? {
                Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
                Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
                Event::Scalar(..) => {}
                other => return Err(not_a_node(&other)),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Takes a scalar as its text if it may be read as text, whatever it looks like.
    fn take_text(&mut self) -> Result<Option<Cow<'de, str>>, Error> {
        let is_text = match self.peek()? {
            Event::Scalar(_, _, _, tag) => matches!(Kind::of(tag.as_deref())?, None | Some(Kind::Str)),
            _ => false,
        };
        if !is_text {
            return Ok(None);
        }
        match self.take()? {
            Event::Scalar(text, ..) => Ok(Some(text)),
            _ => unreachable!("a scalar was peeked"),
        }
    }

    fn is_null(&mut self) -> Result<bool, Error> {
        match self.peek()? {
            Event::Scalar(text, style, _, tag) => match Kind::of(tag.as_deref())? {
                None => Ok(*style == ScalarStyle::Plain && matches!(&**text, "" | "~" | "null" | "Null" | "NULL")),
                kind => Ok(kind == Some(Kind::Null)),
            },
            _ => Ok(false),
        }
    }

    /// The text of a scalar if it may be a float; `f32` must be read from the text, since a detour through `f64` rounds twice.
    fn peek_float<F: Float>(&mut self) -> Result<Option<F>, Error> {
        match self.peek()? {
            Event::Scalar(text, style, _, tag) => match Kind::of(tag.as_deref())? {
                None if *style == ScalarStyle::Plain => parse_float(text),
                Some(Kind::Float) => parse_float(text),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }
}

fn not_a_node(event: &Event<'_>) -> Error {
    match event {
        Event::Alias(_) => Error::new("an alias: a message repeats what it means to say twice"),
        _ => Error::new("a value is missing"),
    }
}

fn expect_kind(found: Option<Kind>, expected: Kind) -> Result<(), Error> {
    match found {
        None => Ok(()),
        Some(kind) if kind == expected => Ok(()),
        Some(_) => Err(Error::new("a collection does not fit its tag")),
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let value = match self.take()? {
            Event::Scalar(text, style, _, tag) => {
                return Scalar::resolve(text, style, Kind::of(tag.as_deref())?)?.visit(visitor);
            }
            Event::SequenceStart(_, _, tag) => {
                expect_kind(Kind::of(tag.as_deref())?, Kind::Seq)?;
                visitor.visit_seq(Items(self))?
            }
            Event::MappingStart(_, _, tag) => {
                expect_kind(Kind::of(tag.as_deref())?, Kind::Map)?;
                visitor.visit_map(Items(self))?
            }
            other => return Err(not_a_node(&other)),
        };
        self.expect_end()?;
        Ok(value)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek_float()? {
            Some(value) => self.take().and_then(|_| visitor.visit_f32(value)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek_float()? {
            Some(value) => self.take().and_then(|_| visitor.visit_f64(value)),
            None => self.deserialize_any(visitor),
        }
    }

    /// Where the reader wants text, `5` and `true` are text; `null` is not.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null()? { self.deserialize_any(visitor) } else { self.deserialize_identifier(visitor) }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    /// The name of a field or variant, `null` included.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.take_text()? {
            Some(text) => Scalar::Text(text).visit(visitor),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null()? { self.take().and_then(|_| visitor.visit_none()) } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// `Name` for a unit variant, `Name: …` for any.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if let Some(name) = self.take_text()? {
            let access: CowStrDeserializer<'_, Error> = name.into_deserializer();
            return visitor.visit_enum(access);
        }
        if !matches!(self.peek()?, Event::MappingStart(..)) {
            return self.deserialize_any(visitor);
        }
        self.take()?;
        let value = visitor.visit_enum(Items(self))?;
        self.expect_end()?;
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
    }
}

/// What is inside a collection that has begun.
struct Items<'a, 'de>(&'a mut Reader<'de>);

impl Items<'_, '_> {
    fn at_end(&mut self) -> Result<bool, Error> {
        Ok(matches!(self.0.peek()?, Event::SequenceEnd | Event::MappingEnd))
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.at_end()? { Ok(None) } else { seed.deserialize(&mut *self.0).map(Some) }
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.at_end()? { Ok(None) } else { seed.deserialize(&mut *self.0).map(Some) }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.0)
    }
}

impl<'de> EnumAccess<'de> for Items<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(mut self, seed: T) -> Result<(T::Value, Self), Error> {
        if self.at_end()? {
            return Err(Error::new("an empty mapping where a variant is expected"));
        }
        let variant = seed.deserialize(&mut *self.0)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        serde::Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, de::IgnoredAny};

    use super::*;

    #[test]
    fn events_are_bounded_skipped_ones_too() {
        // Eight events: the beginnings of stream, document and list, four scalars, and the end of the list.
        let read = |events_left| {
            let mut reader = Reader::new("[1, 2, 3, 4]");
            reader.events_left = events_left;
            reader.begin()?;
            IgnoredAny::deserialize(&mut reader)
        };
        assert!(read(8).is_ok());
        assert!(read(7).is_err_and(|error| error.to_string().contains("1000000")));
        assert!(read(0).is_err());
    }
}
