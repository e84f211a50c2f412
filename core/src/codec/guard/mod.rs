//! The adaptor: every value passes it on its way into a codec and on its way out, whichever way the codec was reached.
//!
//! It refuses what the codec declares it cannot carry, bounds what a decode costs, and gives a [`Value`](crate::value::Value) its
//! form in the format: natural where the bytes describe themselves, else a pair of tag and content for each node.
//!
//! An author of a codec does not meet it. Code that knows a codec by type calls [`encode`] and [`decode`] here, compiled for that codec
//! and that value; code that holds a `dyn ErasedCodec` calls its methods, which end here too. Both ways give the same results.
//!
//! # Failures stay failures
//! A codec turns our error into one of its own, and a type may try one thing and, when that fails, another (`#[serde(untagged)]` does).
//! So the adaptor keeps its own first failure. If there is one, that is the result: by its own name, not in the codec's words,
//! and also if codec or type went on and came to a value: an exhausted budget or an undeclared capability is never swallowed.
//!
//! # What is not counted
//! What a format skips by itself (`deserialize_ignored_any`, for a field that the type does not have) builds nothing and is the
//! codec's to bound. If it skips by visiting, it is counted like the rest.

mod access;
mod budget;
mod compound;
mod deserializer;
mod errors;
mod node;
mod refusals;
mod serializer;
mod visitor;

use serde::Serialize;
use serde::de::DeserializeSeed;

use self::budget::Budget;
use self::deserializer::GuardSeed;
use self::errors::{Crossing, Direct, Relay};
use self::refusals::{Place, Refusals};
use self::serializer::Guarded;
use crate::codec::{Codec, DecodeError, DecodeLimits, EncodeError};

/// Appends the bytes of `value` to `out`, which is left as it was if that fails.
///
/// `max_depth` is the [depth](DecodeLimits::depth) that a peer would accept, so that the sender hears of it first.
///
/// # Errors
/// If the codec cannot carry the value, or the value nests too deep.
#[inline]
pub fn encode<C: Codec, T: Serialize + ?Sized>(
    codec: &C,
    value: &T,
    max_depth: u32,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let refusals = Refusals::new(codec.capabilities(), max_depth);
    let result = codec.encode(&Guarded::at(value, &Place::root(&refusals)), out);
    let result = refusals.into_first().map_or(result, Err);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Reads the one value that `input` is.
///
/// # Errors
/// If `input` is not one whole value that `seed` accepts, or it exceeds `limits`.
#[inline]
pub fn decode<'de, C: Codec, S: DeserializeSeed<'de>>(
    codec: &C,
    input: &'de [u8],
    seed: S,
    limits: DecodeLimits,
) -> Result<S::Value, DecodeError> {
    decode_across(Direct, codec, input, seed, limits)
}

/// The same for a seed behind a pointer.
pub(super) fn decode_erased<'de, C: Codec, S: DeserializeSeed<'de>>(
    codec: &C,
    input: &'de [u8],
    seed: S,
    limits: DecodeLimits,
) -> Result<S::Value, DecodeError> {
    decode_across(Relay::default(), codec, input, seed, limits)
}

#[inline]
fn decode_across<'de, X: Crossing, C: Codec, S: DeserializeSeed<'de>>(
    crossing: X,
    codec: &C,
    input: &'de [u8],
    seed: S,
    limits: DecodeLimits,
) -> Result<S::Value, DecodeError> {
    let rounded = || codec.rounded_integers(input);
    let budget = Budget::new(crossing, codec.capabilities(), limits, &rounded);
    let result = codec.decode(input, GuardSeed::root(seed, &budget));
    budget.conclude(result)
}
