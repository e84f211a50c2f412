//! Records: documents of any codec, kept in SQLite. An acknowledgement means that the record is on disk.
//!
//! | route | request | reply |
//! |---|---|---|
//! | `records.append` | `{collection, document}` | `{id}` |
//! | `records.get` | `{collection, id}` | `{id, collection, document, codec, peer, received_at}` |
//! | `records.list` | `{collection, after?, limit?}` | `{records, more}` |
//! | `records.collections` | any document | `[{name, records}]` |
//! | `records.follow` | `{collection, after?}` | a stream of [`Followed`]: the records that there are, then those that come |
//!
//! A document is stored as text that holds every [`Value`] exactly and that people can read with `sqlite3`: see [`to_text`]. The same
//! document gives the same text, whatever codec it came in. `received_at` is UTC,
//! [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339), with milliseconds.
//!
//! The database is in WAL mode with `synchronous=FULL`. One thread writes: all appends that wait share one transaction, and are
//! answered when it is committed. Readers have connections of their own.

mod document;
mod error;
mod follow;
mod observer;
mod roll;
mod store;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bulla_core::status::{Code, Status};
use bulla_core::value::{Map, Value};
use serde::{Deserialize, Serialize};

pub use self::document::{DocumentError, from_text, to_text};
pub use self::error::StoreError;
use self::follow::Followers;
pub use self::follow::{FollowRequest, Followed};
pub use self::observer::{JsonLines, Observer};
use self::store::Store;
use self::writer::{Append, Writer};
use crate::builder::Builder;
use crate::route::{Context, Replies, Responder};
use crate::services::Service;

/// The longest name of a collection, in bytes.
pub const MAX_COLLECTION: usize = 128;

/// The most records that one `records.list` gives, and how many it gives when the request does not say.
pub const MAX_LIST: u32 = 1000;
const DEFAULT_LIST: u32 = 100;

/// Bytes of documents after which a list ends, so that its reply fits a message.
const LIST_BYTES: usize = 1 << 20;

/// One document with what is known of its coming.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number: unique in the database, growing, never used again.
    pub id: u64,
    /// The collection that it was appended to.
    pub collection: String,
    /// The document.
    pub document: Value,
    /// The codec that it came in.
    pub codec: String,
    /// The name of the key of the peer that sent it, if the key has one.
    pub peer: Option<String>,
    /// When it was written.
    pub received_at: String,
}

/// How many records a collection has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// How many records it has.
    pub records: u64,
}

/// What `records.append` asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppendRequest {
    /// 1 to [`MAX_COLLECTION`] bytes without control characters. A collection begins with its first record.
    pub collection: String,
    /// Any document.
    pub document: Value,
}

/// What `records.append` answers: the record is on disk.
#[derive(Debug, Serialize, Deserialize)]
pub struct AppendReply {
    /// The number of the new record.
    pub id: u64,
}

/// What `records.get` asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetRequest {
    /// The collection.
    pub collection: String,
    /// The number of the record.
    pub id: u64,
}

/// What `records.list` asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRequest {
    /// The collection.
    pub collection: String,
    /// The number after which to begin; from the first record without it.
    #[serde(default)]
    pub after: Option<u64>,
    /// The most records to give: 100 if not said, at most [`MAX_LIST`].
    #[serde(default)]
    pub limit: Option<u32>,
}

/// What `records.list` answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListReply {
    /// The records in order of their numbers.
    pub records: Vec<Record>,
    /// There are more: ask again, after the last number.
    pub more: bool,
}

/// The service. A clone is for the same database.
#[derive(Clone)]
pub struct Records {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<Store>,
    writer: Writer,
    followers: Followers,
}

impl Records {
    /// Opens the database, or makes it (closed to other users), and starts the thread that writes. Every record is shown to the
    /// observers once it is on disk.
    ///
    /// # Errors
    /// [`StoreError`] says what is wrong with the file.
    pub fn open(path: impl AsRef<Path>, observers: Vec<Box<dyn Observer>>) -> Result<Self, StoreError> {
        Self::open_with(path.as_ref(), observers, Duration::from_secs(5))
    }

