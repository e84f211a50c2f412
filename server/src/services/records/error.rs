//! What goes wrong with the database, and what a peer hears of it.

use bulla_core::status::{Code, Status};
use rusqlite::ErrorCode;

use crate::services::records::DocumentError;

/// A database that cannot be opened, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The path names a folder.
    #[error("the database {0} is a folder: name a file")]
    IsFolder(String),
    /// The operating system refused.
    #[error("cannot open the database {path}: {reason}")]
    Open {
        /// The path, escaped.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// A file that is no database.
    #[error("{0} is not a database, or it is damaged: name another file, or restore it from a backup")]
    NotADatabase(String),
    /// A database of another program.
    #[error("{0} is a database of another program: name another file")]
    Foreign(String),
    /// A database of a later version of this program.
    #[error("{path} was written by a later version (layout {found}, this program knows {known}): use that version")]
    Newer {
        /// The path, escaped.
        path: String,
        /// The layout in the file.
        found: i64,
        /// The latest layout that we know.
        known: i64,
    },
    /// The file system cannot keep a write-ahead log.
    #[error("the file system of {0} does not allow a write-ahead log: put the database on a local disk")]
    NoLog(String),
    /// No room.
    #[error("the disk of the database is full")]
    Full,
    /// Another program keeps it locked.
    #[error("the database is locked by another program")]
    Locked,
    /// It must not be written.
    #[error("the database is read-only")]
    ReadOnly,
    /// Its content is not sound.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// More appends wait than there is room for.
    #[error("too many records wait to be written")]
    Busy,
    /// The service has ended.
    #[error("the service has ended")]
    Ended,
    /// Any other refusal of SQLite or the operating system.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// A thread that was not started.
    pub(super) fn thread(error: std::io::Error) -> Self {
        Self::Failed(format!("cannot start a thread: {error}"))
    }
}

impl From<&StoreError> for Status {
    fn from(error: &StoreError) -> Self {
        let code = match error {
            StoreError::Full | StoreError::Busy => Code::ResourceExhausted,
            StoreError::Locked | StoreError::Ended => Code::Unavailable,
            StoreError::Damaged(_) | StoreError::NotADatabase(_) => Code::DataLoss,
            _ => Code::Internal,
        };
        Self::new(code, error)
    }
}

impl From<StoreError> for Status {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<DocumentError> for StoreError {
    fn from(error: DocumentError) -> Self {
        Self::Damaged(error.to_string())
    }
}
