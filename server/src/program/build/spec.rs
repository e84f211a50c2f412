//! What `--with` says: which crate, and where it comes from.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use bulla_core::text::escape;
use semver::VersionReq;

/// The crates that every program is made of.
pub(crate) const OURS: [&str; 3] = ["bulla-core", "bulla-server", "bulla-client"];

/// A crate to link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) source: Source,
}

/// Where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// From the registry, at the newest version that fits.
    Newest,
    /// From the registry, at a version as Cargo.toml would ask for it.
    Version(String),
    /// From a folder.
    Path(PathBuf),
}

/// Why a text names no crate to link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpecError {
    #[error(
        "not the name of a crate: expected letters, digits, - and _, such as in bulla-codec-smile@0.1 or my-codec=../my-codec"
    )]
    Name,
    #[error("not a version: {0}")]
    Version(String),
    #[error("no folder behind the =")]
    NoPath,
    #[error("that crate is linked in any case")]
    Ours,
}

impl FromStr for Spec {
    type Err = SpecError;

    /// `CRATE`, `CRATE@VERSION` or `CRATE=PATH`: the first of the two signs decides.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (name, source) = match text.find(['@', '=']) {
            None => (text, Source::Newest),
            Some(at) => (&text[..at], parse_source(&text[at..])?),
        };
        if !is_crate_name(name) {
            return Err(SpecError::Name);
        }
        if OURS.contains(&name) {
            return Err(SpecError::Ours);
        }
        Ok(Self { name: name.to_owned(), source })
    }
}

/// What follows the name, with its sign.
fn parse_source(text: &str) -> Result<Source, SpecError> {
    match text.split_at(1) {
        ("=", "") => Err(SpecError::NoPath),
        ("=", path) => Ok(Source::Path(Path::new(path).to_owned())),
        (_, version) => match VersionReq::parse(version) {
            Ok(_) => Ok(Source::Version(version.to_owned())),
            Err(error) => Err(SpecError::Version(escape(&error, 200))),
        },
    }
}

/// The names that cargo allows.
fn is_crate_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, Source), SpecError> {
        text.parse().map(|spec: Spec| (spec.name, spec.source))
    }

    #[test]
    fn a_crate_comes_from_the_registry_or_a_folder() {
        let version = |text: &str| Source::Version(text.to_owned());
        let path = |text: &str| Source::Path(text.into());
        for (text, name, source) in [
            ("my-codec", "my-codec", Source::Newest),
            ("my_codec@1", "my_codec", version("1")),
            ("_m@=1.2.3-rc.1", "_m", version("=1.2.3-rc.1")),
            ("m@>=1, <3", "m", version(">=1, <3")),
            ("m@*", "m", version("*")),
            ("m=../a", "m", path("../a")),
            ("m=/b@2/c=d", "m", path("/b@2/c=d")),
            ("m=with blank", "m", path("with blank")),
        ] {
            assert_eq!(parse(text), Ok((name.to_owned(), source)), "{text}");
        }
    }

    #[test]
    fn a_bad_text_is_refused_with_its_reason() {
        for text in ["", "@1", "=a", "1a", "-a", "a b", "a/b", "ä", "a\n", "a\"", &"a".repeat(65)] {
            assert_eq!(parse(text), Err(SpecError::Name), "{text:?}");
        }
        for text in ["a@", "a@latest", "a@1.2.3.4", "a@1\"", "a@\x1b", "a@./path"] {
            assert!(matches!(parse(text), Err(SpecError::Version(_))), "{text:?}");
        }
        assert_eq!(parse("a="), Err(SpecError::NoPath));
        assert_eq!(parse("bulla-core@2"), Err(SpecError::Ours));
        assert_eq!(parse("bulla-server=."), Err(SpecError::Ours));
    }
}
