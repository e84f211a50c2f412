//! What goes over the wire. Both sides must use the very same types, field for field: these mirror the server's, and an end-to-end test
//! compares the two in every codec.

use bulla_core::bytes::{Blob, Digest};
use serde::{Deserialize, Serialize};

/// A message of a client that puts a file: first what it is, then its bytes, at last their checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PutMessage {
    /// The first.
    Open(PutOpen),
    /// The next bytes of the file, as many as the client likes.
    Chunk(Blob),
    /// The last.
    Close(Close),
}

/// What is about to come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutOpen {
    /// The name that the file will have.
    pub name: String,
    /// Its length in bytes, if that is known.
    pub size: Option<u64>,
    /// Whether a file of that name may be replaced.
    pub replace: bool,
    /// What the client calls this upload, to go on with it later: 1 to 64 of `A–Z a–z 0–9 _ -`.
    pub upload: Option<String>,
    /// How many bytes are there already and are not sent again.
    pub offset: u64,
    /// The checksum of the bytes before the offset.
    pub sha256: Option<Digest>,
}

/// The end of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Close {
    /// The checksum of the whole file.
    pub sha256: Digest,
}

/// What `files.put` answers: the file is on the server's disk, whole, under its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its checksum.
    pub sha256: Digest,
    /// There was another file of that name before.
    pub replaced: bool,
}

/// What `files.part` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRequest {
    /// The name that the file will have.
    pub name: String,
    /// What the client called the upload.
    pub upload: String,
}

/// What `files.part` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartReply {
    /// Bytes that are there: zero if nothing is.
    pub size: u64,
}

/// What `files.get` takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetRequest {
    /// The name of the file.
    pub name: String,
    /// How many bytes the client has already, and does not want again.
    pub offset: u64,
    /// The checksum of the bytes before the offset.
    pub sha256: Option<Digest>,
}

/// A message of `files.get`: first what the file is, then its bytes, at last its checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GetMessage {
    /// The first.
    Open(FileInfo),
    /// The next bytes of the file.
    Chunk(Blob),
    /// The last.
    Close(Close),
}

/// A file, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// When its bytes were last changed: RFC 3339, UTC.
    pub modified: String,
}

/// What `files.list` takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRequest {
    /// Only files that match: `*` and `?` within a segment, `**` for any number of segments; what matches a folder matches all in it.
    pub pattern: Option<String>,
    /// Only files after this name.
    pub after: Option<String>,
    /// At most so many files.
    pub limit: Option<u32>,
}

/// What `files.list` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListReply {
    /// The files, in order of their names, segment by segment.
    pub files: Vec<FileInfo>,
    /// There are more after the last of these.
    pub more: bool,
}

/// What `files.remove` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveRequest {
    /// The name of the file.
    pub name: String,
}

/// What `files.remove` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveReply {
    /// How long the file was, in bytes.
    pub size: u64,
}
