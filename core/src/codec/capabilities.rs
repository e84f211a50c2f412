//! What a codec can carry: declared by its author, enforced by the adaptor, verified by the testkit.

use std::fmt;

/// One thing that not every format can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// The bytes alone say what they hold (`deserialize_any` works): JSON does, bincode does not.
    SelfDescribing,
    /// `i128` and `u128`.
    WideIntegers,
    /// NaN and the infinities.
    NonFiniteFloats,
    /// `Some(None)` and `Some(())` are told from `None`.
    NestedOptions,
    /// A [`Value`](crate::value::Value) may hold bytes that come back as bytes.
    ValueBytes,
    /// A [`Value`](crate::value::Value) may hold integers beyond 64 bits.
    ValueWideIntegers,
    /// A [`Value`](crate::value::Value) may hold maps whose keys are no strings.
    ValueKeys,
}

impl Capability {
    /// Every capability, in order.
    pub const ALL: [Self; 7] = [
        Self::SelfDescribing,
        Self::WideIntegers,
        Self::NonFiniteFloats,
        Self::NestedOptions,
        Self::ValueBytes,
        Self::ValueWideIntegers,
        Self::ValueKeys,
    ];

    /// The name in listings, such as `self-describing`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SelfDescribing => "self-describing",
            Self::WideIntegers => "wide-integers",
            Self::NonFiniteFloats => "non-finite-floats",
            Self::NestedOptions => "nested-options",
            Self::ValueBytes => "value-bytes",
            Self::ValueWideIntegers => "value-wide-integers",
            Self::ValueKeys => "value-keys",
        }
    }

    /// What a codec without it refuses, as the end of "this codec cannot carry …".
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::SelfDescribing => "a value whose type the reader does not know",
            Self::WideIntegers => "128-bit integers",
            Self::NonFiniteFloats => "NaN or an infinity",
            Self::NestedOptions => "an empty value inside Some",
            Self::ValueBytes => "bytes in a document",
            Self::ValueWideIntegers => "an integer beyond 64 bits in a document",
            Self::ValueKeys => "a map key that is no string in a document",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// What a codec can carry.
///
/// ```
/// use bulla_core::codec::{Capabilities, Capability};
/// const JSON: Capabilities = Capabilities::all()
///     .without(Capability::NonFiniteFloats)
///     .without(Capability::NestedOptions);
/// assert!(JSON.has(Capability::SelfDescribing));
/// assert!(!JSON.has(Capability::NonFiniteFloats));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    bits: u16,
    opt_in: bool,
}

impl Capabilities {
    /// Everything.
    #[must_use]
    pub const fn all() -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < Capability::ALL.len() {
            bits |= Capability::ALL[at].bit();
            at += 1;
        }
        Self { bits, opt_in: false }
    }

    /// The same, less one capability.
    #[must_use]
    pub const fn without(self, capability: Capability) -> Self {
        Self { bits: self.bits & !capability.bit(), ..self }
    }

    /// The same, but accepted only by a config that names the codec: for formats with a dangerous reputation.
    #[must_use]
    pub const fn opt_in(self) -> Self {
        Self { opt_in: true, ..self }
    }

    /// Whether the codec has this capability.
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        self.bits & capability.bit() != 0
    }

    /// Whether a config must name the codec before it is used.
    #[must_use]
    pub const fn is_opt_in(self) -> bool {
        self.opt_in
    }

    /// The capabilities that the codec has, in order.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(move |capability| self.has(*capability))
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_set();
        set.entries(self.iter().map(Capability::name));
        if self.opt_in {
            set.entry(&"opt-in");
        }
        set.finish()
    }
}
