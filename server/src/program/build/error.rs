//! Why a program was not built.

use std::path::PathBuf;

use bulla_core::text::escape;

use crate::program::failure::MAX_PATH;

/// Why `bulla-server build` made no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A codec is to be left out that is not there.
    #[error("no codec {name} to leave out: linked without asking are {stock}")]
    NotStock {
        /// As given.
        name: String,
        /// What can be left out.
        stock: String,
    },
    /// One crate is asked for twice.
    #[error("{0} is asked for twice: say --with once for each crate")]
    Twice(String),
    /// There is no folder to build in.
    #[error("no folder to build in: set HOME or XDG_CACHE_HOME, or name one with --dir")]
    NoCache,
    /// The folder to build in cannot be written.
    #[error("cannot write {}: {reason}", escape(&.path.display(), MAX_PATH))]
    Folder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// Cargo is not there, or does not run.
    #[error("cannot run cargo ({reason}): install Rust, https://rustup.rs, or set CARGO to the program")]
    NoCargo {
        /// What happened.
        reason: String,
    },
    /// A folder holds another crate than it should, or none.
    #[error("no crate {name} in {}: {reason}", escape(&.path.display(), MAX_PATH))]
    NotThere {
        /// The crate looked for.
        name: String,
        /// Where.
        path: PathBuf,
        /// What is there instead.
        reason: String,
    },
    /// The registry has no such crate.
    #[error("the registry has no crate {0}: name its folder, --with {0}=PATH")]
    NotFound(String),
    /// The registry has no Bulla.
    #[error("the registry has no crate {0}: name a checkout of Bulla, --bulla PATH")]
    NoBulla(String),
    /// Cargo finds no set of versions that fits together.
    #[error("cargo cannot bring these crates together; its reason stands above")]
    Unresolved,
    /// More than one bulla-core would be linked.
    #[error(
        "more than one bulla-core would be linked, and codecs of one are invisible to the other: {0}; let all want the same"
    )]
    TwoCores(String),
    /// The crate is none that others can link.
    #[error("{0} has no library: nothing of it can be linked")]
    NoLibrary(String),
    /// The crate does not know of codecs.
    #[error("{0} is no codec: it does not depend on bulla-core")]
    NoCodec(String),
    /// It does not compile.
    #[error("the program does not compile; cargo's words stand above")]
    NotCompiled,
    /// The program was built, but does not run.
    #[error("the new program does not list its codecs: {0}")]
    Mute(String),
    /// Two codecs of the new program have one name.
    #[error("{0}, or leave a stock one out with --without")]
    Duplicate(String),
    /// A crate is linked, but no codec of its own is found.
    #[error("{0} is linked, but registers no codec: does it say bulla_core::register_codec!(…)?")]
    Unregistered(String),
    /// The program cannot be put where it should go.
    #[error("cannot write {}: {reason}", escape(&.path.display(), MAX_PATH))]
    Output {
        /// As given.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
}

impl BuildError {
    /// The exit code, as `bulla-server build --help` promises.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Folder { .. } => 1,
            Self::NotStock { .. } | Self::Twice(_) | Self::NoCache => crate::program::failure::USAGE,
            Self::NoCargo { .. } => 9,
            Self::NotThere { .. } | Self::NotFound(_) | Self::NoBulla(_) | Self::Unresolved | Self::TwoCores(_) => 10,
            Self::NotCompiled => 11,
            Self::NoLibrary(_) | Self::NoCodec(_) | Self::Mute(_) | Self::Duplicate(_) | Self::Unregistered(_) => 12,
            Self::Output { .. } => 13,
        }
    }
}
