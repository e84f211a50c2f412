//! The stock server's files: put whole, fetched whole, and gone on with where a transfer broke off.
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use std::path::Path;
//!
//! use bulla_client::Client;
//! use bulla_client::files::TransferOptions;
//! # fn run(client: Client) -> Result<(), Box<dyn std::error::Error>> {
//! let go_on = |_| ControlFlow::Continue(());
//! let stored = client.files().put_file("reports/q1.pdf", Path::new("q1.pdf"), TransferOptions::new(), go_on)?;
//! println!("{} bytes, sha256 {}", stored.size, stored.sha256);
//! client.files().fetch_file("reports/q1.pdf", Path::new("copy.pdf"), TransferOptions::new().replace(), go_on)?;
//! # Ok(())
//! # }
//! ```
//!
//! Each transfer ends with a checksum of the whole file (SHA-256) that both sides compare before the file has its name: it is there
//! whole, or not at all.

mod chunks;
mod error;
mod fetch;
mod local;
mod message;
mod put;

use std::ops::ControlFlow;

use bulla_core::bytes::{Blob, Digest};
use bulla_core::codec::{CodecName, CodecRegistry};
use bulla_core::connection::MAX_CODECS;

pub use self::error::TransferError;
pub use self::message::{
    Close, FileInfo, GetMessage, GetRequest, ListReply, ListRequest, PartReply, PartRequest, PutMessage, PutOpen,
    Receipt, RemoveReply, RemoveRequest,
};
use crate::pages::{Listed, Pages};
use crate::{CallError, Client, default_offer};

/// What a transfer may do besides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub struct TransferOptions {
    replace: bool,
    restart: bool,
}

impl TransferOptions {
    /// Replace nothing, and go on with what is there of an earlier try.
    pub fn new() -> Self {
        Self::default()
    }

    /// A file that is there already may be replaced.
    pub fn replace(mut self) -> Self {
        self.replace = true;
        self
    }

    /// What is there of an earlier try is dropped.
    pub fn restart(mut self) -> Self {
        self.restart = true;
        self
    }
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is going on.
    pub stage: Stage,
    /// Bytes that are done of it.
    pub done: u64,
    /// Bytes that there will be, if that is known.
    pub size: Option<u64>,
}

/// What a transfer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It reads what is there of an earlier try.
    Checking,
    /// Bytes go over the wire. Those of an earlier try count as done.
    Moving,
    /// All is there; the receiving side writes it to disk and gives it its name.
    Finishing,
}

/// Told of progress; a transfer goes on for as long as it says so.
trait Watch: FnMut(Progress) -> ControlFlow<()> {}

impl<F: FnMut(Progress) -> ControlFlow<()>> Watch for F {}

/// A file that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name on the server.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its checksum.
    pub sha256: Digest,
    /// There was another file of that name before.
    pub replaced: bool,
    /// Bytes that were there from an earlier try.
    pub resumed: u64,
}

/// A file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its length in bytes.
    pub size: u64,
    /// Its checksum.
    pub sha256: Digest,
    /// Bytes that were there from an earlier try.
    pub resumed: u64,
}

/// The files of a server. Made by [`Client::files`].
#[derive(Clone, Copy)]
pub struct Files<'a> {
    client: &'a Client,
}

impl<'a> Files<'a> {
    pub(crate) const fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// One page of the files that match a pattern, after a name.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn page(&self, pattern: Option<&str>, after: Option<&str>, limit: Option<u32>) -> Result<ListReply, CallError> {
        let request = ListRequest { pattern: pattern.map(str::to_owned), after: after.map(str::to_owned), limit };
        self.client.call("files.list", &request)
    }

    /// All files that match a pattern, or all that there are, fetched page by page. After an error, nothing follows.
    #[must_use]
    pub fn list(&self, pattern: Option<&str>) -> List<'a> {
        List { files: *self, pattern: pattern.map(str::to_owned), pages: Pages::new("files.list", None) }
    }

    /// Takes a file away, and the folders that held nothing else. Gives its length.
    ///
    /// # Errors
    /// As [`Client::call`]; `NOT_FOUND` if there is none.
    pub fn remove(&self, name: &str) -> Result<u64, CallError> {
        let request = RemoveRequest { name: name.to_owned() };
        self.client.call("files.remove", &request).map(|reply: RemoveReply| reply.size)
    }
}

/// The files of a server, in order of name. Made by [`Files::list`].
pub struct List<'a> {
    files: Files<'a>,
    pattern: Option<String>,
    pages: Pages<FileInfo>,
}

/// In order segment by segment: a folder's files stand together.
impl Listed for FileInfo {
    type Key = String;

    fn key(&self) -> String {
        self.name.clone()
    }

    fn is_after(&self, key: &String) -> bool {
        self.name.split('/').gt(key.split('/'))
    }
}

impl Iterator for List<'_> {
    type Item = Result<FileInfo, CallError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pages.next(|after| {
            let page = self.files.page(self.pattern.as_deref(), after.as_deref(), None)?;
            Ok((page.files, page.more))
        })
    }
}

/// What a client that is about to transfer files best offers: the codecs in which bytes take the least room come first. It is measured,
/// so that it holds for any codec.
#[must_use]
pub fn compact_offer(codecs: &CodecRegistry) -> Vec<CodecName> {
    let sample = PutMessage::Chunk(Blob(vec![0xa5; 4096]));
    let mut offer: Vec<(usize, CodecName)> = default_offer(codecs)
        .into_iter()
        .filter_map(|name| {
            let length = codecs.find(&name)?.encode_to_vec(&sample).map_or(usize::MAX, |bytes| bytes.len());
            Some((length, name))
        })
        .collect();
    // Of those that take as much room, the one that is preferred otherwise comes first: the sort is stable.
    offer.sort_by_key(|(length, _)| *length);
    offer.into_iter().map(|(_, name)| name).take(MAX_CODECS).collect()
}
