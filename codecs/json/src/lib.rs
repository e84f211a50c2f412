//! JSON for Bulla, through `serde_json`.
//!
//! | value | JSON |
//! |---|---|
//! | struct, map | object; integer, boolean and unit-variant keys become strings |
//! | sequence, tuple, bytes | array; bytes are an array of numbers |
//! | unit variant | `"Name"` |
//! | other variants | `{"Name": …}` |
//! | `None`, unit | `null` |
//! | integers, 128 bits too | number |
//! | finite floats | number: the shortest text that reads back as the same bits |
//!
//! Refused, because JSON has no way to say it: NaN and infinities, `Some(None)`, and, inside a document whose reader knows no
//! type (a `Value`), bytes, integers beyond 64 bits and keys that are no strings.
//!
//! # Strictness
//! Reading is that of RFC 8259 to the letter, and of UTF-8 without a byte order mark, also where a type skips what it does not know: no
//! comments, no trailing commas, nothing behind the value. A corpus in the tests has what is read and what is not. Where the RFC leaves
//! the choice to the reader:
//!
//! | | |
//! |---|---|
//! | a key that comes twice | a `Value` keeps both, in order; a struct refuses; another map does as its type does |
//! | a number with more digits than an `f64` holds | the nearest `f64`; below the smallest, zero |
//! | a number beyond the largest `f64` | refused |
//! | a key whose type is not asked for | text, also if it was written as a number or boolean: an untagged enum of both, as the key of a map, gets text |
//! | an integer beyond 64 bits | exact for the types that hold it; in a `Value` refused, never rounded |
//! | `-0` | in a `Value` the float `-0.0`; zero for an integer type |
//! | an escaped surrogate without its other half | refused |
//! | U+0000, other escaped controls, noncharacters | text like any other |
//! | levels | at most 128 |
//!
//! What a type skips is checked against the grammar alone: there a number may be too large, a surrogate may be alone, and levels, which
//! cost nothing then, are not counted.
//!
//! # A feature of `serde_json` that this codec does not bear
//! With `arbitrary_precision`, which any crate of a program can switch on, `serde_json` gives fractions of unknown type as maps with a secret
//! key. In such a program this codec reads nothing: each decode is refused with a reason.

use std::fmt;
use std::sync::OnceLock;

use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, Visitor};
use serde::ser::Serialize;

/// The codec `json`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

/// The codec `json`, as a value.
pub const JSON: Json = Json;

bulla_core::register_codec!(JSON);

const CAPABILITIES: Capabilities = Capabilities::all()
    .without(Capability::NonFiniteFloats)
    .without(Capability::NestedOptions)
    .without(Capability::ValueBytes)
    .without(Capability::ValueWideIntegers)
    .without(Capability::ValueKeys);

impl Codec for Json {
    const NAME: CodecName = CodecName::new("json");
    const MEDIA_TYPE: &'static str = "application/json";

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        serde_json::to_writer(out, value).map_err(EncodeError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        if gives_fractions_as_maps() {
            return Err(DecodeError::new(ARBITRARY_PRECISION));
        }
        // What is skipped is not checked for it.
        let text = std::str::from_utf8(input).map_err(DecodeError::new)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = seed.deserialize(&mut deserializer).map_err(DecodeError::new)?;
        deserializer.end().map_err(|error| DecodeError::Trailing(bytes_from(input, &error)))?;
        Ok(value)
    }

    /// `serde_json` gives a float for an integer beyond 64 bits where no type is asked for.
    fn rounded_integers(&self, input: &[u8]) -> Vec<f64> {
        let is_wide = |number: &&str| number.parse::<i64>().is_err() && number.parse::<u64>().is_err();
        integers(input).filter(is_wide).filter_map(|number| number.parse().ok()).collect()
    }
}

const ARBITRARY_PRECISION: &str = "this program cannot read JSON: one of its crates switches on serde_json's feature arbitrary_precision, \
     which gives fractions as maps; build it without";

/// Whether `serde_json` was built that way.
fn gives_fractions_as_maps() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| serde_json::from_str::<Fraction>("0.5").is_err())
}

/// A number whose type is not asked for, and which is no integer of 64 bits: those are never given as maps.
struct Fraction;

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FractionVisitor)
    }
}

