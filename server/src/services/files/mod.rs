//! Files: one folder, to put files into and get them from, whole.
//!
//! | route | shape | request | reply |
//! |---|---|---|---|
//! | `files.put` | n → 1 | `open {name, size?, replace?, upload?, offset?, sha256?}`, `chunk` …, `close {sha256}` | `{name, size, sha256, replaced}` |
//! | `files.get` | 1 → n | `{name, offset?, sha256?}` | `open {name, size, modified}`, `chunk` …, `close {sha256}` |
//! | `files.part` | 1 → 1 | `{name, upload}` | `{size}` |
//! | `files.list` | 1 → 1 | `{pattern?, after?, limit?}` | `{files: [{name, size, modified}], more}` |
//! | `files.remove` | 1 → 1 | `{name}` | `{size}` |
//!
//! What may be a name is at [`FileName`], what a pattern stands for at [`ListRequest::pattern`]. Checksums are SHA-256 of the whole file,
//! 64 hexadecimal digits; `modified` is UTC, [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339).
//!
//! # On the wire
//! Each message is one value in the session's codec, and those of the two streams are one of three. In JSON, an upload is these three or
//! more messages (the bytes of a chunk are base64 in text formats, bytes in the others: see [`Blob`]), then END:
//!
//! ```json
//! {"open": {"name": "notes/today.txt", "size": 6, "replace": true}}
//! {"chunk": "aGVsbG8K"}
//! {"close": {"sha256": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"}}
//! ```
//!
//! and the reply is
//!
//! ```json
//! {"name": "notes/today.txt", "size": 6, "sha256": "5891b5…", "replaced": false}
//! ```
//!
//! A chunk may have any length whose message is not longer than agreed.
//!
//! # Whole, or not at all
//! An upload is written to a part that no name reaches. When its checksum is the client's, it is synced, renamed, and its folder
//! synced: then the client has its receipt. Without `replace`, of several who put one name the first that is whole wins, and the others
//! hear `ALREADY_EXISTS`; with it, the last. A download is read from a file that is open, whatever happens to its name, and its checksum
//! comes at the end: a file that was written into meanwhile is `ABORTED`.
//!
//! New files and folders are for the server's user alone (modes 600 and 700). Folders come into being with the first file in them and go with the last, as far as a removal through this service leaves them empty.
//!
//! # Going on
//! A client that calls its upload something (`upload`) can come back to it: it asks `files.part` how much is there, and opens with that
//! `offset` and the checksum of its own bytes before it. If the server's are others, it drops them and answers `ABORTED` with the
//! detail `offset: 0`. A download goes on likewise. While an upload is under way, whoever opens it again takes it over: the old connection
//! may be dead, and nobody knows yet. An upload belongs to the peer (the name of its key), the file's name and what the client calls it.
//!
//! # Bounds
//! [`FilesLimits`] has them all. What is left of uploads waits in the folder `.bulla-parts`, for a day, and the oldest goes when they become
//! too many; the server looks at its start, once a minute while it is used, and whenever as many have broken off since: there are never
//! more than twice as many. A transfer holds one chunk, and what the stream's
//! window lets through. One server serves a folder at a time.
//!
//! What is under the folder when a server starts is served too, but for what no name reaches: hidden files, symbolic links, devices.

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
mod transfers;
mod upload;
mod usage;

use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bulla_core::bytes::Blob;
use bulla_core::status::{Code, Status};
use bulla_core::value::{Map, Value};

pub use self::error::{FilesError, FolderError};
pub use self::limits::FilesLimits;
pub use self::list::MAX_LIST;
pub use self::message::{
    Close, FileInfo, GetMessage, GetRequest, ListReply, ListRequest, PartReply, PartRequest, PutMessage, PutOpen,
    Receipt, RemoveReply, RemoveRequest,
};
pub use self::name::{FileName, MAX_NAME, MAX_SEGMENT, MAX_SEGMENTS, NameError};
use self::store::Store;
use self::transfers::Ticket;
use crate::builder::Builder;
use crate::route::{Context, Replies, Requests, TrySendError, silent};
use crate::services::Service;

/// The most bytes of a file that one message carries. Less if the messages agreed on are short: in text they take more room.
const CHUNK: usize = 64 << 10;

/// How long a peer that wants to put something may take to say what: it is known before.
const FIRST: Duration = Duration::from_secs(10);

/// The service. A clone is for the same folder.
#[derive(Clone)]
pub struct Files {
    store: Arc<Store>,
}

impl Files {
    /// Opens the folder: it must be ours, and closed to the writing of others.
    ///
    /// # Errors
    /// [`FolderError`] says what is wrong with it.
    pub fn open(path: impl AsRef<Path>, limits: FilesLimits) -> Result<Self, FolderError> {
        Store::open(path.as_ref(), limits).map(|store| Self { store })
    }

