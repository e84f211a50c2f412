//! The stock server's records: documents kept in collections.
//!
//! Both sides must use the very same types, field for field, or a codec that does not describe itself would mix them up: these
//! mirror the server's, and an end-to-end test compares the two in every codec.

use bulla_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::pages::{Listed, Pages};
use crate::{CallError, CallOptions, Client, Incoming};

/// The most records that a server gives in one page.
pub const MAX_PAGE: u32 = 1000;

/// What `records.append` takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Append {
    /// The collection's name; it comes into being with its first document.
    pub collection: String,
    /// The document, of any shape.
    pub document: Value,
}

/// What `records.append` answers: the document is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// The record's number: unique in the server's database, growing, never used again.
    pub id: u64,
}

/// What `records.get` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Get {
    /// The collection's name.
    pub collection: String,
    /// The record's number.
    pub id: u64,
}

/// What `records.list` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The collection's name.
    pub collection: String,
    /// Only records after this number.
    pub after: Option<u64>,
    /// At most so many records, from 1 to [`MAX_PAGE`]; without it, as many as the server likes.
    pub limit: Option<u32>,
}

/// One document and what the server knows of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The record's number.
    pub id: u64,
    /// The collection's name.
    pub collection: String,
    /// The document.
    pub document: Value,
    /// The codec in which it came.
    pub codec: String,
    /// The name of the key with which it came, if that has one.
    pub peer: Option<String>,
    /// When it was written: RFC 3339, UTC.
    pub received_at: String,
}

/// What `records.list` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The records, by number.
    pub records: Vec<Record>,
    /// There are more after the last of these.
    pub more: bool,
}

/// A collection: `records.collections` takes any document and answers a list of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// How many records it has.
    pub records: u64,
}

/// What `records.follow` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// The collection's name; it may have no records yet.
    pub collection: String,
    /// Only records after this number.
    pub after: Option<u64>,
}

/// What `records.follow` gives, again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Followed {
    /// The next record, in order of number.
    Record(Record),
    /// The next record, which does not come: the session's codec cannot carry its document, or it is longer than a message may be.
    Skipped {
        /// Its number.
        id: u64,
        /// Why.
        reason: String,
    },
    /// Said once: all that was there has come.
    Live,
}

/// The records of a server, by collection. Made by [`Client::records`].
#[derive(Clone, Copy)]
pub struct Records<'a> {
    client: &'a Client,
}

impl<'a> Records<'a> {
    pub(crate) const fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Appends a document; its number comes back once it is on disk.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn append(&self, collection: &str, document: Value) -> Result<u64, CallError> {
        let request = Append { collection: collection.to_owned(), document };
        self.client.call("records.append", &request).map(|appended: Appended| appended.id)
    }

    /// The record of that number.
    ///
    /// # Errors
    /// As [`Client::call`]; `NOT_FOUND` if there is none.
    pub fn get(&self, collection: &str, id: u64) -> Result<Record, CallError> {
        self.client.call("records.get", &Get { collection: collection.to_owned(), id })
    }

    /// The first records after a number: one page of them.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn page(&self, collection: &str, after: Option<u64>, limit: Option<u32>) -> Result<Page, CallError> {
        self.client.call("records.list", &List { collection: collection.to_owned(), after, limit })
    }

    /// All records of a collection, fetched page by page. After an error, nothing follows.
    #[must_use]
    pub fn iter(&self, collection: &str) -> Iter<'a> {
        self.iter_after(collection, None)
    }

    /// As [`iter`](Self::iter), from the first record after a number.
    #[must_use]
    pub fn iter_after(&self, collection: &str, after: Option<u64>) -> Iter<'a> {
        Iter { records: *self, collection: collection.to_owned(), pages: Pages::new("records.list", after) }
    }

    /// All records of a collection after a number, then each one as it is appended: none is left out, none comes twice. It goes on
    /// until it is dropped, or the server ends it.
    ///
    /// # Errors
    /// As [`Client::server_stream`].
    pub fn follow(&self, collection: &str, after: Option<u64>) -> Result<Incoming<Followed>, CallError> {
        let request = Follow { collection: collection.to_owned(), after };
        self.client.server_stream("records.follow", &request, &CallOptions::new())
    }

    /// The collections, by name.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn collections(&self) -> Result<Vec<Collection>, CallError> {
        self.client.call("records.collections", &Value::Null)
    }
}

/// The records of a collection, in order of number. Made by [`Records::iter`].
pub struct Iter<'a> {
    records: Records<'a>,
    collection: String,
    pages: Pages<Record>,
}

impl Listed for Record {
    type Key = u64;

    fn key(&self) -> u64 {
        self.id
    }

    fn is_after(&self, key: &u64) -> bool {
        self.id > *key
    }
}

impl Iterator for Iter<'_> {
    type Item = Result<Record, CallError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pages.next(|after| {
            let page = self.records.page(&self.collection, after, None)?;
            Ok((page.records, page.more))
        })
    }
}
