//! One connection as its callers share it: they queue calls, wait for answers, and write as much as the socket takes.
//!
//! Everything is behind one lock that nobody holds while a system call or a peer could make it wait. Whoever finds output
//! pending and nobody writing, writes; what others queue meanwhile joins the next record. What the socket does not take is left
//! to the thread in [`drive`](crate::drive), which also reads.

mod state;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bulla_core::connection::{Bounds, CommandError, Connection, Open, Session, StreamId};
use bulla_core::status::{Code, Status};
use mio::Waker;

use self::state::{Running, State};
use crate::Lost;
use crate::slot::Slot;
use crate::socket::Socket;

/// Writes that a caller makes, others' frames included, before it leaves the rest to the driver.
const ROUNDS: usize = 8;

/// Bytes queued by calls that may wait a moment, at which they are written all the same: a quarter of what is in flight,
/// within these bounds.
const THRESHOLD: (usize, usize) = (4 << 10, 64 << 10);

/// What a call costs on the wire besides its message, roughly, in bytes.
const CALL_COST: usize = 64;

/// A connection that is shared by callers and its driver.
pub(crate) struct Link {
    pub(crate) socket: Socket,
    waker: Waker,
    bounds: Bounds,
    state: Mutex<State>,
    /// The handshake is done, room came, a call ended, bytes were written, or the connection is over.
    changed: Condvar,
}

/// A call under way.
pub(crate) struct Submitted {
    pub(crate) stream: StreamId,
    pub(crate) slot: Arc<Slot>,
}

/// Why nothing was queued.
pub(crate) enum Refusal {
    Lost(Lost),
    Command(CommandError),
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

    /// Whether new calls have a chance here.
    pub(crate) fn is_usable(&self) -> bool {
        let state = self.lock();
        state.over.is_none() && !state.going_away && !state.connection.is_over()
    }

    /// Queues a call. With `soon` it may wait for others to share a record with; without, it is written at once.
    pub(crate) fn submit(
        &self,
        open: &Open,
        message: Vec<u8>,
        until: Option<Instant>,
        soon: bool,
    ) -> Result<Submitted, Refusal> {
        let size = message.len() + open.route.len() + CALL_COST;
        let mut state = self.lock();
        let stream = loop {
            match state.try_open(open, self.bounds.outbound)? {
                Some(stream) => break stream,
                None if until.is_some_and(|until| Instant::now() >= until) => return Err(Refusal::Deadline),
                None => state = self.wait_for_room(state, until),
            }
        };
        let sent = state.connection.send(stream, message).and_then(|()| state.connection.finish(stream));
        if let Err(error) = sent {
            // The stream was opened in vain. Nothing of it has been written.
            let _ = state.connection.reset(stream, &Status::new(Code::Cancelled, "the request does not fit"));
            return Err(Refusal::Command(error));
        }
        state.fresh += size;
        let slot = Arc::new(Slot::default());
        if !open.one_way {
            state.in_flight += size;
            state.unsent.push(stream);
            state.calls.insert(stream, Running { slot: Arc::clone(&slot), size, sent: false });
        }
        let threshold = (state.in_flight / 4).clamp(THRESHOLD.0, THRESHOLD.1);
        if soon && state.fresh < threshold {
            self.wake(&mut state);
        } else {
            self.flush_from(state);
        }
        Ok(Submitted { stream, slot })
    }

    /// Gives a call up: `Some(sent)` if it was still running, `None` if its answer is in the slot.
    pub(crate) fn give_up(&self, stream: StreamId, status: &Status) -> Option<bool> {
        let mut state = self.lock();
        let running = state.remove(stream)?;
        // An error says that the stream is over, which is what we want.
        let _ = state.connection.reset(stream, status);
        self.flush_from(state);
        self.changed.notify_all();
        Some(running.sent)
    }

    /// Sends a ping; its answer comes into the slot.
    pub(crate) fn ping(&self) -> Result<([u8; 8], Arc<Slot>), Lost> {
        let mut state = self.lock();
        if let Some(reason) = &state.over {
            return Err(reason.clone());
        }
        state.next_ping = state.next_ping.wrapping_add(1);
        let mut bytes = *b"ping\0\0\0\0";
        bytes[4..].copy_from_slice(&state.next_ping.to_be_bytes());
        let slot = Arc::new(Slot::default());
        state.pings.insert(bytes, Arc::clone(&slot));
        state.connection.ping(bytes);
        self.flush_from(state);
        Ok((bytes, slot))
    }

    /// Forgets a ping.
    pub(crate) fn forget_ping(&self, bytes: [u8; 8]) {
        self.lock().pings.remove(&bytes);
    }

    /// Writes what is queued, as far as the socket takes it, unless somebody is at it.
    pub(crate) fn flush(&self) {
        self.flush_from(self.lock());
    }

    /// Ends the connection in order: waits until calls under way are done and CLOSE is written, for `linger` at most.
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
        self.wake(&mut state);
        self.flush_from(state);
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
        let mut done = Vec::new();
        while let Some(event) = state.connection.poll_event() {
            state.handle_event(event, &mut done);
        }
        if state.blocked.is_some_and(|since| now.saturating_duration_since(since) >= self.bounds.idle) {
            state.end(&Lost::Stalled(self.bounds.idle), &mut done);
        }
        if state.going_away && !state.is_busy() || state.close_at.is_some_and(|at| now >= at) {
            state.close_at = None;
            state.connection.close();
        }
        drop(state);
        self.changed.notify_all();
        for (slot, answer) in done {
            slot.put(answer);
        }
    }

    /// Fails whoever still waits.
    pub(crate) fn end(&self, reason: &Lost) {
        let mut done = Vec::new();
        self.lock().end(reason, &mut done);
        self.changed.notify_all();
        for (slot, answer) in done {
            slot.put(answer);
        }
    }

    /// When the driver is wanted again without anything happening at the socket.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let state = self.lock();
        let stall = state.blocked.and_then(|since| since.checked_add(self.bounds.idle));
        [state.connection.poll_timeout(), stall, state.close_at].into_iter().flatten().min()
    }

    // Inside

    fn wait<'a>(&self, state: MutexGuard<'a, State>, until: Option<Instant>) -> MutexGuard<'a, State> {
        match until {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Nothing gets room while what is queued is not on its way.
    fn wait_for_room<'a>(&'a self, mut state: MutexGuard<'a, State>, until: Option<Instant>) -> MutexGuard<'a, State> {
        self.wake(&mut state);
        self.wait(state, until)
    }

    fn wake(&self, state: &mut State) {
        if !state.woken {
            state.woken = true;
            if self.waker.wake().is_err() {
                // The driver comes by at its next timeout.
                state.woken = false;
            }
        }
    }

    fn flush_from<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        if state.writing || state.write_failed {
            return;
        }
        state.writing = true;
        let mut rounds = 0;
        while state.blocked.is_none() && !state.write_failed && rounds < ROUNDS && state.prepare_output() {
            rounds += 1;
            let (out, from, writable) = (std::mem::take(&mut state.out), state.written, state.writable);
            drop(state);
            let result = self.socket.write(&out[from..]);
            state = self.lock();
            state.out = out;
            state.handle_written(&result, writable);
        }
        state.writing = false;
        // The driver goes on with what is left, keeps the time of a stall, reads a failure's cause, and brings the end to all.
        let ended = state.connection.is_over() && state.over.is_none();
        if rounds == ROUNDS || rounds > 0 && (state.blocked.is_some() || state.write_failed) || ended {
            self.wake(&mut state);
        }
        drop(state);
        self.changed.notify_all();
    }
}
