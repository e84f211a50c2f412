//! The threads for handlers of streams: a pool of which no peer has more than its share.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::shares::{Owned, Owner, Share, Shares};
use crate::sync::lock;
use crate::workers::{Plan, Workers};

/// Threads for handlers of streams, which may take as long as a stream lasts.
pub(crate) struct StreamThreads<J> {
    workers: Workers<Owned<J>>,
    /// Jobs that may wait, for their share or for a thread.
    capacity: usize,
    state: Arc<Mutex<State<J>>>,
}

struct State<J> {
    shares: Shares<J>,
    /// Jobs that wait.
    waiting: usize,
    stopped: bool,
}

impl<J: Send + 'static> StreamThreads<J> {
    /// Starts a pool that runs jobs through `run`, which must not panic.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(plan: Plan, share: Share, run: impl Fn(J) + Send + Sync + 'static) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State { shares: Shares::new(share), waiting: 0, stopped: false }));
        let shared = Arc::clone(&state);
        let workers = Workers::start(plan, move |Owned { owner, job }| {
            lock(&shared).waiting -= 1;
            run(job);
            lock(&shared).shares.leave(&owner)
        })?;
        Ok(Self { workers, capacity: plan.capacity, state })
    }

    /// Queues jobs from the front of `jobs`. What is left in it found no room.
    pub(crate) fn submit(&self, jobs: &mut VecDeque<Owned<J>>) {
        if jobs.is_empty() {
            return;
        }
        let mut begin = VecDeque::new();
        let mut state = lock(&self.state);
        while !state.stopped && state.waiting < self.capacity {
            let Some(owned) = jobs.pop_front() else { break };
            state.waiting += 1;
            begin.extend(state.shares.enter(owned));
        }
        drop(state);
        self.workers.submit_all(&mut begin);
    }

    /// Takes those out of an owner's jobs that wait for its share and are of no use any more, and gives them.
    pub(crate) fn purge(&self, owner: &Owner, is_useless: impl Fn(&J) -> bool) -> Vec<J> {
        let mut state = lock(&self.state);
        let (useless, mut begin) = state.shares.purge(owner, is_useless);
        state.waiting -= useless.len();
        drop(state);
        self.workers.submit_all(&mut begin);
        useless
    }

    /// Why a job of that owner that has waited for long has no thread; `None` if it is about to have one.
    pub(crate) fn lack(&self, owner: &Owner) -> Option<Lack> {
        let used_up = lock(&self.state).shares.used_up(owner);
        used_up.map(Lack::Share).or_else(|| self.workers.is_full().then_some(Lack::Threads))
    }

    /// The threads that there are.
    pub(crate) fn alive(&self) -> usize {
        self.workers.alive()
    }

    /// Drops what waits, lets what runs finish, and waits for that no longer than `patience`; `false` if a job still runs.
    pub(crate) fn stop(&self, patience: Duration) -> bool {
        let mut state = lock(&self.state);
        state.stopped = true;
        let dropped = state.shares.take_waiting();
        drop(state);
        drop(dropped);
        self.workers.stop(patience)
    }
}

/// Why a job has no thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Its owner has its share, in words for the owner.
    Share(&'static str),
    /// All are taken.
    Threads,
}
