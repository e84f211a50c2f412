//! What an encode must not let through, and where in the value it is.

use std::cell::Cell;

use serde::ser::Error;

use crate::codec::{Capabilities, Capability, EncodeError};
use crate::value::Kind;

/// What holds for one whole encode.
pub(super) struct Refusals {
    capabilities: Capabilities,
    max_depth: u32,
    first: Cell<Option<EncodeError>>,
}

impl Refusals {
    #[inline]
    pub(super) fn new(capabilities: Capabilities, max_depth: u32) -> Self {
        Self { capabilities, max_depth, first: Cell::new(None) }
    }

    /// The first refusal, if there was one.
    #[inline]
    pub(super) fn into_first(self) -> Option<EncodeError> {
        self.first.into_inner()
    }

    /// Keeps the refusal and says it in the codec's own error type.
    #[cold]
    fn refuse<E: Error>(&self, refusal: EncodeError) -> E {
        let error = E::custom(&refusal);
        self.first.set(Some(self.first.take().unwrap_or(refusal)));
        error
    }
}

/// A place in the value that is being encoded.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    refusals: &'a Refusals,
    /// How many levels may still open below.
    levels: u32,
    /// Directly inside `Some`, where nothing empty may stand unless the codec tells it from `None`.
    in_some: bool,
    /// A map key.
    is_key: bool,
}

impl<'a> Place<'a> {
    #[inline]
    pub(super) fn root(refusals: &'a Refusals) -> Self {
        Self { refusals, levels: refusals.max_depth, in_some: false, is_key: false }
    }

    /// The place of the parts of a list, map and the like.
    #[inline]
    pub(super) fn inside<E: Error>(self) -> Result<Self, E> {
        Ok(Self { in_some: false, is_key: false, ..self.within()? })
    }

    /// The place inside something that leaves no trace in many formats: a newtype.
    #[inline]
    pub(super) fn within<E: Error>(self) -> Result<Self, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => Err(self.refusals.refuse(EncodeError::TooDeep(self.refusals.max_depth))),
        }
    }

    /// The place inside `Some`.
    #[inline]
    pub(super) fn within_some<E: Error>(self) -> Result<Self, E> {
        Ok(Self { in_some: true, ..self.within()? })
    }

    /// The place of a map key, given that of the map's parts.
    #[inline]
    pub(super) fn key(self) -> Self {
        Self { is_key: true, ..self }
    }

    /// The place of a node's content beside its tag: whatever is there can be told from nothing.
    #[inline]
    pub(super) fn tagged(self) -> Self {
        Self { in_some: false, is_key: false, ..self }
    }

    #[inline]
    pub(super) fn is_self_describing(self) -> bool {
        self.refusals.capabilities.has(Capability::SelfDescribing)
    }

    /// Refuses unless the codec has the capability.
    #[inline]
    pub(super) fn require<E: Error>(self, capability: Capability) -> Result<(), E> {
        if self.refusals.capabilities.has(capability) {
            Ok(())
        } else {
            Err(self.refusals.refuse(EncodeError::CannotCarry(capability)))
        }
    }

    /// Refuses an empty value where it would be taken for `None`.
    #[inline]
    pub(super) fn admit_empty<E: Error>(self) -> Result<(), E> {
        if self.in_some { self.require(Capability::NestedOptions) } else { Ok(()) }
    }

    /// Refuses a float that the format has no notation for.
    #[inline]
    pub(super) fn admit_float<E: Error>(self, is_finite: bool) -> Result<(), E> {
        if is_finite { Ok(()) } else { self.require(Capability::NonFiniteFloats) }
    }

    /// Refuses to leave out a field where fields are known by their place alone: the next would be read in its stead.
    #[inline]
    pub(super) fn admit_skipped<E: Error>(self, field: &'static str) -> Result<(), E> {
        if self.is_self_describing() {
            return Ok(());
        }
        let words = format_args!("this codec cannot leave out the field {field}: it knows fields by their order");
        Err(self.refusals.refuse(EncodeError::new(words)))
    }

    /// Refuses a value with more parts than it said.
    #[cold]
    pub(super) fn refuse_more<E: Error>(self, said: usize) -> E {
        self.refusals.refuse(EncodeError::new(format_args!("a value said that it has {said} parts, but has more")))
    }

    /// Refuses a value with fewer parts than it said.
    #[cold]
    pub(super) fn refuse_fewer<E: Error>(self, said: usize, count: usize) -> E {
        self.refusals.refuse(EncodeError::new(format_args!("a value said that it has {said} parts, but has {count}")))
    }

    /// Refuses a document node that the format would give back as one of another kind.
    #[inline]
    pub(super) fn admit_node<E: Error>(self, kind: Kind) -> Result<(), E> {
        match kind {
            Kind::Bytes => self.require(Capability::ValueBytes)?,
            Kind::U128 | Kind::I128 => self.require(Capability::ValueWideIntegers)?,
            _ => {}
        }
        if self.is_key && kind != Kind::String { self.require(Capability::ValueKeys) } else { Ok(()) }
    }
}
