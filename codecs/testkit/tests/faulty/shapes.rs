//! Faults in what holds the values: order, keys, the last of a row.

use std::cell::Cell;

use bulla_codec_testkit::properties;
use bulla_core::codec::{Capabilities, Codec, CodecName, DecodeError, EncodeError};
use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::{Serialize, forward_to_deserialize_any};
use serde_json::{Error, Value};

use crate::{JSON, decode, encode, encode_changed};

codec!(
    /// Takes the last for the first.
    ReversesLists, JSON,
    |value, out| encode_changed(value, out, |tree| {
        if let Value::Array(items) = tree {
            items.reverse();
        }
    }),
    |input, seed| decode(input, seed)
);

#[test]
fn a_reversed_list_is_caught() {
    assert_caught!(ReversesLists, text::bytes, shapes::tuples, shapes::sequences, shapes::unknown_lengths);
}

codec!(
    /// Takes no for yes.
    FlipsBooleans, JSON,
    |value, out| encode_changed(value, out, |tree| {
        if let Value::Bool(flag) = tree {
            *flag = !*flag;
        }
    }),
    |input, seed| decode(input, seed)
);

#[test]
fn a_flipped_boolean_is_caught() {
    assert_caught!(FlipsBooleans, scalars::booleans, shapes::structs_without_names, records::everyday_records);
}

codec!(
    /// Writes names of one letter in capitals.
    CapitalKeys, JSON,
    |value, out| encode_changed(value, out, |tree| {
        if let Value::Object(entries) = tree {
            let name = |key: String| if key.len() == 1 { key.to_uppercase() } else { key };
            *entries = std::mem::take(entries).into_iter().map(|(key, value)| (name(key), value)).collect();
        }
    }),
    |input, seed| decode(input, seed)
);

#[test]
fn a_changed_key_is_caught() {
    assert_caught!(CapitalKeys, shapes::maps, shapes::maps_with_other_keys, attributes::flattened_fields);
}

codec!(
    /// Drops text that seems too short to matter.
    DropsShortText, JSON,
    |value, out| encode_changed(value, out, |tree| {
        if let Value::String(text) = tree {
            text.truncate(if text.len() == 1 { 0 } else { text.len() });
        }
    }),
    |input, seed| decode(input, seed)
);

#[test]
fn a_dropped_text_is_caught() {
    assert_caught!(DropsShortText, attributes::optional_fields, attributes::adjacently_tagged_enums);
}

thread_local! {
    static MOOD: Cell<bool> = const { Cell::new(false) };
}

codec!(
    /// Says now this, now that of what it cannot read.
    Moody, JSON,
    |value, out| encode(value, out),
    |input, seed| decode(input, seed).map_err(|error| {
        if MOOD.replace(!MOOD.get()) { DecodeError::Trailing(1) } else { error }
    })
);

#[test]
fn failures_that_differ_are_caught() {
    assert_caught!(Moody, hostile::noise, hostile::truncation);
}

codec!(
    /// Lends bytes, all but the last.
    LendsLess, JSON,
    |value, out| encode(value, out),
    |input, seed| {
        let tree: Value = serde_json::from_slice(input).map_err(DecodeError::new)?;
        seed.deserialize(Lending(tree)).map_err(DecodeError::new)
    }
);

struct Lending(Value);

impl IntoDeserializer<'_, Error> for Lending {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Lending {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Lending))),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut bytes: Vec<u8> = serde_json::from_value(self.0)?;
        bytes.pop();
        visitor.visit_borrowed_bytes(Vec::leak(bytes))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[test]
fn a_lost_byte_is_caught() {
    assert_caught!(LendsLess, text::bytes, text::borrowed_bytes);
}

codec!(
    /// Reads a float of 64 bits as one of 32.
    Narrows, JSON,
    |value, out| encode(value, out),
    |input, seed| {
        let tree: Value = serde_json::from_slice(input).map_err(DecodeError::new)?;
        seed.deserialize(Narrow(tree)).map_err(DecodeError::new)
    }
);

struct Narrow(Value);

impl<'de> Deserializer<'de> for Narrow {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.as_f64() {
            Some(number) => visitor.visit_f32(number as f32),
            None => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[test]
fn a_number_that_becomes_infinite_is_caught() {
    let fault = properties::scalars::finite_floats(&Narrows).unwrap_err();
    assert_eq!(fault, "1e39 as f32: read as inf");
}
