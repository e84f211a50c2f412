//! Python's pickle for Bulla, as far as it holds data: written by `serde-pickle` (protocol 3), read by a scan of our own (protocols 0 to 5).
//!
//! A pickle is a program for a stack machine, and most of the machine's instructions exist to call Python. Here those instructions do
//! not exist: the scan knows the ones that hold data, refuses all others by name, and makes a tree whose size it bounds. So a pickle can
//! be read from anyone. Python cannot say that of ours: whoever calls `pickle.loads` trusts the peer with everything. This is why the
//! codec is accepted only where a config names it (`opt_in`). Give a Python peer JSON or CBOR if you can.
//!
//! | value | Python, written | Python, read |
//! |---|---|---|
//! | struct | `dict` with the names of the fields | `dict` |
//! | map | `dict`; keys of any kind | `dict` |
//! | sequence | `list` | `list`, `tuple`, `set`, `frozenset` |
//! | tuple, tuple struct | `tuple` | the same |
//! | unit variant | `'Name'` | `str` |
//! | other variants | `{'Name': …}` | `dict` |
//! | `None`, unit | `None` | `None` |
//! | integers | `int` | `int` up to 128 bits |
//! | `f32`, `f64` | `float` | `float` |
//! | text, `char` | `str` | `str` |
//! | bytes | `bytes` | `bytes` (from protocol 3), `bytearray` (5), `list` of `int` |
//!
//! Python itself refuses to load a `dict` whose keys are lists or dicts, and takes `1`, `1.0` and `True` for one key.
//!
//! | capability | |
//! |---|---|
//! | 128-bit integers, also in a [`Value`](bulla_core::value::Value) | no: `serde-pickle` does not write them |
//! | an empty value inside `Some` | no: both are `None` |
//! | everything else | yes |
//! | `opt_in` | yes |
//!
//! Refused on reading: everything that imports, calls, builds or looks up an object; with that also `bytes` before protocol 3 and sets
//! before protocol 4, which Python writes as calls. Byte strings of Python 2, strings with lone surrogates, integers beyond 128 bits,
//! values that contain themselves, and bytes behind the end.
//!
//! # Limits
//! Collections nest at most 128 levels. A value that is shared counts as often as it appears: at most 1,000,000 values and 16 MiB of text
//! in all. A length is believed as far as there are bytes.
//!
//! # Why `serde-pickle` does not read
//! It nests and copies as deep and as often as a pickle says, which ends in an abort, and it has no integers above 2^63 - 1.

mod input;
mod opcode;
mod read;
mod scan;
mod tree;

use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
use serde::{Serialize, de::DeserializeSeed};
use serde_pickle::SerOptions;

/// The codec `pickle`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pickle;

/// The codec `pickle`, as a value.
pub const PICKLE: Pickle = Pickle;

bulla_core::register_codec!(PICKLE);

const CAPABILITIES: Capabilities = Capabilities::all()
    .without(Capability::WideIntegers)
    .without(Capability::NestedOptions)
    .without(Capability::ValueWideIntegers)
    .opt_in();

impl Codec for Pickle {
    const NAME: CodecName = CodecName::new("pickle");
    const MEDIA_TYPE: &'static str = "application/x-python-pickle";

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        serde_pickle::to_writer(out, &value, SerOptions::new()).map_err(EncodeError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let document = scan::scan(input)?;
        seed.deserialize(document.reader())
    }
}
