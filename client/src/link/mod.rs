//! One connection as its callers share it: they open streams, queue messages, wait for answers, and write as much as the socket takes.
//!
//! Everything is behind one lock that nobody holds while a system call or a peer could make it wait. A call is a stream like any
//! other: the link knows each by an [entry](state::Entry), brings what comes of it into an [`Inbox`], and takes what is sent on it as
//! long as there is room. When it is written is one [policy](flush) for all.

mod flush;
mod state;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bulla_core::connection::{Bounds, CommandError, Connection, Open, Session, StreamId};
use bulla_core::status::{Code, Status};
use mio::Waker;

use self::state::{Entry, State};
use crate::Lost;
use crate::inbox::{End, Inbox};
use crate::socket::Socket;

/// What a call costs on the wire besides its message, roughly, in bytes.
const CALL_COST: usize = 64;

/// A connection that is shared by callers and its driver.
pub(crate) struct Link {
    pub(crate) socket: Socket,
    waker: Waker,
    bounds: Bounds,
    state: Mutex<State>,
    /// The handshake is done, room came, a stream ended, bytes were written, or the connection is over.
    changed: Condvar,
}

/// What a stream begins with.
pub(crate) struct Beginning<'a> {
    pub(crate) open: &'a Open,
    /// All that this side says; without it, messages follow one by one.
    pub(crate) request: Option<Vec<u8>>,
    pub(crate) expects: Expects,
    /// It may wait for others to share a record with; otherwise it is written at once.
    pub(crate) soon: bool,
}

/// What a stream still expects from the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expects {
    Nothing,
    One,
    Many,
}

/// A stream under way.
pub(crate) struct Opened {
    pub(crate) stream: StreamId,
    pub(crate) inbox: Arc<Inbox>,
}

/// Why nothing was queued.
pub(crate) enum Refusal {
    Lost(Lost),
    Command(CommandError),
    Deadline,
    /// The stream is over: its inbox says why.
    Over,
}

/// Why this side ends a stream early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    Cancelled,
    Deadline,
}

