//! bincode 2 for Bulla, through the crate `bincode`.
//!
//! The configuration is `bincode::config::standard()`, and stays it for ever: little endian, integers of variable length (u16 and
//! wider; signed ones zigzag), `u32` variant indices, no limit of its own. The bytes name neither types nor fields: both sides need the
//! same definition. `Value` travels nonetheless, since the adaptor writes a tag before each of its nodes.
//!
//! Refused: what needs the reader to look first (`#[serde(flatten)]`, `untagged`, internally tagged enums) and sequences or maps of
//! unknown length.
//!
//! bincode allocates an owned string or buffer as long as the input claims it is, before it looks. The adaptor asks for borrowed ones
//! only, whose length is checked first; so do not call this codec without it.

use bincode::enc::write::Writer;
use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
use serde::{Serialize, de::DeserializeSeed};

/// The codec `bincode`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bincode;

/// The codec `bincode`, as a value.
pub const BINCODE: Bincode = Bincode;

bulla_core::register_codec!(BINCODE);

const CAPABILITIES: Capabilities = Capabilities::all().without(Capability::SelfDescribing);

impl Codec for Bincode {
    const NAME: CodecName = CodecName::new("bincode");
    const MEDIA_TYPE: &'static str = "application/x-bincode";

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        bincode::serde::encode_into_writer(value, Appender(out), bincode::config::standard()).map_err(EncodeError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let (value, read) = bincode::serde::seed_decode_from_slice(seed, input, bincode::config::standard())
            .map_err(DecodeError::new)?;
        match input.len() - read {
            0 => Ok(value),
            trailing => Err(DecodeError::Trailing(trailing)),
        }
    }
}

struct Appender<'a>(&'a mut Vec<u8>);

impl Writer for Appender<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use bulla_core::codec::{DecodeLimits, guard};

    use super::*;

    fn decode<'de, T: serde::Deserialize<'de>>(input: &'de [u8]) -> Result<T, DecodeError> {
        guard::decode(&BINCODE, input, PhantomData::<T>, DecodeLimits::DEFAULT)
    }

    #[test]
    fn the_bytes_are_fixed_for_ever() {
        let mut out = b"before".to_vec();
        BINCODE.encode(&(1_u8, 300_u16, -1_i32, u64::MAX, "ab", Some(1.5_f32), 'ö', [true]), &mut out).unwrap();
        let golden =
            b"before\x01\xfb\x2c\x01\x01\xfd\xff\xff\xff\xff\xff\xff\xff\xff\x02ab\x01\0\0\xc0\x3f\xc3\xb6\x01";
        assert_eq!(out, golden);
    }

    #[test]
    fn counts_what_trails() {
        assert_eq!(decode::<(u8, &str)>(b"\x01\x02ab"), Ok((1, "ab")));
        assert_eq!(decode::<(u8, &str)>(b"\x01\x02ab__"), Err(DecodeError::Trailing(2)));
        assert_eq!(decode::<()>(b"\0"), Err(DecodeError::Trailing(1)));
    }

    #[test]
    fn a_claimed_length_allocates_nothing() {
        // 2^62 bytes or elements, claimed by nine bytes: allocating that would abort the process.
        let claim = b"\xfd\0\0\0\0\0\0\0\x40";
        assert!(decode::<String>(claim).is_err());
        assert!(decode::<&str>(claim).is_err());
        assert!(decode::<Box<[u8]>>(claim).is_err());
        assert!(decode::<Vec<String>>(claim).is_err());
        assert!(decode::<std::collections::HashMap<String, String>>(claim).is_err());
        assert!(decode::<std::ffi::CString>(claim).is_err());
        let nested = [&b"\x01\x01"[..], claim].concat();
        assert!(decode::<Option<Vec<String>>>(&nested).is_err());
        assert!(decode::<std::collections::BTreeMap<u8, std::ffi::CString>>(&nested).is_err());
    }
}