    /// Transfers under way, and what a file may have, as a document for [`Info::with`](crate::services::Info::with).
    #[must_use]
    pub fn summary(&self) -> Value {
        let limits = &self.store.limits;
        let facts = [
            ("transfers", Value::from(self.store.transfers.count() as u64)),
            ("max_transfers", Value::from(limits.transfers as u64)),
            ("max_transfers_per_peer", Value::from(limits.transfers_per_peer as u64)),
            ("max_file_bytes", Value::from(limits.file)),
        ];
        facts.into_iter().collect::<Map>().into()
    }

    fn start(&self, context: &Context) -> Result<Ticket, FilesError> {
        let waited_for = context.clone();
        self.store.transfers.start(context.peer_id(), move || !waited_for.is_cancelled())
    }

    fn put(&self, mut requests: Requests<PutMessage>, context: &Context) -> Result<Receipt, Status> {
        let silence = self.store.limits.silence;
        // Whoever says nothing takes a place, too.
        let ticket = self.start(context)?;
        let first = silence.min(FIRST);
        let PutMessage::Open(open) = next_message(&mut requests, (Instant::now(), first))? else {
            return Err(out_of_order("an upload begins with `open`"));
        };
        let mut upload = self.store.begin(&open, context.peer(), ticket)?;
        let mut heard = Instant::now();
        loop {
            match next_message(&mut requests, (heard, silence))? {
                // No byte is no word, however often it is said.
                PutMessage::Chunk(Blob(bytes)) if bytes.is_empty() && heard.elapsed() < silence => {}
                PutMessage::Chunk(Blob(bytes)) if bytes.is_empty() => return Err(silent("sent", silence)),
                PutMessage::Chunk(Blob(bytes)) => {
                    upload.write(&bytes)?;
                    heard = Instant::now();
                }
                PutMessage::Close(close) => return Ok(upload.finish(close.sha256)?),
                PutMessage::Open(_) => return Err(out_of_order("an upload has one `open`")),
            }
        }
    }

    fn get(&self, request: &GetRequest, replies: &Replies) -> Result<(), Status> {
        let silence = self.store.limits.silence;
        let send = |message: &GetMessage| {
            replies.send_timeout(message, silence).map_err(|error| match error {
                TrySendError::Failed(status) => status,
                TrySendError::Full => silent("took", silence),
            })
        };
        let mut download = self.store.read(request, self.start(replies.context())?)?;
        send(&GetMessage::Open(download.info()))?;
        let room = CHUNK.min(replies.context().max_message() / 2).max(1);
        let mut buffer = vec![0; room];
        loop {
            buffer.resize(room, 0);
            download.read(&mut buffer)?;
            if buffer.is_empty() {
                break;
            }
            let message = GetMessage::Chunk(Blob(buffer));
            send(&message)?;
            let GetMessage::Chunk(Blob(used)) = message else { unreachable!("a chunk was made just above") };
            buffer = used;
        }
        send(&GetMessage::Close(Close { sha256: download.finish()? }))
    }
}

impl Service for Files {
    fn install(self, builder: Builder) -> Builder {
        let [put, get, part, list, remove] = std::array::from_fn(|_| self.clone());
        builder
            .route_client_stream("files.put", move |requests, context: &Context| put.put(requests, context))
            .route_server_stream("files.get", move |request: GetRequest, replies: Replies| {
                match get.get(&request, &replies) {
                    Ok(()) => replies.finish(),
                    Err(status) => replies.fail(status),
                }
            })
            .route("files.part", move |request: PartRequest, context: &Context| {
                Ok(PartReply { size: part.store.part(&request, context.peer())? })
            })
            .route("files.list", move |request: ListRequest, _: &Context| Ok(list.store.list(&request)?))
            .route("files.remove", move |request: RemoveRequest, _: &Context| {
                Ok(RemoveReply { size: remove.store.remove(&request)? })
            })
    }
}

/// The next message of an upload, which has one until its `close`. The peer has been silent since then, and may be for so long.
fn next_message(
    requests: &mut Requests<PutMessage>,
    (since, silence): (Instant, Duration),
) -> Result<PutMessage, Status> {
    match requests.next_timeout(silence.saturating_sub(since.elapsed())) {
        Poll::Ready(Some(message)) => message,
        Poll::Ready(None) => Err(out_of_order("an upload ends with `close`")),
        Poll::Pending => Err(silent("sent", silence)),
    }
}

fn out_of_order(reason: &str) -> Status {
    Status::new(Code::InvalidArgument, reason)
}

#[cfg(test)]
mod tests;
