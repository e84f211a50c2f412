//! MessagePack for Bulla: written by `rmp-serde`, read head by head by `bulla-codec-reader`.
//!
//! | value | MessagePack |
//! |---|---|
//! | struct | map with the names of the fields, so that any peer can read it |
//! | map | map; keys of any kind |
//! | sequence, tuple | array |
//! | unit variant | `"Name"` |
//! | other variants | `{"Name": …}` |
//! | `None`, `()` | nil |
//! | unit struct | empty array |
//! | integers | the shortest of the integer types |
//! | `f32`, `f64` | float 32, float 64 |
//! | text, `char` | str |
//! | bytes | bin |
//!
//! Read as well: a struct from an array of its fields in order, a unit struct from nil, bytes from an array of numbers, a sequence of
//! numbers from bin.
//!
//! | capability | |
//! |---|---|
//! | 128-bit integers, also in a [`Value`](bulla_core::value::Value) | no: MessagePack ends at 64 bits |
//! | an empty value inside `Some` | no: both are nil |
//! | everything else | yes |
//!
//! Refused on reading: extension types, timestamps among them (no value of ours would keep the type), text that is not UTF-8,
//! what is left over in an array or map, and bytes behind the value.
//!
//! # Limits
//! A length is believed as far as there are bytes; arrays and maps nest at most 128 levels.
//!
//! # Why `rmp-serde` does not read
//! It gives a negative number as a huge one where a `u128` is asked for, 16 bytes as an integer of either sign, an extension as a list,
//! and takes a number for the name of a unit variant. It leaves what is left over of a tuple for the value behind it, and does not say
//! where in the input it ended.

mod input;

use bulla_codec_reader::read;
use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
use rmp_serde::Serializer;
use serde::{Serialize, de::DeserializeSeed};

/// The codec `msgpack`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Msgpack;

/// The codec `msgpack`, as a value.
pub const MSGPACK: Msgpack = Msgpack;

bulla_core::register_codec!(MSGPACK);

const CAPABILITIES: Capabilities = Capabilities::all()
    .without(Capability::WideIntegers)
    .without(Capability::NestedOptions)
    .without(Capability::ValueWideIntegers);

impl Codec for Msgpack {
    const NAME: CodecName = CodecName::new("msgpack");
    const MEDIA_TYPE: &'static str = "application/vnd.msgpack";

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        value.serialize(&mut Serializer::new(out).with_struct_map()).map_err(EncodeError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        read(input::Msgpack::new(input), seed)
    }
}
