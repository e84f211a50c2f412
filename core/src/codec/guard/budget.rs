//! What a decode has left to spend, and how deep in the value it is.

use std::cell::{Cell, OnceCell};

use serde::de::Error;

use crate::codec::guard::errors::Crossing;
use crate::codec::{Capabilities, Capability, DecodeError, DecodeLimits};

/// What holds for one whole decode.
pub(super) struct Budget<'a, X> {
    crossing: X,
    capabilities: Capabilities,
    limits: DecodeLimits,
    elements_left: Cell<u32>,
    /// For how many elements memory may still be reserved before they come.
    reservable: Cell<u32>,
    bytes_left: Cell<usize>,
    failure: Cell<Option<DecodeError>>,
    /// Asks the codec which floats were integers.
    rounded_integers: &'a dyn Fn() -> Vec<f64>,
    /// Its answer, sorted bits.
    rounded_bits: OnceCell<Vec<u64>>,
}

impl<'a, X: Crossing> Budget<'a, X> {
    #[inline]
    pub(super) fn new(
        crossing: X,
        capabilities: Capabilities,
        limits: DecodeLimits,
        rounded_integers: &'a dyn Fn() -> Vec<f64>,
    ) -> Self {
        Self {
            crossing,
            capabilities,
            limits,
            elements_left: Cell::new(limits.elements),
            reservable: Cell::new(limits.elements),
            bytes_left: Cell::new(limits.bytes),
            failure: Cell::new(None),
            rounded_integers,
            rounded_bits: OnceCell::new(),
        }
    }

    /// The result of the decode, given what the codec says: a failure of the adaptor's own comes first.
    #[inline]
    pub(super) fn conclude<T>(self, result: Result<T, DecodeError>) -> Result<T, DecodeError> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.crossing.conclude(result),
        }
    }

    /// Keeps the failure, leaves nothing to spend, and says it in the codec's own error type.
    #[cold]
    fn fail<E: Error>(&self, failure: DecodeError) -> E {
        let error = E::custom(&failure);
        self.elements_left.set(0);
        self.bytes_left.set(0);
        self.failure.set(Some(self.failure.take().unwrap_or(failure)));
        error
    }
}

/// How many levels of what is buffered cost no more than what is not.
const BUFFERED_LEVELS: u32 = 8;

/// A place in the value that is being decoded.
pub(super) struct Place<'a, X> {
    budget: &'a Budget<'a, X>,
    /// How many levels may still open below.
    levels: u32,
    /// How many there were where the type began to buffer, zero if it does not.
    buffered_from: u32,
}

impl<X> Clone for Place<'_, X> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<X> Copy for Place<'_, X> {}

impl<'a, X: Crossing> Place<'a, X> {
    #[inline]
    pub(super) fn root(budget: &'a Budget<'a, X>) -> Self {
        Self { budget, levels: budget.limits.depth, buffered_from: 0 }
    }

