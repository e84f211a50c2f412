//! The two ways to reach a codec: compiled for its type, as a member of a set, and erased.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::mem::discriminant;

use bulla_core::codec::{
    Capabilities, Codec, CodecName, CodecSet, DecodeError, DecodeLimits, EncodeError, ErasedCodec,
};
use serde::de::DeserializeSeed;
use serde::{Deserialize, Serialize};

/// What lies in the output before a value is encoded, and must lie there after.
const BEFORE: &[u8] = b"before\0\xff";

/// A set in which the codec on trial is not the first.
type Set<C> = (Decoy, (C, ()));

/// Encodes both ways: the same bytes or the same error, and no trace in the output but the bytes.
pub(crate) fn encode<C: Codec, T: Serialize + ?Sized>(
    codec: &C,
    value: &T,
) -> Result<Result<Vec<u8>, EncodeError>, String> {
    let depth = DecodeLimits::DEFAULT.depth;
    let compiled = into_clean_output(|out| Set::<C>::encode(codec, value, depth, out))?;
    let erased = into_clean_output(|out| (codec as &dyn ErasedCodec).encode(value, depth, out))?;
    match (&compiled, &erased) {
        (Ok(compiled), Ok(erased)) if compiled == erased => {}
        (Err(compiled), Err(erased)) if discriminant(compiled) == discriminant(erased) => {}
        _ => return Err(differ("encoding", &compiled, &erased)),
    }
    Ok(compiled)
}

fn into_clean_output(
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<Result<Vec<u8>, EncodeError>, String> {
    let mut out = BEFORE.to_vec();
    let result = encode(&mut out);
    let Some(bytes) = out.strip_prefix(BEFORE) else {
        return Err("encoding changed what was in the output before".into());
    };
    match result {
        Ok(()) => Ok(Ok(bytes.to_vec())),
        Err(_) if !bytes.is_empty() => Err("a failed encoding left bytes in the output".into()),
        Err(error) => Ok(Err(error)),
    }
}

/// Decodes both ways: the same value, as `same` sees it, or the same kind of failure.
pub(crate) fn decode<'de, C: Codec, T: Deserialize<'de> + Debug>(
    codec: &C,
    bytes: &'de [u8],
    same: impl Fn(&T, &T) -> bool,
) -> Result<Result<T, DecodeError>, String> {
    let limits = DecodeLimits::DEFAULT;
    let compiled: Result<T, _> = Set::<C>::decode(codec, bytes, PhantomData::<T>, limits);
    let erased: Result<T, _> = (codec as &dyn ErasedCodec).decode_as(bytes, limits);
    match (&compiled, &erased) {
        (Ok(compiled), Ok(erased)) if same(compiled, erased) => {}
        // The words may differ: erasure joins what a codec says of the place to what a type says of the value.
        (Err(compiled), Err(erased)) if discriminant(compiled) == discriminant(erased) => {}
        _ => return Err(differ("decoding", &compiled, &erased)),
    }
    Ok(compiled)
}

/// A codec that nothing should come to.
struct Decoy;

impl Codec for Decoy {
    const NAME: CodecName = CodecName::new("decoy");
    const MEDIA_TYPE: &'static str = "application/x-decoy";

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    fn encode<T: Serialize + ?Sized>(&self, _: &T, _: &mut Vec<u8>) -> Result<(), EncodeError> {
        Err(EncodeError::new("a set gave a value to another codec"))
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, _: &'de [u8], _: S) -> Result<S::Value, DecodeError> {
        Err(DecodeError::new("a set gave bytes to another codec"))
    }
}

fn differ(what: &str, compiled: &impl Debug, erased: &impl Debug) -> String {
    format!("{what}: the compiled way gave {}, the erased way {}", shown(compiled), shown(erased))
}

/// A value for a person to read: the whole if it is short.
pub(crate) fn shown(value: &impl Debug) -> String {
    const LONGEST: usize = 400;
    let text = format!("{value:?}");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
