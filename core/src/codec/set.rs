//! Codecs known by type, so that what is encoded and decoded often is compiled for them.

use std::any::Any;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed};
use serde::ser::Serialize;

use crate::codec::{Codec, DecodeError, DecodeLimits, EncodeError, ErasedCodec, guard};

/// Codecs that a program names by type: a list in pairs, such as `(Json, (Bincode, ()))`. The empty list is `()`.
///
/// A codec that was found by name is used through a set: if the set names its type, by code that was compiled for that codec and that
/// value, else through its pointer. Both ways give the same results; compiled, a small struct takes half of the time or less. The
/// price is code: each type that goes through a set is compiled for each of its codecs. So put those first, and perhaps alone, that are
/// fast themselves and much in use.
///
/// What counts is the type, not the name: a codec of somebody else's that is called `json` is not taken for one in the set.
///
/// ```
/// use bulla_core::codec::{CodecRegistry, CodecSet};
/// # mod bulla_codec_json {
/// #     use bulla_core::codec::{Capabilities, Codec, CodecName, DecodeError, EncodeError};
/// #     pub struct Json;
/// #     impl Codec for Json {
/// #         const NAME: CodecName = CodecName::new("json");
/// #         const MEDIA_TYPE: &'static str = "application/json";
/// #         fn capabilities(&self) -> Capabilities { Capabilities::all() }
/// #         fn encode<T: serde::Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
/// #             serde_json::to_writer(out, value).map_err(EncodeError::new)
/// #         }
/// #         fn decode<'de, S: serde::de::DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
/// #             seed.deserialize(&mut serde_json::Deserializer::from_slice(input)).map_err(DecodeError::new)
/// #         }
/// #     }
/// # }
/// use bulla_codec_json::Json;
///
/// type Mine = (Json, ());
///
/// # let registry = CodecRegistry::empty().with(Json)?;
/// let codec = registry.require(&"json".parse()?)?; // as a handshake chose it
/// let bytes = Mine::encode_to_vec(&**codec, &("Ada", 36))?;
/// let (name, age): (&str, u8) = Mine::decode_as(&**codec, &bytes, Default::default())?;
/// assert_eq!((name, age), ("Ada", 36));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait CodecSet: 'static {
    /// As [`encode`](guard::encode), with this codec.
    ///
    /// # Errors
    /// If the codec cannot carry the value, or the value nests too deep.
    fn encode<T: Serialize + ?Sized>(
        codec: &dyn ErasedCodec,
        value: &T,
        max_depth: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError>;

    /// As [`decode`](guard::decode), with this codec.
    ///
    /// # Errors
    /// If `input` is not one whole value that `seed` accepts, or exceeds `limits`.
    fn decode<'de, S: DeserializeSeed<'de>>(
        codec: &dyn ErasedCodec,
        input: &'de [u8],
        seed: S,
        limits: DecodeLimits,
    ) -> Result<S::Value, DecodeError>;

    /// The bytes of `value`, which may nest as deep as the default limits allow.
    ///
    /// # Errors
    /// If the codec cannot carry the value, or the value nests too deep.
    fn encode_to_vec<T: Serialize + ?Sized>(codec: &dyn ErasedCodec, value: &T) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(FIRST);
        Self::encode(codec, value, DecodeLimits::DEFAULT.depth, &mut out)?;
        Ok(out)
    }

    /// Reads the one value that `input` is. Text and bytes may be borrowed from it.
    ///
    /// # Errors
    /// If `input` is not one whole value of this type, or exceeds `limits`.
    fn decode_as<'de, T: Deserialize<'de>>(
        codec: &dyn ErasedCodec,
        input: &'de [u8],
        limits: DecodeLimits,
    ) -> Result<T, DecodeError> {
        Self::decode(codec, input, PhantomData::<T>, limits)
    }
}

/// What a fresh buffer holds before it has to grow, in bytes: most messages.
const FIRST: usize = 128;

impl CodecSet for () {
    #[inline]
    fn encode<T: Serialize + ?Sized>(
        codec: &dyn ErasedCodec,
        value: &T,
        max_depth: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        codec.encode(value, max_depth, out)
    }

    #[inline]
    fn decode<'de, S: DeserializeSeed<'de>>(
        codec: &dyn ErasedCodec,
        input: &'de [u8],
        seed: S,
        limits: DecodeLimits,
    ) -> Result<S::Value, DecodeError> {
        codec.decode_seed(input, seed, limits)
    }
}

impl<C: Codec, Rest: CodecSet> CodecSet for (C, Rest) {
    #[inline]
    fn encode<T: Serialize + ?Sized>(
        codec: &dyn ErasedCodec,
        value: &T,
        max_depth: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        match (codec as &dyn Any).downcast_ref::<C>() {
            Some(codec) => guard::encode(codec, value, max_depth, out),
            None => Rest::encode(codec, value, max_depth, out),
        }
    }

    #[inline]
    fn decode<'de, S: DeserializeSeed<'de>>(
        codec: &dyn ErasedCodec,
        input: &'de [u8],
        seed: S,
        limits: DecodeLimits,
    ) -> Result<S::Value, DecodeError> {
        match (codec as &dyn Any).downcast_ref::<C>() {
            Some(codec) => guard::decode(codec, input, seed, limits),
            None => Rest::decode(codec, input, seed, limits),
        }
    }
}
