//! What goes wrong with the folder and its files, and what a peer hears of it.

use std::io;

use bulla_core::bytes::Digest;
use bulla_core::status::{Code, Status};
use rustix::io::Errno;

use crate::services::files::NameError;

/// A folder that is not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// There is none.
    #[error("no folder {0} to keep files in: make it with `mkdir -m 700 {0}`, or name another")]
    NotFound(String),
    /// A symbolic link, which somebody could point elsewhere, or no folder at all.
    #[error("{0} is no folder, or a symbolic link: name the folder itself")]
    NotAFolder(String),
    /// Another user could change it.
    #[error("the folder {path} belongs to user {owner}, this program runs as user {user}: name a folder of its own")]
    NotOurs {
        /// The path, escaped.
        path: String,
        /// Who owns it.
        owner: u32,
        /// Who runs this program.
        user: u32,
    },
    /// Others may write into it.
    #[error("others may write into the folder {path} (mode {mode:04o}): close it with `chmod go-w {path}`")]
    TooOpen {
        /// The path, escaped.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// Two servers would take each other's unfinished uploads away.
    #[error("another server keeps its files in {0}: stop it, or name another folder")]
    InUse(String),
    /// Any other refusal of the operating system.
    #[error("cannot {action} the folder {path}: {reason}")]
    System {
        /// The path, escaped.
        path: String,
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        reason: String,
    },
}

/// A transfer, a look or a removal that did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// The name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The pattern, the limit or the id of the upload is none.
    #[error("{0}")]
    Request(String),
    /// No such file.
    #[error("no file {0}")]
    NotFound(String),
    /// There is such a file, and it was not to be replaced.
    #[error("there is a file {0} already")]
    Exists(String),
    /// A folder, a symbolic link, a device: nothing that is served.
    #[error("{0} is not an ordinary file")]
    NotAFile(String),
    /// Something that is no folder stands where the name has one. Symbolic links are never followed.
    #[error("a folder in the name {0} is none, or is a symbolic link")]
    NotAFolder(String),
    /// The file system takes no name as long.
    #[error("the name is longer than the server's file system takes: {0}")]
    NameTooLong(String),
    /// The folder of the name is on another file system, where no upload can be renamed to.
    #[error("the folder of {0} is on another file system than the rest: no upload can become whole there")]
    OtherFileSystem(String),
    /// Longer than one file may be.
    #[error("a file has at most {limit} bytes here, this has {length} or more")]
    TooLarge {
        /// What the server allows.
        limit: u64,
        /// What was declared, or has come.
        length: u64,
    },
    /// All files together would be longer than they may.
    #[error("the files of this server may have {0} bytes together, and that is used up")]
    QuotaReached(u64),
    /// The disk is full, or nearly so.
    #[error("the server's disk has no room for it")]
    DiskFull,
    /// As many transfers as there may be at once.
    #[error("{0} transfers are under way, and no more at once: try again later")]
    Busy(usize),
    /// As many transfers as one peer may have at once.
    #[error("{0} transfers of this peer are under way, and no more at once: wait until one is done")]
    PeerBusy(usize),
    /// The peer gave up, or its time is up.
    #[error("nobody waits for the transfer any more")]
    Unwanted,
    /// The disk or the folder must not be written.
    #[error("the server may not write into its folder: {0}")]
    ReadOnly(String),
    /// The folder was removed while the server runs.
    #[error("the server's folder is gone: it has to be started again")]
    Vanished,
    /// A disk that takes fewer bytes than it is given, and does not say why.
    #[error("the server's disk took no more bytes")]
    ShortWrite,
    /// The part that is there is not what the peer has, or has had.
    #[error("what is there of {0} is not the beginning of this file: begin again")]
    PartDiffers(String),
    /// The file became another while it was read.
    #[error("{0} was changed while it was read: begin again")]
    Changed(String),
    /// The bytes came to another checksum than declared.
    #[error("the checksum of what came is {found}, not {declared}: nothing was kept")]
    Checksum {
        /// What the peer says.
        declared: Digest,
        /// What arrived.
        found: Digest,
    },
    /// The bytes are fewer or more than declared.
    #[error("{found} bytes came, not {declared}: nothing was kept")]
    Length {
        /// What the peer said.
        declared: u64,
        /// What arrived.
        found: u64,
    },
    /// The same upload goes on over another connection.
    #[error("this upload goes on over another connection")]
    TakenOver,
    /// Any other refusal of the operating system.
    #[error("the server cannot {action}: {reason}")]
    System {
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        reason: String,
    },
}

impl FilesError {
    /// The error of a system call. Those with a name of their own that depends on the place were looked at before.
    pub(super) fn system(action: &'static str, error: &io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => Self::DiskFull,
            Some(Errno::ROFS | Errno::ACCESS | Errno::PERM) => Self::ReadOnly(error.to_string()),
            _ if error.kind() == io::ErrorKind::WriteZero => Self::ShortWrite,
            _ => Self::System { action, reason: error.to_string() },
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::Name(_) | Self::Request(_) | Self::NameTooLong(_) | Self::Length { .. } => Code::InvalidArgument,
            Self::NotFound(_) => Code::NotFound,
            Self::Exists(_) => Code::AlreadyExists,
            Self::NotAFile(_) | Self::NotAFolder(_) | Self::OtherFileSystem(_) => Code::FailedPrecondition,
            Self::ReadOnly(_) | Self::Vanished => Code::FailedPrecondition,
            Self::TooLarge { .. } | Self::QuotaReached(_) | Self::DiskFull => Code::ResourceExhausted,
            Self::Busy(_) | Self::PeerBusy(_) => Code::ResourceExhausted,
            Self::Unwanted => Code::Cancelled,
            Self::PartDiffers(_) | Self::Changed(_) | Self::TakenOver => Code::Aborted,
            Self::Checksum { .. } => Code::DataLoss,
            Self::ShortWrite | Self::System { .. } => Code::Internal,
        }
    }
}

impl From<FilesError> for Status {
    fn from(error: FilesError) -> Self {
        let status = Self::new(error.code(), &error);
        // Where the transfer may go on: a client can begin again by itself.
        if matches!(error, FilesError::PartDiffers(_)) { status.with_detail("offset", 0) } else { status }
    }
}
