//! The one thread that writes: all appends that wait share one transaction, and are answered when it is committed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use bulla_core::value::Value;
use rusqlite::{Connection, TransactionBehavior};

use crate::services::records::follow::Shared;
use crate::services::records::observer::Audience;
use crate::services::records::{Observer, Record, StoreError};

/// Appends that may wait.
const WAITING: usize = 8192;

/// Appends, and bytes of their documents, that one transaction takes.
const BATCH: usize = 1024;
const BATCH_BYTES: usize = 16 << 20;

/// One document on its way to disk.
pub(super) struct Append {
    pub(super) collection: String,
    /// The document as it is stored.
    pub(super) text: String,
    pub(super) document: Value,
    pub(super) codec: String,
    pub(super) peer: Option<String>,
    /// Told of the outcome, once.
    pub(super) done: Done,
}

/// What hears of the number of a record that is on disk, or why it is not.
pub(super) type Done = Box<dyn FnOnce(Result<u64, StoreError>) + Send>;

enum Task {
    Append(Append),
    /// Answer when all before is done.
    Flush(SyncSender<()>),
}

/// The thread that writes. Dropped, it finishes what waits, and ends.
pub(super) struct Writer {
    tasks: Option<SyncSender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        observers: Vec<Box<dyn Observer>>,
        followers: Arc<Shared>,
    ) -> Result<Self, StoreError> {
        let audience = Audience::start(observers).map_err(StoreError::thread)?;
        let (tasks, waiting) = sync_channel(WAITING);
        let desk = Desk { connection, audience, followers };
        let thread = thread::Builder::new().name("bulla-records".to_owned()).spawn(move || desk.work(&waiting));
        Ok(Self { tasks: Some(tasks), thread: Some(thread.map_err(StoreError::thread)?) })
    }

    /// Queues an append. Its `done` is called by the thread that writes, or at once if there is no room.
    pub(super) fn append(&self, append: Append) {
        let Some(tasks) = &self.tasks else { return (append.done)(Err(StoreError::Ended)) };
        let (refused, error) = match tasks.try_send(Task::Append(append)) {
            Ok(()) => return,
            Err(TrySendError::Full(task)) => (task, StoreError::Busy),
            Err(TrySendError::Disconnected(task)) => (task, StoreError::Ended),
        };
        if let Task::Append(append) = refused {
            (append.done)(Err(error));
        }
    }

    /// Waits until all that was queued is written and observed.
    pub(super) fn flush(&self) {
        let (sender, done) = sync_channel(1);
        if let Some(tasks) = &self.tasks
            && tasks.send(Task::Flush(sender)).is_ok()
        {
            // An error only says that the thread has ended.
            let _ = done.recv();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // A panic of the thread was reported where it happened.
            let _ = thread.join();
        }
    }
}

/// What the writing thread has.
struct Desk {
    connection: Connection,
    audience: Option<Audience>,
    followers: Arc<Shared>,
}

impl Desk {
    fn work(mut self, tasks: &Receiver<Task>) {
        while let Ok(first) = tasks.recv() {
            let (batch, flushes) = gather(first, tasks);
            self.write(batch);
            for flush in flushes {
                if let Some(audience) = &self.audience {
                    audience.flush();
                }
                // Whoever asked may have gone.
                let _ = flush.send(());
            }
        }
    }

    /// Writes a batch, answers it, then shows it to the observers.
    fn write(&mut self, batch: Vec<Append>) {
        if batch.is_empty() {
            return;
        }
        let received_at = humantime::format_rfc3339_millis(SystemTime::now().max(SystemTime::UNIX_EPOCH)).to_string();
        let numbers = match commit(&mut self.connection, &batch, &received_at) {
            Ok(numbers) => numbers,
            Err(error) => {
                tracing::error!("{} records were not written: {error}", batch.len());
                return batch.into_iter().for_each(|append| (append.done)(Err(error.clone())));
            }
        };
        self.followers.appended(batch.iter().map(|append| append.collection.as_str()));
        let mut records = Vec::with_capacity(if self.audience.is_some() { batch.len() } else { 0 });
        for (append, id) in batch.into_iter().zip(numbers) {
            (append.done)(Ok(id));
            if self.audience.is_some() {
                let Append { collection, document, codec, peer, .. } = append;
                records.push(Record { id, collection, document, codec, peer, received_at: received_at.clone() });
            }
        }
        if let Some(audience) = &self.audience {
            audience.show(records);
        }
    }
}

/// What waits behind the first task, up to a batch. What asks for a flush ends it.
fn gather(first: Task, tasks: &Receiver<Task>) -> (Vec<Append>, Vec<SyncSender<()>>) {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let mut next = Some(first);
    while let Some(task) = next {
        match task {
            Task::Append(append) => {
                bytes += append.text.len();
                batch.push(append);
            }
            Task::Flush(done) => return (batch, vec![done]),
        }
        next = if batch.len() < BATCH && bytes < BATCH_BYTES { tasks.try_recv().ok() } else { None };
    }
    (batch, Vec::new())
}

/// All of the batch, or nothing. Gives the numbers of the new records.
fn commit(connection: &mut Connection, batch: &[Append], received_at: &str) -> Result<Vec<u64>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut numbers = Vec::with_capacity(batch.len());
    {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO records (collection, document, codec, peer, received_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let mut count = transaction.prepare_cached(
            "INSERT INTO collections (name, records) VALUES (?1, 1)
             ON CONFLICT (name) DO UPDATE SET records = records + 1",
        )?;
        for append in batch {
            let id = insert.insert((&append.collection, &append.text, &append.codec, &append.peer, received_at))?;
            count.execute([&append.collection])?;
            numbers.push(u64::try_from(id).map_err(|_| StoreError::Damaged(format!("a record's number is {id}")))?);
        }
    }
    transaction.commit()?;
    Ok(numbers)
}
