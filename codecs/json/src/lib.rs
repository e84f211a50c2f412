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
//! Reading is strict (RFC 8259): no comments, no trailing commas, nothing behind the value, at most 128 levels.

use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
use serde::{Serialize, de::DeserializeSeed};

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
        let mut deserializer = serde_json::Deserializer::from_slice(input);
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
