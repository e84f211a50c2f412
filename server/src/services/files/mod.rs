//! Files: one folder, to put files into and get them from, whole.
#![cfg_attr(not(test), expect(dead_code, reason = "its routes come next"))]

mod disk;
mod download;
mod entries;
mod error;
mod folder;
mod limits;
mod list;
mod message;
mod name;
mod parts;
mod pattern;
mod store;
mod upload;
mod usage;

pub use self::error::{FilesError, FolderError};
pub use self::limits::FilesLimits;
pub use self::list::MAX_LIST;
pub use self::message::{
    Close, FileInfo, GetMessage, GetRequest, ListReply, ListRequest, PartReply, PartRequest, PutMessage, PutOpen,
    Receipt, RemoveReply, RemoveRequest,
};
pub use self::name::{FileName, MAX_NAME, MAX_SEGMENT, MAX_SEGMENTS, NameError};

#[cfg(test)]
mod tests;
