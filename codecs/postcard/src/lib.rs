//! postcard for Bulla, through the crate `postcard`: the wire format 1.0, which is fixed.
//!
//! | value | bytes |
//! |---|---|
//! | `u8`, `i8`, `bool` | one byte |
//! | wider integers, 128 bits too | varint, seven bits a byte; signed ones zigzag |
//! | `f32`, `f64` | little endian |
//! | text, bytes | length as a varint, then the bytes |
//! | `None`, `Some` | `0`, or `1` and the value |
//! | sequence, map | count as a varint, then the elements or entries |
//! | struct, tuple, unit | the fields in order, and nothing else |
//! | variant | its index as a varint, then its content |
//!
//! The bytes name neither types nor fields: both sides need the same definition. [`Value`](bulla_core::value::Value) travels
//! nonetheless, since the adaptor writes a tag before each of its nodes. For small devices: this is the format of `no_std` Rust, and the
//! bytes are about as few as they can be.
//!
//! | capability | |
//! |---|---|
//! | self-describing | no |
//! | everything else | yes |
//!
//! Refused: what needs the reader to look first (`#[serde(flatten)]`, `untagged`, internally tagged enums), fields left out, and
//! sequences or maps of unknown length.
//!
//! # Limits
//! A length of text is believed as far as there are bytes. Elements of no size need none: the adaptor refuses counts beyond its budget.

use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
use postcard::{de_flavors, ser_flavors};
use serde::{Serialize, de::DeserializeSeed};

/// The codec `postcard`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Postcard;

/// The codec `postcard`, as a value.
pub const POSTCARD: Postcard = Postcard;

bulla_core::register_codec!(POSTCARD);

const CAPABILITIES: Capabilities = Capabilities::all().without(Capability::SelfDescribing);

impl Codec for Postcard {
    const NAME: CodecName = CodecName::new("postcard");
    const MEDIA_TYPE: &'static str = "application/x-postcard";

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        postcard::serialize_with_flavor(value, Appender(out)).map_err(EncodeError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let mut deserializer = postcard::Deserializer::from_flavor(Rest(input));
        let value = seed.deserialize(&mut deserializer).map_err(DecodeError::new)?;
        match deserializer.finalize().map_err(DecodeError::new)? {
            0 => Ok(value),
            trailing => Err(DecodeError::Trailing(trailing)),
        }
    }
}

/// What is left of the input.
///
/// The one of the crate knows how many bytes those are, and then does not tell the count of a list that is longer: but that is what the
/// adaptor refuses at once.
struct Rest<'de>(&'de [u8]);

impl<'de> de_flavors::Flavor<'de> for Rest<'de> {
    type Remainder = usize;
    type Source = &'de [u8];

    #[inline]
    fn pop(&mut self) -> postcard::Result<u8> {
        let (first, rest) = self.0.split_first().ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        self.0 = rest;
        Ok(*first)
    }

    #[inline]
    fn try_take_n(&mut self, count: usize) -> postcard::Result<&'de [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        self.0 = rest;
        Ok(taken)
    }

    fn finalize(self) -> postcard::Result<usize> {
        Ok(self.0.len())
    }
}

struct Appender<'a>(&'a mut Vec<u8>);

impl ser_flavors::Flavor for Appender<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use bulla_core::codec::{DecodeLimits, guard};

    use super::*;

    fn decode<'de, T: serde::Deserialize<'de>>(input: &'de [u8]) -> Result<T, DecodeError> {
        POSTCARD.decode(input, PhantomData::<T>)
    }

    #[test]
    fn the_bytes_are_fixed_for_ever() {
        let mut out = b"before".to_vec();
        POSTCARD.encode(&(1_u8, 300_u16, -1_i32, u64::MAX, "ab", Some(1.5_f32), 'ö', [true]), &mut out).unwrap();
        let golden =
            b"before\x01\xac\x02\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02ab\x01\0\0\xc0\x3f\x02\xc3\xb6\x01";
        assert_eq!(out, golden);
    }

    #[test]
    fn counts_what_trails() {
        assert_eq!(decode::<(u8, &str)>(b"\x01\x02ab"), Ok((1, "ab")));
        assert_eq!(decode::<(u8, &str)>(b"\x01\x02ab__"), Err(DecodeError::Trailing(2)));
        assert_eq!(decode::<()>(b"\0"), Err(DecodeError::Trailing(1)));
    }

    /// Nine bytes that ask for a million steps.
    #[test]
    fn a_count_beyond_the_budget_is_refused_before_the_first_element() {
        #[derive(Debug, PartialEq)]
        struct Untouched;
        impl<'de> serde::Deserialize<'de> for Untouched {
            fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                panic!("an element was read")
            }
        }
        let claim = b"\x80\x80\x80\x80\x40";
        let read = guard::decode(&POSTCARD, claim, PhantomData::<Vec<Untouched>>, DecodeLimits::DEFAULT);
        assert_eq!(read, Err(DecodeError::TooManyElements(1_000_000)));
    }

    #[test]
    fn a_cut_value_is_an_error() {
        let mut bytes = Vec::new();
        POSTCARD.encode(&(300_u16, "text", 1.5_f64, vec![1_u32, 2]), &mut bytes).unwrap();
        assert!(decode::<(u16, &str, f64, Vec<u32>)>(&bytes).is_ok());
        for end in 0..bytes.len() {
            assert!(decode::<(u16, &str, f64, Vec<u32>)>(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}
