//! One connection as its callers share it: they open streams, queue messages, wait for answers, and write as much as the socket takes.
//!
//! Everything is behind one lock that nobody holds while a system call or a peer could make it wait. A call is a stream like any
//! other: the link knows each by an [entry](state::Entry), brings what comes of it into an [`Inbox`], and takes what is sent on it as
//! long as there is room. When it is written is one [policy](flush) for all.

mod events;
mod flush;
mod lead;
mod state;
mod streams;
#[cfg(test)]
mod tests;
mod unread;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bulla_core::connection::{Bounds, Connection, Session};
use mio::Waker;

use self::state::{State, Wakeup};
pub(crate) use self::streams::{Beginning, Expects, GivenUp, Refusal};
use crate::Lost;
use crate::drive::Driver;
use crate::inbox::Inbox;
use crate::socket::Socket;

/// A connection that is shared by callers and its keeper.
pub(crate) struct Link {
    pub(crate) socket: Socket,
    waker: Waker,
    bounds: Bounds,
    state: Mutex<State>,
    /// The handshake is done, room came, a stream ended, bytes were written, or the connection is over.
    changed: Condvar,
    /// The keeper is to look.
    keeper: Condvar,
}

impl Link {
    pub(crate) fn new(
        connection: Connection,
        socket: Socket,
        waker: Waker,
        bounds: Bounds,
        driver: Box<Driver>,
    ) -> Self {
        let state = Mutex::new(State::new(connection, &bounds, driver));
        Self { socket, waker, bounds, state, changed: Condvar::new(), keeper: Condvar::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is our bug; the others still deserve an error in place of a second panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // For callers

    /// Waits for the end of the handshake, which is bounded in time.
    pub(crate) fn wait_for_session(&self) -> Result<Session, Lost> {
        let mut state = self.lock();
        loop {
            if let Some(session) = state.connection.session() {
                return Ok(session.clone());
            }
            if let Some(reason) = &state.over {
                return Err(reason.clone());
            }
            state = self.wait(state, None);
        }
    }

    /// Whether new streams have a chance here.
    pub(crate) fn is_usable(&self) -> bool {
        let state = self.lock();
        state.over.is_none() && !state.going_away && !state.connection.is_over()
    }

    /// Sends a ping; its answer comes into the inbox.
    pub(crate) fn ping(&self) -> Result<([u8; 8], Arc<Inbox>), Lost> {
        let mut state = self.lock();
        if let Some(reason) = &state.over {
            return Err(reason.clone());
        }
        state.next_ping = state.next_ping.wrapping_add(1);
        let mut bytes = *b"ping\0\0\0\0";
        bytes[4..].copy_from_slice(&state.next_ping.to_be_bytes());
        let inbox = Arc::new(Inbox::default());
        state.pings.insert(bytes, Arc::clone(&inbox));
        state.connection.ping(bytes);
        self.flush_from(state);
        Ok((bytes, inbox))
    }

    /// Forgets a ping.
    pub(crate) fn forget_ping(&self, bytes: [u8; 8]) {
        self.lock().pings.remove(&bytes);
    }

    /// Ends the connection in order: waits until what is under way is done and CLOSE is written, for `linger` at most.
    pub(crate) fn close(&self, linger: Duration) {
        let until = Some(Instant::now() + linger);
        let in_time = || until.is_some_and(|until| Instant::now() < until);
        let mut state = self.lock();
        while state.over.is_none() && state.is_busy() && in_time() {
            state = self.wait(state, until);
        }
        state.connection.close();
        self.flush_from(state);
        let mut state = self.lock();
        while !(state.over.is_some() && state.is_written()) && in_time() {
            state = self.wait(state, until);
        }
    }

    /// Ends the connection in order without waiting for it: what is queued goes out first, for `linger` at most.
    pub(crate) fn close_soon(&self, linger: Duration) {
        let mut state = self.lock();
        state.going_away = true;
        if state.is_busy() {
            state.close_at = Some(Instant::now() + linger);
        } else {
            state.connection.close();
        }
        self.wake_driver(&mut state);
        self.flush_from(state);
    }

    /// Takes no new streams; ends the connection in order once those under way are done, however long they take.
    pub(crate) fn retire(&self) {
        let mut state = self.lock();
        state.going_away = true;
        self.wake_driver(&mut state);
    }

    // For whoever leads

    /// Takes note that the leader is awake.
    pub(crate) fn handle_wake(&self) {
        self.lock().woken = false;
    }

    /// Takes note that the socket takes bytes again.
    pub(crate) fn handle_writable(&self) {
        let mut state = self.lock();
        state.writable += 1;
        state.blocked = None;
    }

    /// Hands the time, and whatever `step` does, to the connection; brings what comes of it to those who wait for it.
    pub(crate) fn handle(&self, step: impl FnOnce(&mut Connection, Instant)) {
        let mut state = self.lock();
        let now = Instant::now();
        step(&mut state.connection, now);
        state.connection.handle_timeout(now);
        while let Some(event) = state.connection.poll_event() {
            state.handle_event(event);
        }
        if state.blocked.is_some_and(|since| now.saturating_duration_since(since) >= self.bounds.idle) {
            state.end(&Lost::Stalled(self.bounds.idle));
        }
        if state.going_away && !state.is_busy() || state.close_at.is_some_and(|at| now >= at) {
            state.close_at = None;
            state.connection.close();
        }
        self.unlock(state);
    }

    /// Fails whoever still waits.
    pub(crate) fn end(&self, reason: &Lost) {
        let mut state = self.lock();
        state.end(reason);
        self.unlock(state);
    }

    /// When the leader is wanted again without anything happening at the socket.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let state = self.lock();
        let stall = state.blocked.and_then(|since| since.checked_add(self.bounds.idle));
        [state.connection.poll_timeout(), stall, state.close_at].into_iter().flatten().min()
    }

    // Inside

    /// Waits for any change.
    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>, until: Option<Instant>) -> MutexGuard<'a, State> {
        state.waiting += 1;
        state = self.wait_for_change(&self.changed, state, until);
        state.waiting -= 1;
        state
    }

    /// Has the leader look whether it still waits for something.
    fn rouse_leader(&self, state: &mut State) {
        if !state.lead.is_free() {
            self.wake_driver(state);
        }
    }

    /// As [`unlock`](Self::unlock), and tells interceptors what they are to hear: not while leading, since they may call and wait.
    fn unlock_and_tell(&self, mut state: MutexGuard<'_, State>) {
        let endings = std::mem::take(&mut state.endings);
        self.unlock(state);
        endings.into_iter().for_each(|(endings, end)| end.tell(endings));
    }

    /// Gives the lock back, then wakes whoever has something to look at.
    fn unlock(&self, mut state: MutexGuard<'_, State>) {
        let (wakeups, waiting) = (std::mem::take(&mut state.wakeups), state.waiting);
        drop(state);
        if waiting > 0 {
            self.changed.notify_all();
        }
        wakeups.into_iter().for_each(Wakeup::wake);
    }
}

fn sleep<'a>(on: &Condvar, state: MutexGuard<'a, State>, until: Option<Instant>) -> MutexGuard<'a, State> {
    let Some(until) = until else { return on.wait(state).unwrap_or_else(PoisonError::into_inner) };
    let left = until.saturating_duration_since(Instant::now());
    on.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
}
