//! The database file: opening it, and reading from it.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use bulla_core::text::escape;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::services::records::{Collection, Record, StoreError, from_text};
use crate::sync::lock;

/// Tells our databases from others: "BULL".
const APPLICATION: i64 = 0x4255_4c4c;

/// The layout below.
const LAYOUT: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE records (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        collection TEXT NOT NULL,
        document TEXT NOT NULL,
        codec TEXT NOT NULL,
        peer TEXT,
        received_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX records_by_collection ON records (collection, id);
    CREATE TABLE collections (name TEXT PRIMARY KEY, records INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// Idle connections for reading that are kept.
const KEPT: usize = 8;

/// The longest part of a path that an error shows, in characters.
const MAX_PATH: usize = 300;

/// A database, for reading. Any thread may read: each has a connection for as long.
pub(super) struct Store {
    path: PathBuf,
    patience: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Store {
    /// Opens or makes the database. The connection is for the one thread that writes.
    pub(super) fn open(path: &Path, patience: Duration) -> Result<(Self, Connection), StoreError> {
        create(path)?;
        let writer = connect(path, patience).and_then(|connection| prepare(connection, path));
        let writer = writer.map_err(|error| match error {
            StoreError::Damaged(_) => StoreError::NotADatabase(show(path)),
            StoreError::Failed(reason) => StoreError::Open { path: show(path), reason },
            error => error,
        })?;
        let store = Self { path: path.to_owned(), patience, idle: Mutex::new(Vec::new()) };
        // A first reader now, so that what keeps readers out is found at the start.
        store.read(|_| Ok(()))?;
        Ok((store, writer))
    }

    /// The record of that number, if it is in the collection.
    pub(super) fn find(&self, collection: &str, id: u64) -> Result<Option<Record>, StoreError> {
        let Ok(id) = i64::try_from(id) else { return Ok(None) };
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, collection, document, codec, peer, received_at FROM records WHERE id = ?1 AND collection = ?2",
            )?;
            query.query_row((id, collection), Stored::parse).optional()?.map(Stored::into_record).transpose()
        })
    }

    /// Up to `limit` records behind the number `after`, of no more than `most` bytes unless it is one, and whether there
    /// are more.
    pub(super) fn list(
        &self,
        collection: &str,
        after: u64,
        limit: u32,
        most: usize,
    ) -> Result<(Vec<Record>, bool), StoreError> {
        let Ok(after) = i64::try_from(after) else { return Ok((Vec::new(), false)) };
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, collection, document, codec, peer, received_at FROM records
                 WHERE collection = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            )?;
            let mut rows = query.query((collection, after, i64::from(limit) + 1))?;
            let (mut records, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let stored = Stored::parse(row)?;
                bytes += stored.document.len();
                let full = bytes > most && !records.is_empty();
                if full || records.len() == limit as usize {
                    return Ok((records, true));
                }
                records.push(stored.into_record()?);
            }
            Ok((records, false))
        })
    }

    /// All collections, by name.
    pub(super) fn collections(&self) -> Result<Vec<Collection>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT name, records FROM collections ORDER BY name")?;
            let rows = query.query_map((), |row| {
                let records = row.get::<_, i64>(1)?;
                Ok(Collection { name: row.get(0)?, records: u64::try_from(records).unwrap_or_default() })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Reads with a connection of its own; after an error the connection is not used again.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let connection = connect(&self.path, self.patience)?;
                connection.pragma_update(None, "query_only", true)?;
                connection
            }
        };
        let found = work(&connection)?;
        let mut idle = lock(&self.idle);
        if idle.len() < KEPT {
            idle.push(connection);
        }
        Ok(found)
    }
}

/// A row as it is stored.
struct Stored {
    id: i64,
    collection: String,
    document: String,
    codec: String,
    peer: Option<String>,
    received_at: String,
}

impl Stored {
    fn parse(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            collection: row.get(1)?,
            document: row.get(2)?,
            codec: row.get(3)?,
            peer: row.get(4)?,
            received_at: row.get(5)?,
        })
    }

    fn into_record(self) -> Result<Record, StoreError> {
        let Self { id, collection, document, codec, peer, received_at } = self;
        let id = u64::try_from(id).map_err(|_| StoreError::Damaged(format!("a record's number is {id}")))?;
        Ok(Record { id, collection, document: from_text(&document)?, codec, peer, received_at })
    }
}

/// Makes an empty file if there is none, closed to other users: SQLite gives its log the same mode.
fn create(path: &Path) -> Result<(), StoreError> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        return Err(StoreError::IsFolder(show(path)));
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(StoreError::Open { path: show(path), reason: error.to_string() })
        }
        _ => Ok(()),
    }
}

fn connect(path: &Path, patience: Duration) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(patience)?;
    Ok(connection)
}

/// Checks that the database is ours, or makes it so, and sets it up for writing.
fn prepare(mut connection: Connection, path: &Path) -> Result<Connection, StoreError> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    let fresh = application == 0 && layout == 0 && tables == 0;
    if !fresh && application != APPLICATION {
        return Err(StoreError::Foreign(show(path)));
    }
    if layout > LAYOUT {
        return Err(StoreError::Newer { path: show(path), found: layout, known: LAYOUT });
    }
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::NoLog(show(path)));
    }
    // A commit returns when the log is on disk: what an acknowledgement stands for.
    connection.pragma_update(None, "synchronous", "full")?;
    if fresh {
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", LAYOUT)?;
        transaction.commit()?;
    }
    Ok(connection)
}

fn show(path: &Path) -> String {
    escape(&path.display(), MAX_PATH)
}
