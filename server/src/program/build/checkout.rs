//! A checkout of Bulla, as the place its crates come from instead of the registry.

use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

use super::BuildError;

/// A checkout whose core, server and client are there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checkout {
    root: PathBuf,
    /// The `[profile]` of its workspace: what is built from it is built as there.
    pub(crate) profile: Option<Table>,
}

impl Checkout {
    pub(crate) fn open(path: &Path) -> Result<Self, BuildError> {
        let root = absolute(path, "bulla-core")?;
        for name in ["core", "server", "client"] {
            require_crate(&root.join(name), &format!("bulla-{name}"))?;
        }
        let profile = read_manifest(&root).ok().and_then(|manifest| manifest.get("profile")?.as_table().cloned());
        Ok(Self { root, profile })
    }

    /// The folder of one of its crates, such as `core`.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The versions that it was tested with.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.root.join("Cargo.lock")
    }

    /// The folder of a codec that comes with it.
    pub(crate) fn codec(&self, name: &str) -> Option<PathBuf> {
        let folder = self.root.join("codecs").join(name.strip_prefix("bulla-codec-")?);
        require_crate(&folder, name).ok().map(|()| folder)
    }
}

/// Checks that a folder holds the crate of this name.
pub(crate) fn require_crate(folder: &Path, name: &str) -> Result<(), BuildError> {
    let refused = |reason| BuildError::NotThere { name: name.to_owned(), path: folder.to_owned(), reason };
    let manifest = read_manifest(folder).map_err(refused)?;
    match manifest.get("package").and_then(|package| package.get("name")?.as_str()) {
        Some(found) if found == name => Ok(()),
        Some(found) => Err(refused(format!("the crate there is {found:?}"))),
        None => Err(refused("its Cargo.toml names no package".to_owned())),
    }
}

/// A folder by its full path, for a manifest that lies elsewhere.
pub(crate) fn absolute(folder: &Path, name: &str) -> Result<PathBuf, BuildError> {
    let refused = |reason| BuildError::NotThere { name: name.to_owned(), path: folder.to_owned(), reason };
    let full = fs::canonicalize(folder).map_err(|error| refused(error.to_string()))?;
    // Manifests are text.
    if full.to_str().is_some() { Ok(full) } else { Err(refused("its path is not UTF-8".to_owned())) }
}

fn read_manifest(folder: &Path) -> Result<Table, String> {
    let text = fs::read_to_string(folder.join("Cargo.toml")).map_err(|error| format!("Cargo.toml: {error}"))?;
    text.parse().map_err(|error: toml::de::Error| format!("Cargo.toml: {}", error.message()))
}
