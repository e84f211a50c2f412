//! The codec contract: what the author of a format writes, and what registries and connections hold.
//!
//! # Writing a codec
//! A codec is a type that implements [`Codec`] in plain serde, and one line that makes it known:
//!
//! ```
//! use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
//! use serde::{Serialize, de::DeserializeSeed};
//!
//! pub struct Json;
//!
//! impl Codec for Json {
//!     const NAME: CodecName = CodecName::new("json");
//!     const MEDIA_TYPE: &'static str = "application/json";
//!
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities::all()
//!             .without(Capability::NonFiniteFloats)
//!             .without(Capability::NestedOptions)
//!             .without(Capability::ValueBytes)
//!             .without(Capability::ValueWideIntegers)
//!             .without(Capability::ValueKeys)
//!     }
//!
//!     fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
//!         serde_json::to_writer(out, value).map_err(EncodeError::new)
//!     }
//!
//!     fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
//!         let mut deserializer = serde_json::Deserializer::from_slice(input);
//!         let value = seed.deserialize(&mut deserializer).map_err(DecodeError::new)?;
//!         deserializer.end().map_err(DecodeError::new)?;
//!         Ok(value)
//!     }
//! }
//!
//! bulla_core::register_codec!(Json);
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Any program that links the crate finds it by name.
//! use bulla_core::codec::{CodecRegistry, DecodeLimits};
//! let registry = CodecRegistry::discovered()?;
//! let codec = registry.require(&"json".parse()?)?;
//! let bytes = codec.encode_to_vec(&("Ada", 36))?;
//! assert_eq!(bytes, br#"["Ada",36]"#);
//! let (name, age): (&str, u8) = codec.decode_as(&bytes, DecodeLimits::default())?;
//! assert_eq!((name, age), ("Ada", 36));
//! # Ok(())
//! # }
//! ```
//!
//! What the format cannot carry is declared, not checked: the adaptor in [`guard`] stands between every value and every codec. What
//! remains for the author: bytes that trail the value are an error, a length in the bytes is believed only as far as there are bytes
//! (formats with a limit for that have it set), and a `size_hint` is the exact count or none.

mod capabilities;
mod erased;
mod error;
pub mod guard;
mod limits;
mod listing;
mod name;
mod registry;
mod set;

use serde::{Serialize, de::DeserializeSeed};

pub use self::capabilities::{Capabilities, Capability};
pub use self::erased::ErasedCodec;
pub use self::error::{DecodeError, EncodeError, MAX_DETAIL};
pub use self::limits::DecodeLimits;
pub use self::name::{CodecName, InvalidCodecName, MAX_CODEC_NAME};
#[doc(hidden)]
pub use self::registry::Registration;
pub use self::registry::{CodecRegistry, Names, Origin, RegisteredCodec, RegistryError, SharedCodec};
pub use self::set::CodecSet;

/// One format: the trait that the author of a codec crate implements, in plain serde.
///
/// Callers go through `dyn ErasedCodec` or the compiled way, which wrap value and seed in the adaptor; a codec itself need not
/// check what its capabilities rule out, nor bound depth or element counts.
pub trait Codec: Send + Sync + 'static {
    /// What the handshake carries.
    const NAME: CodecName;
    /// The registered media type, such as `application/json`.
    const MEDIA_TYPE: &'static str;

    /// What the format can carry.
    fn capabilities(&self) -> Capabilities;

    /// Appends the bytes of `value` to `out`.
    ///
    /// # Errors
    /// When the format cannot represent the value. What was appended before the error is removed by the caller.
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Reads the one value that `input` is: runs `seed` on a deserializer over it, then checks that nothing trails.
    ///
    /// # Errors
    /// When `input` is not one whole value of this format, or the seed refuses it.
    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError>;

    /// The floats to which `deserialize_any` would round integers that `input` spells, beyond 2^63 or below -2^63.
    ///
    /// A parser without wide integers may silently give a float where it knows no type. The adaptor asks once in a decode, and only
    /// if such a float has come; one that is listed here is refused. A parser that gives the integer or an error needs nothing.
    fn rounded_integers(&self, _input: &[u8]) -> Vec<f64> {
        Vec::new()
    }
}
