//! Faults of writers that guess, shorten and round, and of readers that make things fit.

use bulla_codec_testkit::properties;
use bulla_core::codec::{Capabilities, Codec, CodecName, DecodeError, EncodeError};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::{Serialize, forward_to_deserialize_any};
use serde_json::Value;

use crate::{JSON, decode, encode, encode_changed};

codec!(
    /// Ends text at a zero byte, as C does.
    EndsAtNul, JSON,
    |value, out| encode_changed(value, out, |tree| {
        if let Value::String(text) = tree {
            text.truncate(text.find('\0').unwrap_or(text.len()));
        }
    }),
    |input, seed| decode(input, seed)
);

#[test]
fn text_that_ends_at_a_zero_byte_is_caught() {
    assert_caught!(EndsAtNul, text::strings, text::random_strings, documents::plain_documents);
}

codec!(
    /// Makes one kind of line end of all, as readers of XML must.
    OneLineEnd, JSON,
    |value, out| encode_changed(value, out, |tree| {
        if let Value::String(text) = tree {
            *text = text.replace("\r\n", "\n").replace('\r', "\n");
        }
    }),
    |input, seed| decode(input, seed)
);

#[test]
fn changed_line_ends_are_caught() {
    assert_caught!(OneLineEnd, text::strings, scalars::characters, documents::plain_documents);
}

codec!(
    /// Writes text without a mark if it can, so that some of it looks like something else.
    GuessesTypes, JSON,
    |value, out| encode_changed(value, out, |tree| {
        if let Value::String(text) = tree {
            *tree = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
        }
    }),
    |input, seed| decode(input, seed)
);

#[test]
fn text_that_is_taken_for_a_number_is_caught() {
    assert_caught!(GuessesTypes, documents::plain_documents, attributes::untagged_enums);
}

codec!(
    /// Leaves out the fraction where it is zero.
    WholeFloats, JSON,
    |value, out| encode_changed(value, out, |tree| {
        if let Some(number) = tree.as_f64().filter(|number| tree.is_f64() && number.abs() < 1e15 && number.fract() == 0.0) {
            *tree = Value::from(number as i64);
        }
    }),
    |input, seed| decode(input, seed)
);

#[test]
fn a_float_that_becomes_an_integer_is_caught() {
    assert_caught!(WholeFloats, documents::plain_documents, attributes::untagged_enums);
}

codec!(
    /// Has floats of 32 bits only.
    SingleFloats, JSON,
    |value, out| encode_changed(value, out, |tree| {
        if let Some(number) = tree.as_f64().filter(|_| tree.is_f64()) {
            *tree = Value::from(f64::from(number as f32));
        }
    }),
    |input, seed| decode(input, seed)
);

#[test]
fn rounded_floats_are_caught() {
    assert_caught!(SingleFloats, scalars::finite_floats, records::everyday_records);
}

codec!(
    /// Drops what is null at the end of a list.
    ShortensLists, JSON,
    |value, out| encode_changed(value, out, |tree| {
        if let Value::Array(items) = tree {
            let len = items.iter().rposition(|item| !item.is_null()).map_or(0, |last| last + 1);
            items.truncate(len);
        }
    }),
    |input, seed| decode(input, seed)
);

#[test]
fn a_shortened_list_is_caught() {
    assert_caught!(ShortensLists, shapes::options, shapes::units, documents::plain_documents);
}

codec!(
    /// Builds a tree that has no room for integers of 128 bits, and declares them.
    NarrowTree, JSON,
    |value, out| encode_changed(value, out, |_| {}),
    |input, seed| decode(input, seed)
);

#[test]
fn declared_and_refused_is_caught() {
    assert_caught!(NarrowTree, scalars::wide_integers);
}

codec!(
    /// Knows fields by their order, and says that it describes itself.
    ByOrder, JSON,
    |value, out| encode_changed(value, out, |tree| {
        if let Value::Object(entries) = tree {
            *tree = Value::Array(std::mem::take(entries).into_iter().map(|(_, value)| value).collect());
        }
    }),
    |input, seed| decode(input, seed)
);

#[test]
fn fields_by_order_are_caught() {
    assert_caught!(ByOrder, attributes::unknown_fields, attributes::flattened_fields, records::everyday_records);
}

codec!(
    /// Gives up at twenty levels.
    Shallow, JSON,
    |value, out| encode(value, out),
    |input, seed| {
        let levels = input.iter().filter(|byte| **byte == b'[').count();
        if levels > 20 { Err(DecodeError::new("too deep for me")) } else { decode(input, seed) }
    }
);

#[test]
fn too_few_levels_are_caught() {
    assert_caught!(Shallow, hostile::nesting);
}

codec!(
    /// Takes nothing for null.
    NothingIsNull, JSON,
    |value, out| encode(value, out),
    |input, seed| decode(if input.is_empty() { b"null" } else { input }, seed)
);

#[test]
fn a_value_read_from_nothing_is_caught() {
    assert_caught!(NothingIsNull, hostile::empty_input);
}

codec!(
    /// Cuts numbers to the type that is asked for.
    Wraps, JSON,
    |value, out| encode(value, out),
    |input, seed| {
        let tree: Value = serde_json::from_slice(input).map_err(DecodeError::new)?;
        seed.deserialize(Wrapping(tree)).map_err(DecodeError::new)
    }
);

/// A tree whose numbers fit any type.
struct Wrapping(Value);

impl<'de> Deserializer<'de> for Wrapping {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.into_deserializer().deserialize_any(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0.as_i64() {
            Some(number) => visitor.visit_u8(number as u8),
            None => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[test]
fn numbers_that_are_made_to_fit_are_caught() {
    for verdict in [properties::scalars::signed_integers(&Wraps), properties::scalars::unsigned_integers(&Wraps)] {
        let fault = verdict.unwrap_err();
        assert!(fault.contains(" as u8: read as "), "{fault}");
    }
}
