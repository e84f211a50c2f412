//! A codec behind a pointer: what registries and connections hold.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error};
use serde::ser::Serialize;

use self::sealed::{ErasedSeed, Run};
use crate::codec::{Capabilities, Codec, CodecName, CodecSet, DecodeError, DecodeLimits, EncodeError, guard};

/// A [`Codec`] whose type is not known. Every codec is one; nothing else can be.
///
/// ```
/// # use bulla_core::codec::{DecodeLimits, ErasedCodec};
/// # fn example(codec: &dyn ErasedCodec) -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = codec.encode_to_vec(&("Ada", 36))?;
/// let (name, age): (&str, u8) = codec.decode_as(&bytes, DecodeLimits::default())?;
/// # Ok(())
/// # }
/// ```
pub trait ErasedCodec: Run {
    /// What the handshake carries.
    fn name(&self) -> CodecName;
    /// The registered media type, such as `application/json`.
    fn media_type(&self) -> &'static str;
    /// What the format can carry.
    fn capabilities(&self) -> Capabilities;
}

impl<C: Codec> ErasedCodec for C {
    fn name(&self) -> CodecName {
        C::NAME
    }

    fn media_type(&self) -> &'static str {
        C::MEDIA_TYPE
    }

    fn capabilities(&self) -> Capabilities {
        Codec::capabilities(self)
    }
}

impl dyn ErasedCodec {
    /// Appends the bytes of `value` to `out`, which is left as it was if that fails.
    ///
    /// `max_depth` is the [depth](DecodeLimits::depth) that a peer would accept.
    ///
    /// # Errors
    /// If the codec cannot carry the value, or the value nests too deep.
    pub fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        max_depth: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.run_encode(&value, max_depth, out)
    }

    /// The bytes of `value`, which may nest as deep as the default limits allow.
    ///
    /// # Errors
    /// If the codec cannot carry the value, or the value nests too deep.
    pub fn encode_to_vec<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>, EncodeError> {
        <()>::encode_to_vec(self, value)
    }

    /// Reads the one value that `input` is. Text and bytes may be borrowed from it.
    ///
    /// # Errors
    /// If `input` is not one whole value of this type, or exceeds `limits`.
    pub fn decode_as<'de, T: Deserialize<'de>>(
        &self,
        input: &'de [u8],
        limits: DecodeLimits,
    ) -> Result<T, DecodeError> {
        self.decode_seed(input, std::marker::PhantomData, limits)
    }

    /// Reads the one value that `input` is, with a seed.
    ///
    /// # Errors
    /// If `input` is not one whole value that `seed` accepts, or exceeds `limits`.
    pub fn decode_seed<'de, S: DeserializeSeed<'de>>(
        &self,
        input: &'de [u8],
        seed: S,
        limits: DecodeLimits,
    ) -> Result<S::Value, DecodeError> {
        let mut slot = Slot { seed: Some(seed), value: None };
        self.run_decode(input, &mut slot, limits)?;
        // A codec makes its result from the seed alone, so one that succeeded has run it.
        Ok(slot.value.expect("a decode that succeeded has run its seed"))
    }
}

impl fmt::Debug for dyn ErasedCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Codec").field(&self.name()).finish()
    }
}

/// A seed and, once it ran, what came of it.
struct Slot<S, T> {
    seed: Option<S>,
    value: Option<T>,
}

impl<'de, S: DeserializeSeed<'de>> ErasedSeed<'de> for Slot<S, S::Value> {
    fn run(&mut self, deserializer: &mut dyn erased_serde::Deserializer<'de>) -> Result<(), erased_serde::Error> {
        let seed = self.seed.take().ok_or_else(|| erased_serde::Error::custom("the seed ran before"))?;
        self.value = Some(seed.deserialize(deserializer)?);
        Ok(())
    }
}

/// The erased seed as a codec sees it.
struct RunSeed<'s, 'de>(&'s mut dyn ErasedSeed<'de>);

impl<'de> DeserializeSeed<'de> for RunSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let mut erased = <dyn erased_serde::Deserializer<'de>>::erase(deserializer);
        self.0.run(&mut erased).map_err(D::Error::custom)
    }
}

/// The object-safe half, which keeps erased-serde out of the public interface.
mod sealed {
    use std::any::Any;

    use super::{Codec, DecodeError, DecodeLimits, EncodeError, RunSeed, guard};

    /// A seed whose type is not known.
    pub trait ErasedSeed<'de> {
        fn run(&mut self, deserializer: &mut dyn erased_serde::Deserializer<'de>) -> Result<(), erased_serde::Error>;
    }

    pub trait Run: Any + Send + Sync {
        fn run_encode(
            &self,
            value: &dyn erased_serde::Serialize,
            max_depth: u32,
            out: &mut Vec<u8>,
        ) -> Result<(), EncodeError>;

        fn run_decode<'de>(
            &self,
            input: &'de [u8],
            seed: &mut dyn ErasedSeed<'de>,
            limits: DecodeLimits,
        ) -> Result<(), DecodeError>;
    }

    impl<C: Codec> Run for C {
        fn run_encode(
            &self,
            value: &dyn erased_serde::Serialize,
            max_depth: u32,
            out: &mut Vec<u8>,
        ) -> Result<(), EncodeError> {
            guard::encode(self, value, max_depth, out)
        }

        fn run_decode<'de>(
            &self,
            input: &'de [u8],
            seed: &mut dyn ErasedSeed<'de>,
            limits: DecodeLimits,
        ) -> Result<(), DecodeError> {
            guard::decode_erased(self, input, RunSeed(seed), limits)
        }
    }
}