    /// The place one level deeper.
    #[inline]
    pub(super) fn inside<E: Error>(self) -> Result<Self, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => Err(self.budget.fail(DecodeError::TooDeep(self.budget.limits.depth))),
        }
    }

    /// The place of what comes without a type being asked for: serde buffers it (unless the type is one that takes anything, which cannot be
    /// told), and a type that holds itself copies it from buffer to buffer at each of its levels.
    #[inline]
    pub(super) fn buffered(self) -> Self {
        Self { buffered_from: self.buffered_from.max(self.levels), ..self }
    }

    /// How often what is here may be copied, beyond what is paid for.
    #[inline]
    fn weight(self) -> u32 {
        1 + self.buffered_from.saturating_sub(self.levels).saturating_sub(BUFFERED_LEVELS)
    }

    /// Hands the type what a codec says.
    #[inline]
    pub(super) fn outward<T, E: Error>(self, codec: impl FnOnce() -> Result<T, E>) -> Result<T, X::Error<E>> {
        self.budget.crossing.outward(codec)
    }

    /// Hands the codec what a type says.
    #[inline]
    pub(super) fn inward<T, E: Error>(self, of_type: impl FnOnce() -> Result<T, X::Error<E>>) -> Result<T, E> {
        self.budget.crossing.inward(of_type)
    }

    /// Pays for one element.
    #[inline]
    pub(super) fn spend_element<E: Error>(self) -> Result<(), E> {
        match self.budget.elements_left.get().checked_sub(self.weight()) {
            Some(left) => {
                self.budget.elements_left.set(left);
                Ok(())
            }
            None => Err(self.budget.fail(DecodeError::TooManyElements(self.budget.limits.elements))),
        }
    }

    /// Fails if a list or map says that it has more parts than can still be paid for: then none is read. Whoever reads it must read all.
    #[inline]
    pub(super) fn admit_count<E: Error>(self, count: Option<usize>) -> Result<(), E> {
        let left = self.budget.elements_left.get();
        match count {
            Some(count) if u32::try_from(count).map_or(true, |count| count > left) => {
                Err(self.budget.fail(DecodeError::TooManyElements(self.budget.limits.elements)))
            }
            _ => Ok(()),
        }
    }

    /// Pays for text or a blob.
    #[inline]
    pub(super) fn spend_bytes<E: Error>(self, len: usize) -> Result<(), E> {
        let price = len.saturating_mul(self.weight() as usize);
        match self.budget.bytes_left.get().checked_sub(price) {
            Some(left) => {
                self.budget.bytes_left.set(left);
                Ok(())
            }
            None => Err(self.budget.fail(DecodeError::TooManyBytes(self.budget.limits.bytes))),
        }
    }

    /// Fails if a float of unknown type is a rounded integer. Below 2^63 no parser needs to round.
    #[inline]
    pub(super) fn admit_float<E: Error>(self, value: f64) -> Result<(), E> {
        const LIMIT: f64 = (1_u64 << 63) as f64;
        if value.abs() >= LIMIT && self.is_rounded(value) {
            return Err(self.budget.fail(DecodeError::CannotCarry(Capability::ValueWideIntegers)));
        }
        Ok(())
    }

    /// Fails if a number was asked for as a float of 32 bits and is beyond the largest: a cast would make it infinite.
    #[inline]
    pub(super) fn admit_single<E: Error>(self, value: f64) -> Result<(), E> {
        if value.is_finite() && (value as f32).is_infinite() {
            return Err(E::custom("a number beyond the range of a float of 32 bits"));
        }
        Ok(())
    }

    #[cold]
    fn is_rounded(self, value: f64) -> bool {
        let rounded = self.budget.rounded_bits.get_or_init(|| {
            let mut bits: Vec<u64> = (self.budget.rounded_integers)().into_iter().map(f64::to_bits).collect();
            bits.sort_unstable();
            bits
        });
        rounded.binary_search(&value.to_bits()).is_ok()
    }

    /// No more than can still be paid for, nor, with the hints before it, than all elements that there may be: nobody reserves memory
    /// on a peer's word, and lists inside of lists cannot each claim what is left.
    #[inline]
    pub(super) fn clamp(self, hint: Option<usize>) -> Option<usize> {
        let left = self.budget.reservable.get().min(self.budget.elements_left.get());
        let granted = u32::try_from(hint?).map_or(left, |hint| hint.min(left));
        self.budget.reservable.set(self.budget.reservable.get() - granted);
        usize::try_from(granted).ok()
    }

    #[inline]
    pub(super) fn is_self_describing(self) -> bool {
        self.budget.capabilities.has(Capability::SelfDescribing)
    }

    /// Fails unless the bytes say what they hold.
    #[inline]
    pub(super) fn require_self_describing<E: Error>(self) -> Result<(), E> {
        if self.is_self_describing() {
            Ok(())
        } else {
            Err(self.budget.fail(DecodeError::CannotCarry(Capability::SelfDescribing)))
        }
    }
}
