//! One property on trial: carries values through a codec and keeps what was refused.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;

use bulla_core::codec::{Capability, Codec, MAX_DETAIL};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Outcome, Refusal, Verdict, way};

/// A value that can be carried and compared.
pub(crate) trait Specimen: Serialize + DeserializeOwned + Debug + PartialEq {}

impl<T: Serialize + DeserializeOwned + Debug + PartialEq> Specimen for T {}

/// Values carried through a codec in the name of one property.
pub(crate) struct Trial<'c, C> {
    codec: &'c C,
    refusals: Vec<Refusal>,
    /// For each capability that is not declared: whether the bare codec carried every case of it.
    undeclared: BTreeMap<Capability, bool>,
}

impl<'c, C: Codec> Trial<'c, C> {
    pub(crate) fn new(codec: &'c C) -> Self {
        Self { codec, refusals: Vec::new(), undeclared: BTreeMap::new() }
    }

    /// A value that is carried exactly or refused, alone and as a field.
    pub(crate) fn carry<T: Specimen>(&mut self, case: &str, value: T) -> Result<(), String> {
        self.refusals.extend(round_trip(self.codec, case, &value)?);
        let within = Within { before: 7, value, after: true };
        self.refusals.extend(round_trip(self.codec, &format!("{case}, as a field"), &within)?);
        Ok(())
    }

    /// Several of them.
    pub(crate) fn carry_each<T: Specimen>(
        &mut self,
        case: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Result<(), String> {
        values.into_iter().try_for_each(|value| self.carry(&format!("{case} {}", way::shown(&value)), value))
    }

    /// A value that must be carried exactly, whatever the codec can and cannot.
    pub(crate) fn must_carry<T: Specimen>(&mut self, case: &str, value: &T) -> Result<(), String> {
        match round_trip(self.codec, case, value)? {
            None => Ok(()),
            Some(refusal) => Err(format!("every codec must carry this, but {refusal}")),
        }
    }

    /// A value that must be carried exactly if the codec declares the capability, and must be refused if not.
    pub(crate) fn carry_if<T: Specimen>(&mut self, needed: Capability, case: &str, value: T) -> Result<(), String> {
        let refusal = round_trip(self.codec, case, &value)?;
        if self.codec.capabilities().has(needed) {
            return match refusal {
                None => Ok(()),
                Some(refusal) => Err(format!("declares {}, but refuses {refusal}", needed.name())),
            };
        }
        let Some(refusal) = refusal else {
            return Err(format!("does not declare {}, but carries {case}", needed.name()));
        };
        self.refusals.push(refusal);
        let carried = is_carried_bare(self.codec, &value);
        self.undeclared.entry(needed).and_modify(|all| *all &= carried).or_insert(carried);
        Ok(())
    }

    /// A number that is written as one type and read as another; `None` if it does not fit that one and must be refused.
    ///
    /// Asked only where the bytes say what they hold. Elsewhere both sides need the same type.
    pub(crate) fn read_as<T: Serialize + Debug, U: Specimen>(
        &mut self,
        written: T,
        expected: Option<U>,
    ) -> Result<(), String> {
        if !self.codec.capabilities().has(Capability::SelfDescribing) {
            return Ok(());
        }
        let case = format!("{written:?} as {}", std::any::type_name::<U>());
        let bytes = match way::encode(self.codec, &written)? {
            Ok(bytes) => bytes,
            Err(error) => return refusal(&case, &error).map(|refusal| self.refusals.push(refusal)),
        };
        match (way::decode(self.codec, &bytes, U::eq)?, expected) {
            (Ok(read), Some(expected)) if read == expected => Ok(()),
            (Err(error), None) => refusal(&case, &error).map(drop),
            (Ok(read), _) => Err(format!("{case}: read as {read:?}")),
            (Err(error), Some(_)) => Err(format!("{case}: it fits, but {error}")),
        }
    }

    /// A field that the reader's type does not have: skipped where fields have names, else what is left of it is refused.
    pub(crate) fn skip<T: Serialize>(&mut self, case: &str, unknown: T) -> Result<(), String> {
        let case = format!("{case}, unknown to the reader");
        let (first, last) = (7, "last".to_owned());
        let narrow = Narrow { first, last: last.clone() };
        let is_self_describing = self.codec.capabilities().has(Capability::SelfDescribing);
        let encoded = if is_self_describing {
            way::encode(self.codec, &Wide { first, unknown, last })?
        } else {
            way::encode(self.codec, &Longer { first, last, unknown })?
        };
        let bytes = match encoded {
            Ok(bytes) => bytes,
            Err(error) => return refusal(&case, &error).map(|refusal| self.refusals.push(refusal)),
        };
        match way::decode(self.codec, &bytes, Narrow::eq)? {
            Ok(read) if read == narrow => Ok(()),
            Ok(read) => Err(format!("{case}: the others came back as {read:?}")),
            Err(error) if is_self_describing => Err(format!("{case}: not skipped: {error}")),
            Err(error) => refusal(&case, &error).map(|refusal| self.refusals.push(refusal)),
        }
    }

    /// The outcome of all of them.
    pub(crate) fn verdict(self) -> Verdict {
        if let Some((capability, _)) = self.undeclared.iter().find(|(_, carried)| **carried) {
            return Err(format!("does not declare {}, but would carry every case of it", capability.name()));
        }
        Ok(if self.refusals.is_empty() { Outcome::Exact } else { Outcome::Refused(self.refusals) })
    }
}

/// A struct around any value: what stands before and after it must not be disturbed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Within<T> {
    before: u8,
    value: T,
    after: bool,
}

#[derive(Serialize)]
struct Wide<T> {
    first: u8,
    unknown: T,
    last: String,
}

#[derive(Serialize)]
struct Longer<T> {
    first: u8,
    last: String,
    unknown: T,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Narrow {
    first: u8,
    last: String,
}

/// Carries a value both ways: `None` if it came back the same.
pub(crate) fn round_trip<C: Codec, T: Specimen>(codec: &C, case: &str, value: &T) -> Result<Option<Refusal>, String> {
    let told = |fault| format!("{case}: {fault}");
    let bytes = match way::encode(codec, value).map_err(told)? {
        Ok(bytes) => bytes,
        Err(error) => return refusal(case, &error).map(Some),
    };
    match way::decode(codec, &bytes, T::eq).map_err(told)? {
        Ok(back) if back == *value => Ok(None),
        Ok(back) => Err(format!("{case}: {} came back as {}", way::shown(value), way::shown(&back))),
        Err(error) => refusal(case, &error).map(Some),
    }
}

/// A refusal, whose reason must be one that a person can read and a log can hold.
pub(crate) fn refusal(case: &str, error: &impl Display) -> Result<Refusal, String> {
    let reason = error.to_string();
    let is_fit =
        !reason.trim().is_empty() && reason.chars().count() <= MAX_DETAIL && !reason.contains(char::is_control);
    if is_fit {
        Ok(Refusal { case: case.to_owned(), reason })
    } else {
        Err(format!("{case}: refused, but the reason is empty, too long or no single line: {reason:?}"))
    }
}

/// Whether the codec would carry the value if the adaptor did not stand before it.
fn is_carried_bare<C: Codec, T: Specimen>(codec: &C, value: &T) -> bool {
    let mut out = Vec::new();
    codec.encode(value, &mut out).is_ok() && codec.decode(&out, PhantomData::<T>).is_ok_and(|back| back == *value)
}
