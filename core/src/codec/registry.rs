//! The codecs that a program knows: those linked into it, or those it names.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::codec::{Codec, CodecName, ErasedCodec};

/// A set of codecs, sorted by name. An ordinary value: programs may have several, and none is global.
///
/// ```
/// # use bulla_core::codec::CodecRegistry;
/// let registry = CodecRegistry::discovered()?;
/// for entry in registry.iter() {
///     println!("{} ({}), from {}", entry.codec().name(), entry.codec().media_type(), entry.origin());
/// }
/// # Ok::<(), bulla_core::codec::RegistryError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CodecRegistry {
    entries: Vec<RegisteredCodec>,
}

impl CodecRegistry {
    /// Every codec that is linked into this program and was named in [`register_codec!`](crate::register_codec).
    ///
    /// A crate that nothing refers to is not linked: `use bulla_codec_json as _;` refers to it.
    ///
    /// # Errors
    /// If two codecs have the same name. Which one wins never depends on the order of linking.
    pub fn discovered() -> Result<Self, RegistryError> {
        Self::of_registrations(inventory::iter::<Registration>)
    }

    fn of_registrations<'a>(registrations: impl IntoIterator<Item = &'a Registration>) -> Result<Self, RegistryError> {
        registrations.into_iter().try_fold(Self::empty(), |registry, registration| {
            registry.insert(RegisteredCodec {
                codec: SharedCodec(Shared::Static(registration.codec)),
                origin: registration.origin,
            })
        })
    }

    /// No codec.
    #[must_use]
    pub const fn empty() -> Self {
        Self { entries: Vec::new() }
    }

    /// The same and one codec more.
    ///
    /// # Errors
    /// If there is a codec of that name.
    pub fn with<C: Codec>(self, codec: C) -> Result<Self, RegistryError> {
        let origin = Origin { name: std::any::type_name::<C>(), version: None };
        self.insert(RegisteredCodec { codec: SharedCodec::new(codec), origin })
    }

    fn insert(mut self, entry: RegisteredCodec) -> Result<Self, RegistryError> {
        let name = entry.codec.name();
        match self.position(&name) {
            Ok(at) => Err(RegistryError::duplicate(name, self.entries[at].origin, entry.origin)),
            Err(at) => {
                self.entries.insert(at, entry);
                Ok(self)
            }
        }
    }

    fn position(&self, name: &CodecName) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.codec.name().cmp(name))
    }

    /// The codec of this name, if there is one.
    #[must_use]
    pub fn find(&self, name: &CodecName) -> Option<&SharedCodec> {
        self.position(name).ok().map(|at| &self.entries[at].codec)
    }

    /// The codec of this name.
    ///
    /// # Errors
    /// If there is none: the error lists those there are, or says how to link one.
    pub fn require(&self, name: &CodecName) -> Result<&SharedCodec, RegistryError> {
        self.find(name).ok_or_else(|| {
            if self.is_empty() {
                RegistryError::Empty { wanted: *name }
            } else {
                RegistryError::Unknown { wanted: *name, known: Names(self.names().collect()) }
            }
        })
    }

    /// The codecs and where they come from, sorted by name.
    pub fn iter(&self) -> std::slice::Iter<'_, RegisteredCodec> {
        self.entries.iter()
    }

    /// The names, sorted.
    pub fn names(&self) -> impl ExactSizeIterator<Item = CodecName> {
        self.iter().map(|entry| entry.codec.name())
    }

    /// What a server accepts whose config names no codec: all but those that [ask to be named](crate::codec::Capabilities::opt_in).
    pub fn accepted_by_default(&self) -> impl Iterator<Item = &RegisteredCodec> {
        self.iter().filter(|entry| !entry.codec.capabilities().is_opt_in())
    }

    /// How many codecs there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<'a> IntoIterator for &'a CodecRegistry {
    type Item = &'a RegisteredCodec;
    type IntoIter = std::slice::Iter<'a, RegisteredCodec>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One codec and where it comes from.
#[derive(Debug, Clone)]
pub struct RegisteredCodec {
    codec: SharedCodec,
    origin: Origin,
}

impl RegisteredCodec {
    /// The codec.
    #[must_use]
    pub const fn codec(&self) -> &SharedCodec {
        &self.codec
    }

    /// Who registered it.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }
}

/// A codec that may be kept and handed around; a clone is the same codec.
#[derive(Clone)]
pub struct SharedCodec(Shared);

#[derive(Clone)]
enum Shared {
    Static(&'static dyn ErasedCodec),
    Counted(Arc<dyn ErasedCodec>),
}

impl SharedCodec {
    /// Shares a codec.
    pub fn new<C: Codec>(codec: C) -> Self {
        Self(Shared::Counted(Arc::new(codec)))
    }
}

impl Deref for SharedCodec {
    type Target = dyn ErasedCodec;

