//! The codec contract: what the author of a format writes, and what registries and connections hold.

mod capabilities;
mod error;
mod name;

use serde::{Serialize, de::DeserializeSeed};

pub use self::capabilities::{Capabilities, Capability};
pub use self::error::{DecodeError, EncodeError, MAX_DETAIL};
pub use self::name::{CodecName, InvalidCodecName, MAX_CODEC_NAME};

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
}