    fn open_with(path: &Path, observers: Vec<Box<dyn Observer>>, patience: Duration) -> Result<Self, StoreError> {
        let (store, connection) = Store::open(path, patience)?;
        Self::start(store, connection, observers)
    }

    fn start(
        store: Store,
        connection: rusqlite::Connection,
        observers: Vec<Box<dyn Observer>>,
    ) -> Result<Self, StoreError> {
        let store = Arc::new(store);
        let followers = Followers::start(Arc::clone(&store)).map_err(StoreError::thread)?;
        let writer = Writer::start(connection, observers, followers.shared())?;
        Ok(Self { inner: Arc::new(Inner { store, writer, followers }) })
    }

    /// The number of records in each collection.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn collections(&self) -> Result<Vec<Collection>, StoreError> {
        self.inner.store.collections()
    }

    /// Collections and their counts as a document, for [`Info::with`](crate::services::Info::with).
    #[must_use]
    pub fn summary(&self) -> Value {
        match self.collections() {
            Ok(collections) => {
                collections.into_iter().map(|collection| (collection.name, collection.records)).collect::<Map>().into()
            }
            Err(error) => error.to_string().into(),
        }
    }

    /// Waits until everything that was appended so far is on disk and with the observers.
    pub fn flush(&self) {
        self.inner.writer.flush();
    }

    fn append(&self, request: AppendRequest, responder: Responder) {
        let context = responder.context();
        if let Err(status) = check_collection(&request.collection) {
            return responder.fail(status);
        }
        let append = Append {
            text: to_text(&request.document),
            collection: request.collection,
            document: request.document,
            codec: context.codec().to_string(),
            peer: context.peer().map(str::to_owned),
            done: Box::new(move |outcome| {
                responder.answer(outcome.map(|id| AppendReply { id }).map_err(|error| Status::from(&error)));
            }),
        };
        self.inner.writer.append(append);
    }

    fn get(&self, request: &GetRequest) -> Result<Record, Status> {
        check_collection(&request.collection)?;
        self.inner.store.find(&request.collection, request.id)?.ok_or_else(|| {
            let reason = format_args!("no record {} in the collection {:?}", request.id, request.collection);
            Status::new(Code::NotFound, reason)
        })
    }

    fn list(&self, request: &ListRequest) -> Result<ListReply, Status> {
        check_collection(&request.collection)?;
        let limit = request.limit.unwrap_or(DEFAULT_LIST);
        if limit == 0 || limit > MAX_LIST {
            let reason = format_args!("a limit is 1 to {MAX_LIST}, this is {limit}");
            return Err(Status::new(Code::InvalidArgument, reason));
        }
        let after = request.after.unwrap_or(0);
        let (records, more) = self.inner.store.list(&request.collection, after, limit, LIST_BYTES)?;
        Ok(ListReply { records, more })
    }
}

impl Service for Records {
    fn install(self, builder: Builder) -> Builder {
        let [append, get, list, follow, collections] = [self.clone(), self.clone(), self.clone(), self.clone(), self];
        builder
            .route_responder("records.append", move |request, responder| append.append(request, responder))
            .route("records.get", move |request: GetRequest, _: &Context| get.get(&request))
            .route("records.list", move |request: ListRequest, _: &Context| list.list(&request))
            .route("records.collections", move |_: Value, _: &Context| Ok(collections.collections()?))
            .route_server_stream("records.follow", move |request, replies: Replies| {
                follow.inner.followers.add(request, replies);
            })
    }
}

fn check_collection(name: &str) -> Result<(), Status> {
    if !name.is_empty() && name.len() <= MAX_COLLECTION && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let reason = format_args!("a collection's name is 1 to {MAX_COLLECTION} bytes without control characters");
    Err(Status::new(Code::InvalidArgument, reason))
}

#[cfg(test)]
mod tests;