impl Link {
    pub(crate) fn new(connection: Connection, socket: Socket, waker: Waker, bounds: Bounds) -> Self {
        Self { socket, waker, bounds, state: Mutex::new(State::new(connection)), changed: Condvar::new() }
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

    /// Opens a stream as soon as there is room, until `until` at most.
    pub(crate) fn open(&self, beginning: Beginning<'_>, until: Option<Instant>) -> Result<Opened, Refusal> {
        let Beginning { open, request, expects, soon } = beginning;
        let size = request.as_ref().map_or(0, Vec::len) + open.route.len() + CALL_COST;
        let mut state = self.lock();
        let mut flushed = false;
        let stream = loop {
            match state.try_open(open, self.bounds.outbound)? {
                Some(stream) => break stream,
                // Nothing gets room while what is queued is not on its way.
                None if !flushed => (state, flushed) = (self.flush_locked(state), true),
                None if is_past(until) => return Err(Refusal::Deadline),
                None => state = self.wait(state, until),
            }
        };
        let outlet = request.is_none().then(Arc::default);
        if let Some(request) = request {
            let sent = state.connection.send(stream, request).and_then(|()| state.connection.finish(stream));
            if let Err(error) = sent {
                // The stream was opened in vain. Nothing of it has been written.
                let _ = state.connection.reset(stream, &Status::new(Code::Cancelled, "the request does not fit"));
                return Err(Refusal::Command(error));
            }
            state.backlog += size;
        }
        let inbox = Arc::new(Inbox::default());
        state.unwritten.push(stream);
        if expects != Expects::Nothing {
            // Only what is asked and not answered yet is in flight: a long stream's request is not.
            let size = if expects == Expects::One && outlet.is_none() { size } else { 0 };
            state.in_flight += size;
            state.streams.insert(stream, Entry { inbox: Arc::clone(&inbox), size, sent: false, expects, outlet });
        }
        state.fresh += size;
        if soon {
            let in_flight = state.in_flight;
            self.flush_by_and_by(state, in_flight);
        } else {
            self.flush_from(state);
        }
        Ok(Opened { stream, inbox })
    }

    /// Sends a message on a stream that was opened for it: `false` if it has no room and `wait` is not set. With it, waits for
    /// room until `until` at most.
    pub(crate) fn send(
        &self,
        stream: StreamId,
        message: Vec<u8>,
        wait: bool,
        until: Option<Instant>,
    ) -> Result<bool, Refusal> {
        let size = message.len() + CALL_COST;
        let mut state = self.lock();
        let mut flushed = false;
        loop {
            let outlet = state.outlet(stream).ok_or(Refusal::Over)?;
            if state.has_room(stream) {
                break;
            }
            if !flushed {
                (state, flushed) = (self.flush_locked(state), true);
                continue;
            }
            if !wait {
                return Ok(false);
            }
            if is_past(until) {
                return Err(Refusal::Deadline);
            }
            let outlet = Arc::clone(outlet);
            state.crowded.push(stream);
            state = sleep(&outlet, state, until);
        }
        state.connection.send(stream, message).map_err(Refusal::Command)?;
        state.fresh += size;
        let window = state.window();
        let mut in_flight = state.in_flight;
        if let Some(entry) = state.streams.get_mut(&stream) {
            entry.size = entry.size.saturating_add(size).min(window);
            in_flight += entry.size;
        }
        self.flush_by_and_by(state, in_flight);
        Ok(true)
    }

    /// Ends this side of a stream, behind what was sent on it.
    pub(crate) fn finish(&self, stream: StreamId) -> Result<(), Refusal> {
        let mut state = self.lock();
        let entry = state.streams.get_mut(&stream).filter(|entry| entry.outlet.is_some()).ok_or(Refusal::Over)?;
        let outlet = entry.outlet.take();
        entry.size = 0;
        if entry.expects == Expects::Nothing {
            state.remove(stream);
        }
        state.connection.finish(stream).map_err(Refusal::Command)?;
        // Whoever still waits to send on it has come too late.
        state.wakeups.extend(outlet.map(state::Wakeup::Sender));
        self.flush_from(state);
        Ok(())
    }

    /// Ends a stream early, unless it is over: its inbox says how it ended.
    pub(crate) fn give_up(&self, stream: StreamId, why: GivenUp) {
        let mut state = self.lock();
        self.reset(&mut state, stream, why);
        self.flush_from(state);
    }

    /// Ends a stream whose reader is gone, unless it is over, and drops what nobody will read: what is in the inbox, and as much
    /// more as the reader had taken.
    pub(crate) fn abandon(&self, stream: StreamId, inbox: &Inbox, messages: usize, bytes: usize) {
        let mut state = self.lock();
        self.reset(&mut state, stream, GivenUp::Cancelled);
        state.discard(stream, inbox, messages, bytes);
        self.flush_from(state);
    }

    /// Ends every stream early.
    pub(crate) fn give_up_all(&self) {
        let mut state = self.lock();
        for stream in state.conclude_all(|_| End::Cancelled) {
            let _ = state.connection.reset(stream, &Status::new(Code::Cancelled, "the caller gave up"));
        }
        self.flush_from(state);
    }

    /// Grants the room of messages that were read.
    pub(crate) fn consume(&self, stream: StreamId, messages: usize, bytes: usize) {
        let mut state = self.lock();
        state.connection.consume_many(stream, messages, bytes);
        self.flush_from(state);
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

    // For the driver

    /// Takes note that the driver is awake.
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
    pub(crate) fn handle(&self, step: impl FnOnce(&mut Connection)) {
        let mut state = self.lock();
        step(&mut state.connection);
        let now = Instant::now();
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

    /// When the driver is wanted again without anything happening at the socket.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let state = self.lock();
        let stall = state.blocked.and_then(|since| since.checked_add(self.bounds.idle));
        [state.connection.poll_timeout(), stall, state.close_at].into_iter().flatten().min()
    }

    // Inside

    fn reset(&self, state: &mut State, stream: StreamId, why: GivenUp) {
        let concluded = state.conclude(stream, |entry| match why {
            GivenUp::Cancelled => End::Cancelled,
            GivenUp::Deadline => End::Deadline { sent: entry.sent },
        });
        if concluded.is_some() {
            let status = match why {
                GivenUp::Cancelled => Status::new(Code::Cancelled, "the caller gave up"),
                GivenUp::Deadline => Status::new(Code::DeadlineExceeded, "the caller's deadline passed"),
            };
            // An error says that the stream is over, which is what we want.
            let _ = state.connection.reset(stream, &status);
        }
    }

    /// Waits for any change.
    fn wait<'a>(&self, mut state: MutexGuard<'a, State>, until: Option<Instant>) -> MutexGuard<'a, State> {
        state.waiting += 1;
        state = sleep(&self.changed, state, until);
        state.waiting -= 1;
        state
    }

    /// Gives the lock back, then wakes whoever has something to look at.
    fn unlock(&self, mut state: MutexGuard<'_, State>) {
        let (wakeups, waiting) = (std::mem::take(&mut state.wakeups), state.waiting);
        drop(state);
        if waiting > 0 {
            self.changed.notify_all();
        }
        wakeups.iter().for_each(state::Wakeup::wake);
    }
}

fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}

fn sleep<'a>(on: &Condvar, state: MutexGuard<'a, State>, until: Option<Instant>) -> MutexGuard<'a, State> {
    let Some(until) = until else { return on.wait(state).unwrap_or_else(PoisonError::into_inner) };
    let left = until.saturating_duration_since(Instant::now());
    on.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
}
