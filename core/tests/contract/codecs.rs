//! The codecs under test, written as a third party would.

use bincode::enc::write::Writer;
use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
use bulla_core::register_codec;
use serde::Serialize;
use serde::de::DeserializeSeed;

/// Describes itself.
pub(crate) struct Json;

impl Codec for Json {
    const NAME: CodecName = CodecName::new("json");
    const MEDIA_TYPE: &'static str = "application/json";

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
            .without(Capability::NonFiniteFloats)
            .without(Capability::NestedOptions)
            .without(Capability::ValueBytes)
            .without(Capability::ValueWideIntegers)
            .without(Capability::ValueKeys)
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        serde_json::to_writer(out, value).map_err(EncodeError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let mut deserializer = serde_json::Deserializer::from_slice(input);
        let value = seed.deserialize(&mut deserializer).map_err(DecodeError::new)?;
        deserializer.end().map_err(DecodeError::new)?;
        Ok(value)
    }
}

/// Does not describe itself. No limit of its own is set: what holds here holds for a careless codec.
pub(crate) struct Bincode;

impl Codec for Bincode {
    const NAME: CodecName = CodecName::new("bincode");
    const MEDIA_TYPE: &'static str = "application/x-bincode";

    fn capabilities(&self) -> Capabilities {
        Capabilities::all().without(Capability::SelfDescribing)
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        bincode::serde::encode_into_writer(value, Append(out), bincode::config::standard()).map_err(EncodeError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let (value, read) = bincode::serde::seed_decode_from_slice(seed, input, bincode::config::standard())
            .map_err(DecodeError::new)?;
        if read < input.len() {
            return Err(DecodeError::Trailing(input.len() - read));
        }
        Ok(value)
    }
}

struct Append<'a>(&'a mut Vec<u8>);

impl Writer for Append<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// JSON under another name, with other capabilities.
pub(crate) struct Declares(pub(crate) Capabilities);

impl Codec for Declares {
    const NAME: CodecName = CodecName::new("declares");
    const MEDIA_TYPE: &'static str = "application/json";

    fn capabilities(&self) -> Capabilities {
        self.0
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Json.encode(value, out)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        Json.decode(input, seed)
    }
}

// One constant expression, one static: both may be registered.
static BINCODE: Bincode = Bincode;
register_codec!(Json);
register_codec!(BINCODE);
