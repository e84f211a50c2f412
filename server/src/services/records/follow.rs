//! Following a collection: the records that there are, then those that come, each once and in order of their numbers.
//!
//! A follower is a place in the collection and a stream, nothing more: what it has not been sent is read from the database when its
//! stream has room. So one that is slow, or dead, costs no memory and nobody's time, and there is no moment between the list and what
//! comes in which a record could be lost or doubled: numbers grow as records are committed, one batch at a time.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use bulla_core::status::{Code, Status};
use serde::{Deserialize, Serialize};

use crate::route::{Replies, TrySendError};
use crate::services::records::roll::Roll;
use crate::services::records::store::Store;
use crate::services::records::{Record, check_collection};
use crate::sync::lock;

/// How many may follow at once.
const MAX_FOLLOWERS: usize = 65_536;

/// Records, and bytes of them, that are read for one follower before the next has its turn.
const TURN: u32 = 100;
const TURN_BYTES: usize = 64 << 10;

/// What `records.follow` asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowRequest {
    /// The collection; it may have no records yet.
    pub collection: String,
    /// The number after which to begin; from the first record without it.
    #[serde(default)]
    pub after: Option<u64>,
}

/// What `records.follow` answers with, again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Followed {
    /// The next record.
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

/// Those who follow, and the thread that works for them.
pub(super) struct Followers {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the followers' thread shares with those who wake it.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    roll: Roll<Follower>,
    stopping: bool,
}

struct Follower {
    collection: String,
    after: u64,
    live: bool,
    replies: Replies,
}

/// What a turn came to.
enum Turn {
    /// There is more to send, and perhaps room for it.
    More,
    /// Nothing to do before it is woken.
    Idle,
    End,
}

impl Followers {
    pub(super) fn start(store: Arc<Store>) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("bulla-followers".to_owned()).spawn(move || own.work(&store))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What tells followers of new records.
    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Adds one.
    pub(super) fn add(&self, request: FollowRequest, replies: Replies) {
        let FollowRequest { collection, after } = request;
        let number = match check_collection(&collection).and_then(|()| self.shared.number()) {
            Ok(number) => number,
            Err(status) => return replies.fail(status),
        };
        let [room, drain, gone] = [(), (), ()].map(|()| Arc::downgrade(&self.shared));
        replies.on_room(move || room.upgrade().into_iter().for_each(|shared| shared.wake(number)));
        replies.on_drain(move || drain.upgrade().into_iter().for_each(|shared| shared.wake(number)));
        // One that is gone before it is added is found out at its first turn.
        replies.on_cancel(move || gone.upgrade().into_iter().for_each(|shared| shared.remove(number)));
        let follower = Follower { collection: collection.clone(), after: after.unwrap_or(0), live: false, replies };
        lock(&self.shared.state).roll.insert(number, &collection, follower);
        self.shared.work.notify_one();
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        lock(&self.shared.state).stopping = true;
        self.shared.work.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // A panic of the thread was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Tells those who follow a collection that there is more.
    pub(super) fn appended<'a>(&self, collections: impl Iterator<Item = &'a str>) {
        let mut state = lock(&self.state);
        if state.roll.len() > 0 {
            collections.for_each(|collection| state.roll.wake_all(collection));
            self.work.notify_one();
        }
    }

    fn number(&self) -> Result<u64, Status> {
        let mut state = lock(&self.state);
        if state.roll.len() < MAX_FOLLOWERS {
            return Ok(state.roll.number());
        }
        Err(Status::new(Code::ResourceExhausted, format_args!("{MAX_FOLLOWERS} follow, and no more may")))
    }

    fn wake(&self, number: u64) {
        lock(&self.state).roll.wake(number);
        self.work.notify_one();
    }

    fn remove(&self, number: u64) {
        let removed = lock(&self.state).roll.remove(number);
        drop(removed);
    }

    /// Gives turns until the end.
    fn work(&self, store: &Store) {
        while let Some((number, mut follower)) = self.next() {
            match follower.turn(store) {
                Ok(Turn::More) => self.put_back(number, follower, true),
                Ok(Turn::Idle) => self.put_back(number, follower, false),
                Ok(Turn::End) => {
                    self.remove(number);
                    follower.replies.finish();
                }
                Err(status) => {
                    self.remove(number);
                    follower.replies.fail(status);
                }
            }
        }
        let left = lock(&self.state).roll.clear();
        let closed = Status::new(Code::Unavailable, "the records are closed");
        left.into_iter().for_each(|follower| follower.replies.fail(closed.clone()));
    }

    /// Waits for one that is due; `None` at the end.
    fn next(&self) -> Option<(u64, Follower)> {
        let mut state = lock(&self.state);
        while !state.stopping {
            if let Some(due) = state.roll.take() {
                return Some(due);
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    fn put_back(&self, number: u64, follower: Follower, due: bool) {
        let mut state = lock(&self.state);
        if due {
            state.roll.wake(number);
        }
        let gone = state.roll.put_back(number, follower);
        drop(state);
        drop(gone);
    }
}

impl Follower {
    /// Sends what there is and finds room, up to a turn of it.
    fn turn(&mut self, store: &Store) -> Result<Turn, Status> {
        let (records, more) = store.list(&self.collection, self.after, TURN, TURN_BYTES)?;
        for record in records {
            let id = record.id;
            if !self.send(id, record)? {
                return Ok(Turn::Idle);
            }
            self.after = id;
        }
        if more {
            return Ok(Turn::More);
        }
        if !self.live {
            self.live = self.try_send(self.replies.context().encode(&Followed::Live)?)?;
        }
        Ok(if self.replies.is_draining() { Turn::End } else { Turn::Idle })
    }

    /// `false` if there is no room.
    fn send(&self, id: u64, record: Record) -> Result<bool, Status> {
        let longest = self.replies.context().session.limits.message as usize;
        let reason = match self.replies.context().encode(&Followed::Record(record)) {
            Ok(message) if message.len() <= longest => return self.try_send(message),
            Ok(message) => format!("{} bytes, and a message may have {longest}", message.len()),
            Err(status) => status.reason().to_owned(),
        };
        self.try_send(self.replies.context().encode(&Followed::Skipped { id, reason })?)
    }

    fn try_send(&self, message: Vec<u8>) -> Result<bool, Status> {
        match self.replies.try_send_encoded(message) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full) => Ok(false),
            Err(TrySendError::Failed(status)) => Err(status),
        }
    }
}
