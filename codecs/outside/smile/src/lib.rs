//! [Smile](https://github.com/FasterXML/smile-format-specification) for Bulla, through the crate `serde_smile`: the binary twin of JSON that
//! Jackson and Elasticsearch speak.
//!
//! Naming the crate is enough for a program to find the codec:
//!
//! ```
//! use bulla_codec_smile as _;
//! use bulla_core::codec::CodecRegistry;
//!
//! let registry = CodecRegistry::discovered()?;
//! assert!(registry.find(&"smile".parse()?).is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Refused, because the format has no way to say it: `Some(None)`, and, inside of a document whose reader knows no type, keys that are no
//! strings. An end marker (0xFF) behind the value is refused like anything else there: a message has an end of its own.

use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
use serde::de::{Deserialize, DeserializeSeed, IgnoredAny};
use serde::ser::Serialize;

/// The codec `smile`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Smile;

bulla_core::register_codec!(Smile);

impl Codec for Smile {
    const NAME: CodecName = CodecName::new("smile");
    const MEDIA_TYPE: &'static str = "application/x-jackson-smile";

    fn capabilities(&self) -> Capabilities {
        Capabilities::all().without(Capability::NestedOptions).without(Capability::ValueKeys)
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        serde_smile::to_writer(out, value).map_err(EncodeError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let mut deserializer = serde_smile::Deserializer::from_slice(input);
        let value = seed.deserialize(&mut deserializer).map_err(DecodeError::new)?;
        deserializer.end().map_err(DecodeError::new)?;
        match trailing(input)? {
            0 => Ok(value),
            bytes => Err(DecodeError::Trailing(bytes)),
        }
    }
}

/// How many bytes follow an end marker, that one included: `end` takes it for the end, whatever lies behind.
fn trailing(input: &[u8]) -> Result<usize, DecodeError> {
    // Nothing else is this byte, save in raw binary.
    if !input.contains(&0xff) {
        return Ok(0);
    }
    let mut rest = input;
    IgnoredAny::deserialize(&mut serde_smile::Deserializer::from_reader(&mut rest)).map_err(DecodeError::new)?;
    Ok(rest.len())
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use super::*;

    fn decode<'de, T: Deserialize<'de>>(input: &'de [u8]) -> Result<T, DecodeError> {
        Smile.decode(input, PhantomData::<T>)
    }

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let mut out = b"before".to_vec();
        Smile.encode(&("Ada", -1_i8, true), &mut out).unwrap();
        assert_eq!(out, b"before:)\n\x01\xf8\x42Ada\xc1\x23\xf9");
    }

    #[test]
    fn text_is_borrowed() {
        assert_eq!(decode::<(&str, bool)>(b":)\n\x01\xf8\x42Ada\x23\xf9"), Ok(("Ada", true)));
    }

    #[test]
    fn an_end_marker_is_counted_and_raw_binary_is_none() {
        let one = b":)\n\x01\xc2";
        assert_eq!(decode::<u8>(one), Ok(1));
        assert_eq!(decode::<u8>(&[&one[..], b"\xff"].concat()), Err(DecodeError::Trailing(1)));
        assert_eq!(decode::<u8>(&[&one[..], b"\xff\x00\xff"].concat()), Err(DecodeError::Trailing(3)));
        let raw = b":)\n\x04\xfd\x81\xff";
        assert_eq!(decode::<serde::de::IgnoredAny>(raw).map(drop), Ok(()));
        assert_eq!(
            decode::<serde::de::IgnoredAny>(&[&raw[..], b"\xff"].concat()).map(drop),
            Err(DecodeError::Trailing(1))
        );
    }
}
