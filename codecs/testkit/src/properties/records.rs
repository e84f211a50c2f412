//! Whole records, as messages have them.

use bulla_core::codec::Codec;

use crate::Verdict;
use crate::properties::random::{for_random, record};
use crate::trial::{Trial, round_trip};
use crate::zoo::Record;

/// A record of the usual kinds of fields, which every codec must carry: one that refuses this is of no use.
///
/// # Errors
/// What happened instead.
pub fn everyday_records<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let example = Record::example();
    trial.must_carry("a record", &example)?;
    trial.must_carry("a list of records", &vec![example.clone(), example.clone()])?;
    trial.must_carry("a record in Some", &Some(example))?;
    trial.verdict()
}

/// Such records at random.
///
/// # Errors
/// What happened instead.
pub fn random_records<C: Codec>(codec: &C) -> Verdict {
    for_random(128, record(), |record| round_trip(codec, "a random record", &record))
}
