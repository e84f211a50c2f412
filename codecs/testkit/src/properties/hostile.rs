//! Bytes that are not one whole value.

use std::marker::PhantomData;

use bulla_core::codec::{Codec, DecodeError, DecodeLimits, EncodeError, guard};
use bulla_core::value::Value;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::properties::documents::example;
use crate::properties::random::{for_random, plain_document};
use crate::trial::refusal;
use crate::zoo::Record;
use crate::{Outcome, Verdict, way};

/// A whole record and more behind it: refused, whatever it is.
///
/// # Errors
/// What happened instead.
pub fn trailing_bytes<C: Codec>(codec: &C) -> Verdict {
    let bytes = encoded_record(codec)?;
    let singles = [0x00, 0x01, b'0', b'x', b'}', b']', b'>', b'"', 0x80, 0xff].map(|byte| vec![byte]);
    for tail in singles.into_iter().chain([bytes.clone(), b"<a/>".to_vec(), vec![0; 100]]) {
        let input = [bytes.as_slice(), &tail].concat();
        if let Ok(record) = way::decode::<C, Record>(codec, &input, PartialEq::eq)? {
            return Err(format!("{} behind a record were swallowed: {}", way::shown(&tail), way::shown(&record)));
        }
    }
    Ok(Outcome::Exact)
}

/// A record that is cut short, at every byte: refused, unless only blanks are gone and it is still the same.
///
/// # Errors
/// What happened instead.
pub fn truncation<C: Codec>(codec: &C) -> Verdict {
    let bytes = encoded_record(codec)?;
    for end in 0..bytes.len() {
        match way::decode::<C, Record>(codec, &bytes[..end], PartialEq::eq)? {
            Ok(record) if record == Record::example() => {}
            Ok(record) => return Err(format!("cut at byte {end}, it was read as {}", way::shown(&record))),
            Err(error) => drop(refusal("a cut record", &error)?),
        }
    }
    let bytes = way::encode(codec, &example())?.map_err(|error| format!("a document: {error}"))?;
    for end in 0..bytes.len() {
        // A format whose numbers or words just end cannot tell; but it must come to an end itself.
        drop(way::decode::<C, Value>(codec, &bytes[..end], PartialEq::eq)?);
    }
    Ok(Outcome::Exact)
}

/// No bytes at all: no record and no document.
///
/// # Errors
/// What happened instead.
pub fn empty_input<C: Codec>(codec: &C) -> Verdict {
    if way::decode::<C, Record>(codec, b"", PartialEq::eq)?.is_ok() {
        return Err("a record was read from nothing".into());
    }
    match way::decode::<C, Value>(codec, b"", PartialEq::eq)? {
        Ok(value) => Err(format!("{value:?} was read from nothing")),
        Err(error) => refusal("no bytes", &error).map(|_| Outcome::Exact),
    }
}

/// Random bytes, and encodings with random changes: read or refused, both ways alike, and never a panic.
///
/// # Errors
/// What happened instead.
pub fn noise<C: Codec>(codec: &C) -> Verdict {
    let survive = |bytes: &[u8]| {
        let reasons = [
            way::decode::<C, Record>(codec, bytes, PartialEq::eq)?.err(),
            way::decode::<C, Value>(codec, bytes, PartialEq::eq)?.err(),
        ];
        reasons.iter().flatten().try_for_each(|error| refusal("noise", error).map(drop))
    };
    for_random(256, proptest::collection::vec(any::<u8>(), 0..64), |bytes| survive(&bytes).map(|()| None))?;
    let record = encoded_record(codec)?;
    let change = (any::<Index>(), 0..4_u8, any::<u8>());
    let changes = proptest::collection::vec(change, 1..4);
    for_random(256, (plain_document(), any::<bool>(), changes), |(value, is_record, changes)| {
        let bytes = if is_record { Ok(record.clone()) } else { way::encode(codec, &value)? };
        let Ok(mut bytes) = bytes else { return Ok(None) };
        changes.into_iter().for_each(|change| apply(change, &mut bytes));
        survive(&bytes).map(|()| None)
    })?;
    Ok(Outcome::Exact)
}

fn apply((at, kind, byte): (Index, u8, u8), bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let at = at.index(bytes.len());
    match kind {
        0 => bytes[at] = byte,
        1 => bytes.insert(at, byte),
        2 => drop(bytes.remove(at)),
        _ => bytes[at] ^= 1 << (byte % 8),
    }
}

/// Lists in lists beyond the limit: refused by the writer, and by the reader if a writer did not.
///
/// # Errors
/// What happened instead.
pub fn nesting<C: Codec>(codec: &C) -> Verdict {
    let limits = DecodeLimits::DEFAULT;
    let nested = |levels: u32| (0..levels).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    let deepest = nested(limits.depth / 2);
    match way::encode(codec, &deepest)? {
        Ok(bytes) if way::decode::<C, Value>(codec, &bytes, PartialEq::eq)? == Ok(deepest) => {}
        other => return Err(format!("half the allowed levels gave {}", way::shown(&other))),
    }
    let too_deep = nested(limits.depth + 1);
    if way::encode(codec, &too_deep)? != Err(EncodeError::TooDeep(limits.depth)) {
        return Err("more levels than allowed were written".into());
    }
    let mut bytes = Vec::new();
    // What a format cannot nest so deep needs no refusal on reading.
    if guard::encode(codec, &too_deep, limits.depth * 2, &mut bytes).is_ok() {
        let read: Result<Value, DecodeError> = guard::decode(codec, &bytes, PhantomData, limits);
        let Err(error) = read else { return Err("more levels than allowed were read".into()) };
        drop(refusal("a deep list", &error)?);
    }
    Ok(Outcome::Exact)
}

fn encoded_record<C: Codec>(codec: &C) -> Result<Vec<u8>, String> {
    way::encode(codec, &Record::example())?.map_err(|error| format!("a record: {error}"))
}
