//! CBOR (RFC 8949) for Bulla: written by `ciborium`, read head by head by `bulla-codec-reader`.
//!
//! | value | CBOR |
//! |---|---|
//! | struct | map with the names of the fields |
//! | map | map; keys of any kind |
//! | sequence, tuple | array |
//! | unit variant | `"Name"` |
//! | other variants | `{"Name": …}` |
//! | `None`, unit | null |
//! | integers | the shortest form; beyond 64 bits a bignum (tags 2 and 3) |
//! | `f32`, `f64` | the shortest float that is the same number |
//! | text, `char` | text string |
//! | bytes | byte string |
//!
//! Read as well: any length of head, arrays, maps and strings of indefinite length, undefined (as null), the tag for CBOR itself (55799),
//! a struct from an array of its fields in order, bytes from an array of numbers, a sequence of numbers from a byte string.
//!
//! | capability | |
//! |---|---|
//! | an empty value inside `Some` | no: both are null |
//! | everything else | yes |
//!
//! Refused on reading: all other tags, such as those of dates (no value of ours would keep them) and shared references, other simple values,
//! integers beyond 128 bits, what is left over in an array or map, and bytes behind the value.
//!
//! # Limits
//! A length is believed as far as there are bytes; arrays and maps nest at most 128 levels.
//!
//! # Why `ciborium` does not read
//! Its deserializer can be reached by a type but not by a seed. It also skips tags, borrows no text, and leaves what is left over of a
//! tuple for the value behind it.

mod input;

use bulla_codec_reader::read;
use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
use serde::{Serialize, de::DeserializeSeed};

/// The codec `cbor`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cbor;

/// The codec `cbor`, as a value.
pub const CBOR: Cbor = Cbor;

bulla_core::register_codec!(CBOR);

const CAPABILITIES: Capabilities = Capabilities::all().without(Capability::NestedOptions);

impl Codec for Cbor {
    const NAME: CodecName = CodecName::new("cbor");
    const MEDIA_TYPE: &'static str = "application/cbor";

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        ciborium::into_writer(value, out).map_err(EncodeError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        read(input::Cbor::new(input), seed)
    }
}
