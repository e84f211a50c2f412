//! Observers: who sees each record once it is on disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use serde::Serialize;

use crate::services::records::Record;
use crate::services::records::document::Tagged;

/// Batches that may wait for the observers before the writer waits for them.
const WAITING: usize = 64;

/// Sees each record once it is on disk, in order. The database is the truth: a record that was committed just before a crash may
/// never be shown.
pub trait Observer: Send {
    /// Sees a record.
    ///
    /// # Errors
    /// Whatever went wrong: it is logged, and the next record is shown all the same.
    fn observe(&mut self, record: &Record) -> io::Result<()>;
}

/// Appends each record to a file as one line of JSON, with the document in the form of [`to_text`](super::to_text).
pub struct JsonLines {
    file: File,
    /// The last line was not written whole.
    torn: bool,
}

impl JsonLines {
    /// Opens the file for appending, or makes it, closed to other users.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        Ok(Self { file, torn: false })
    }
}

impl Observer for JsonLines {
    fn observe(&mut self, record: &Record) -> io::Result<()> {
        let mut line = Vec::new();
        if self.torn {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, &Line::from(record))?;
        line.push(b'\n');
        self.torn = true;
        self.file.write_all(&line)?;
        self.torn = false;
        Ok(())
    }
}

/// A record as a line.
#[derive(Serialize)]
struct Line<'a> {
    id: u64,
    collection: &'a str,
    document: Tagged<'a>,
    codec: &'a str,
    peer: Option<&'a str>,
    received_at: &'a str,
}

impl<'a> From<&'a Record> for Line<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            id: record.id,
            collection: &record.collection,
            document: Tagged(&record.document),
            codec: &record.codec,
            peer: record.peer.as_deref(),
            received_at: &record.received_at,
        }
    }
}

/// The observers on a thread of their own: a slow screen delays the answers only when many batches wait.
pub(super) struct Audience {
    shows: Option<SyncSender<Show>>,
    thread: Option<JoinHandle<()>>,
}

enum Show {
    Records(Vec<Record>),
    Flush(SyncSender<()>),
}

impl Audience {
    /// Starts the thread; `None` without observers.
    pub(super) fn start(mut observers: Vec<Box<dyn Observer>>) -> io::Result<Option<Self>> {
        if observers.is_empty() {
            return Ok(None);
        }
        let (shows, waiting) = sync_channel(WAITING);
        let thread = thread::Builder::new().name("bulla-observers".to_owned()).spawn(move || {
            for show in waiting {
                match show {
                    Show::Records(records) => records.iter().for_each(|record| show_one(&mut observers, record)),
                    // Whoever asked may have gone.
                    Show::Flush(done) => drop(done.send(())),
                }
            }
        })?;
        Ok(Some(Self { shows: Some(shows), thread: Some(thread) }))
    }

    pub(super) fn show(&self, records: Vec<Record>) {
        self.send(Show::Records(records));
    }

    /// Waits until everything was shown.
    pub(super) fn flush(&self) {
        let (sender, done) = sync_channel(1);
        self.send(Show::Flush(sender));
        // An error only says that the thread has ended.
        let _ = done.recv();
    }

    fn send(&self, show: Show) {
        if let Some(shows) = &self.shows
            && shows.send(show).is_err()
        {
            tracing::error!("the observers of the records have ended");
        }
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        self.shows = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported where it happened.
            let _ = thread.join();
        }
    }
}

fn show_one(observers: &mut [Box<dyn Observer>], record: &Record) {
    for observer in observers {
        if let Err(error) = observer.observe(record) {
            tracing::error!("record {} is in the database, but an observer failed: {error}", record.id);
        }
    }
}
