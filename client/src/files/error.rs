//! What goes wrong with a transfer on this side.

use std::io;
use std::path::Path;

use bulla_core::bytes::Digest;
use bulla_core::text::escape;

use crate::CallError;

/// The longest part of a path that an error shows, in characters.
const MAX_PATH: usize = 200;

/// Why a file was not transferred.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The server refused, or the connection failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// This system refused.
    #[error("cannot {action} {path}: {reason}")]
    Local {
        /// What was tried.
        action: &'static str,
        /// The path, escaped.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// There is such a file here, and it was not to be replaced.
    #[error("there is a file {0} already")]
    Exists(String),
    /// A folder, a link, a device: nothing to put, or to write.
    #[error("{0} is not an ordinary file")]
    NotAFile(String),
    /// Another program fetches the same file to the same place.
    #[error("another program is fetching {0}")]
    Busy(String),
    /// The file became another while it was read.
    #[error("{0} was changed while it was read")]
    Changed(String),
    /// The bytes came to another checksum than the other side's.
    #[error("the checksum of what came is {found}, not {declared} as the server says: nothing was kept")]
    Checksum {
        /// What the server says.
        declared: Digest,
        /// What this side has.
        found: Digest,
    },
    /// The server does not keep to the order of messages, or to the length that it told.
    #[error("the server sent {0}")]
    Server(&'static str),
    /// Whoever watched the transfer wanted no more of it.
    #[error("the transfer was stopped")]
    Stopped,
}

impl TransferError {
    /// Whether what is there of an earlier try is of another file: the server says that the transfer may go on at zero.
    pub(super) fn is_about_the_beginning(&self) -> bool {
        matches!(self, Self::Call(CallError::Status { status, .. }) if status.detail("offset") == Some("0"))
    }

    pub(super) fn local<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Self + 'a {
        move |error| Self::Local { action, path: shown(path), reason: error.to_string() }
    }
}

/// A path, safe to print.
pub(super) fn shown(path: &Path) -> String {
    escape(&path.display(), MAX_PATH)
}