    #[inline]
    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Shared::Static(codec) => *codec,
            Shared::Counted(codec) => codec.as_ref(),
        }
    }
}

impl fmt::Debug for SharedCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// Where a codec comes from: shown as `bulla-codec-json 0.1.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    name: &'static str,
    version: Option<&'static str>,
}

impl Origin {
    /// The name of the crate that registered it, or the type of a codec that was added in code.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The version of that crate.
    #[must_use]
    pub const fn version(self) -> Option<&'static str> {
        self.version
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => write!(f, "{} {version}", self.name),
            None => f.write_str(self.name),
        }
    }
}

/// Why a registry did not come about, or has no such codec.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Two codecs have one name.
    #[error("two codecs are named {name}: one from {first}, one from {second}; link only one of them")]
    Duplicate {
        /// The name.
        name: CodecName,
        /// Where one comes from; the two are sorted.
        first: Origin,
        /// Where the other comes from.
        second: Origin,
    },
    /// No codec has this name.
    #[error("no codec is named {wanted}; this program knows {known}")]
    Unknown {
        /// The name asked for.
        wanted: CodecName,
        /// The names there are.
        known: Names,
    },
    /// There is no codec at all.
    #[error("no codec is linked, so none is named {wanted}; this line links one: use bulla_codec_json as _;")]
    Empty {
        /// The name asked for.
        wanted: CodecName,
    },
}

impl RegistryError {
    fn duplicate(name: CodecName, one: Origin, other: Origin) -> Self {
        let sorted = (one.name, one.version) <= (other.name, other.version);
        let (first, second) = if sorted { (one, other) } else { (other, one) };
        Self::Duplicate { name, first, second }
    }
}

/// Codec names, shown as `json, xml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Vec<CodecName>);

impl Deref for Names {
    type Target = [CodecName];

    fn deref(&self) -> &[CodecName] {
        &self.0
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            write!(f, "{}{name}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// What [`register_codec!`](crate::register_codec) leaves for [`CodecRegistry::discovered`].
#[doc(hidden)]
pub struct Registration {
    codec: &'static dyn ErasedCodec,
    origin: Origin,
}

impl Registration {
    #[must_use]
    pub const fn new(codec: &'static dyn ErasedCodec, name: &'static str, version: &'static str) -> Self {
        Self { codec, origin: Origin { name, version: Some(version) } }
    }
}

inventory::collect!(Registration);

/// Makes a codec known to every program that links this crate: `register_codec!(JSON);` at the top level, where `JSON` is a constant or a
/// static.
#[macro_export]
macro_rules! register_codec {
    ($codec:expr $(,)?) => {
        $crate::__private::inventory::submit! {
            $crate::__private::Registration::new(
                &$codec,
                ::core::env!("CARGO_PKG_NAME"),
                ::core::env!("CARGO_PKG_VERSION"),
            )
        }
    };
}

#[cfg(test)]
mod tests {
    use serde::{Serialize, de::DeserializeSeed};

    use super::*;
    use crate::codec::{Capabilities, DecodeError, EncodeError};

    struct Nil;

    impl Codec for Nil {
        const NAME: CodecName = CodecName::new("nil");
        const MEDIA_TYPE: &'static str = "application/x-nil";

        fn capabilities(&self) -> Capabilities {
            Capabilities::all()
        }

        fn encode<T: Serialize + ?Sized>(&self, _: &T, _: &mut Vec<u8>) -> Result<(), EncodeError> {
            Err(EncodeError::new("nil writes nothing"))
        }

        fn decode<'de, S: DeserializeSeed<'de>>(&self, _: &'de [u8], _: S) -> Result<S::Value, DecodeError> {
            Err(DecodeError::new("nil reads nothing"))
        }
    }

    #[test]
    fn two_linked_crates_with_one_name_are_an_error_in_any_order() {
        let one = Registration::new(&Nil, "nil-one", "1.0.0");
        let two = Registration::new(&Nil, "nil-two", "0.2.0");
        let errors = [[&one, &two], [&two, &one]].map(|order| CodecRegistry::of_registrations(order).unwrap_err());
        assert_eq!(errors[0], errors[1]);
        let expected =
            "two codecs are named nil: one from nil-one 1.0.0, one from nil-two 0.2.0; link only one of them";
        assert_eq!(errors[0].to_string(), expected);
        assert_eq!(CodecRegistry::of_registrations([&one]).unwrap().len(), 1);
    }

    #[test]
    fn nothing_linked_is_an_empty_registry() {
        assert!(CodecRegistry::of_registrations([]).unwrap().is_empty());
    }
}
