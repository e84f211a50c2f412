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
    fn is_strict() {
        for bad in ["", " ", "[1,]", "[1] // x", "{'a':1}", "NaN", "01", "1.", "+1", "\"\t\"", "\u{feff}1", "[1"] {
            assert!(decode::<serde::de::IgnoredAny>(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(decode::<String>(b"\"\xff\"").is_err());
        assert!(decode::<String>(br#""\ud800""#).is_err());
    }
}
