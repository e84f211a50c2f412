//! How the program fails: one line, and an exit code that scripts can rely on.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use bulla_core::codec::RegistryError;
use bulla_core::key::KeyError;
use bulla_core::text::escape;

use crate::program::BuildError;
use crate::services::files::FolderError;
use crate::services::records::StoreError;
use crate::{ListenError, StartError};

/// The exit code of wrong usage, which clap reports by itself.
pub(crate) const USAGE: u8 = 2;

/// The longest path that is shown, in characters.
pub(crate) const MAX_PATH: usize = 300;

/// Why the program ends otherwise than asked to. The exit codes are promised in `bulla-server --help`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The settings file is missing or wrong.
    #[error("settings file {}: {reason}", escape(&.path.display(), MAX_PATH))]
    Config {
        /// As given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key file is missing, unsafe or damaged.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder of the files cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The file for the records cannot be opened.
    #[error("cannot append to {}: {reason}", escape(&.path.display(), MAX_PATH))]
    Append {
        /// As given.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The server did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The server ended before every call was answered.
    #[error("ended before every call was answered")]
    CutOff,
    /// `bulla-server build` made no program.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The operating system failed us.
    #[error("cannot {action}: {reason}")]
    System {
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        reason: String,
    },
}

impl Failure {
    /// The exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::System { .. } | Self::Start(StartError::System { .. }) => 1,
            Self::Config { .. } => 3,
            Self::Key(_) => 4,
            Self::Start(StartError::Listen(_)) => 5,
            Self::Store(_) => 6,
            Self::Append { .. } => 7,
            Self::CutOff => 8,
            Self::Build(error) => error.exit_code(),
            Self::Folder(_) => 14,
            Self::Start(_) => USAGE,
        }
    }

    pub(crate) fn system(action: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::System { action, reason: error.to_string() }
    }

    pub(crate) fn output(error: &io::Error) -> Self {
        Self::System { action: "write to the standard output", reason: error.to_string() }
    }

    /// What became of the standard output: that nobody reads it any more is no failure.
    pub(crate) fn of_output(written: io::Result<()>) -> Result<(), Self> {
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Self::output(&error)),
            _ => Ok(()),
        }
    }

    /// Says it on the standard error: in a log of JSON, as one of its lines.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        let exit_code = self.exit_code();
        if json {
            tracing::error!(exit_code, "{self}");
        } else {
            let style = anstyle::AnsiColor::Red.on_default().bold();
            anstream::eprintln!("{style}error:{style:#} {self}");
        }
        ExitCode::from(exit_code)
    }
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        Self::Start(error.into())
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::Start(error.into())
    }
}