struct FractionVisitor;

impl Visitor<'_> for FractionVisitor {
    type Value = Fraction;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Fraction, E> {
        Ok(Fraction)
    }
}

/// The integers, other than the shortest, that a valid document spells: digits outside of strings without a fraction or exponent.
fn integers(input: &[u8]) -> impl Iterator<Item = &str> {
    let mut in_string = false;
    let mut escaped = false;
    let tokens = input.split(move |byte| {
        let was_in_string = in_string;
        match byte {
            b'"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = was_in_string && *byte == b'\\' && !escaped;
        was_in_string || !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
    });
    tokens
        .filter(|token| token.len() > 18 && token.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-')))
        .filter_map(|token| std::str::from_utf8(token).ok())
}

/// How many bytes of `input` lie at and behind the place of `error`, whose line and column count from 1.
fn bytes_from(input: &[u8], error: &serde_json::Error) -> usize {
    let whole_lines: usize =
        input.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
    input.len().saturating_sub(whole_lines + error.column().saturating_sub(1)).max(1)
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use bulla_core::codec::{DecodeLimits, guard};
    use bulla_core::value::Value;

    use super::*;

    fn decode<'de, T: serde::Deserialize<'de>>(input: &'de [u8]) -> Result<T, DecodeError> {
        JSON.decode(input, PhantomData::<T>)
    }

    #[test]
    fn appends() {
        let mut out = b"before".to_vec();
        JSON.encode(&("a\n\u{1}", 1.5, [u128::MAX]), &mut out).unwrap();
        assert_eq!(out, br#"before["a\n\u0001",1.5,[340282366920938463463374607431768211455]]"#);
    }

    #[test]
    fn counts_what_trails() {
        assert_eq!(decode::<u8>(b" 1 \n\t"), Ok(1));
        assert_eq!(decode::<u8>(b"1 x"), Err(DecodeError::Trailing(1)));
        assert_eq!(decode::<Vec<u8>>(b"[1,\n2]\n\n 345"), Err(DecodeError::Trailing(3)));
        assert_eq!(decode::<Vec<u8>>(b"[]]"), Err(DecodeError::Trailing(1)));
        assert_eq!(decode::<Vec<u8>>(b"[]\n]\n"), Err(DecodeError::Trailing(2)));
    }

    #[test]
    fn an_integer_of_unknown_type_is_never_rounded() {
        let document =
            |text: &'static str| guard::decode(&JSON, text.as_bytes(), PhantomData::<Value>, DecodeLimits::DEFAULT);
        let refusal = Err(DecodeError::CannotCarry(Capability::ValueWideIntegers));
        assert_eq!(document(r#"{"n": 123456789012345678901234567890}"#), refusal);
        assert_eq!(document("[-9223372036854775809]"), refusal);
        assert_eq!(document("18446744073709551616"), refusal);
        assert_eq!(document("18446744073709551615"), Ok(Value::from(u64::MAX)));
        assert_eq!(document("-9223372036854775808"), Ok(Value::from(i64::MIN)));
        assert_eq!(document("1.2e29"), Ok(Value::from(1.2e29)));
        // Digits in a string, even behind an escaped quote, are no number.
        let text = r#"["\\\"100000000000000000000", 1e20, "100000000000000000000", "\\"]"#;
        assert!(document(text).is_ok(), "{text}");
        assert_eq!(document(r#"["\\", 100000000000000000000, "", 1e20]"#), refusal);
    }

    #[test]
    fn a_wide_integer_of_known_type_is_read() {
        let text = b"123456789012345678901234567890";
        let read = guard::decode(&JSON, text, PhantomData::<u128>, DecodeLimits::DEFAULT);
        assert_eq!(read, Ok(123_456_789_012_345_678_901_234_567_890));
    }

    #[test]
    fn is_strict() {
        for bad in ["", " ", "[1,]", "[1] // x", "{'a':1}", "NaN", "01", "1.", "+1", "\"\t\"", "\u{feff}1", "[1"] {
            assert!(decode::<serde::de::IgnoredAny>(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(decode::<String>(b"\"\xff\"").is_err());
        assert!(decode::<String>(br#""\ud800""#).is_err());
    }
}
