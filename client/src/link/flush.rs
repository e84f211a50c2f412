//! When output is written: the one policy for calls and streams.
//!
//! - A caller that waits for an answer writes at once, and nobody waits with output unwritten.
//! - What nobody waits for yet, a call that was started or a message on a stream, is joined by what follows, until a quarter of what
//!   may be in flight is queued. It is on its way within moments in any case: whoever [leads](super::lead) is woken for it, or the
//!   keeper. A call with nothing in flight before it is written at once: its answer says when to go on.
//! - One thread writes at a time, without the lock. What others queue meanwhile goes into the next record, and they go on.

use std::sync::MutexGuard;

use super::Link;
use super::state::{State, Wakeup};

/// Writes that a caller makes, others' frames included, before it leaves the rest to the leader.
const ROUNDS: usize = 8;

/// The least and the most bytes that are joined before they are written.
const THRESHOLD: (usize, usize) = (4 << 10, 64 << 10);

impl Link {
    /// Writes what is queued, as far as the socket takes it, unless somebody is at it. For whoever leads: interceptors hear nothing yet.
    pub(crate) fn flush_for_all(&self) {
        let state = self.flush_locked(self.lock());
        self.unlock(state);
    }

    /// As [`flush_for_all`](Self::flush_for_all), for callers.
    pub(super) fn flush_from(&self, state: MutexGuard<'_, State>) {
        let state = self.flush_locked(state);
        self.unlock_and_tell(state);
    }

    /// Writes what is queued if it is a quarter of what is in flight, and else leaves it to be joined by more.
    pub(super) fn flush_by_and_by(&self, mut state: MutexGuard<'_, State>, in_flight: usize) {
        if state.fresh >= (in_flight / 4).clamp(THRESHOLD.0, THRESHOLD.1) {
            return self.flush_from(state);
        }
        // Whoever writes takes it along; a socket that is full tells the leader by itself when it is not.
        if !state.writing && state.blocked.is_none() {
            self.wake_driver_soon(&mut state);
        }
    }

    /// As [`flush_for_all`](Self::flush_for_all), and gives the lock back; it was free meanwhile.
    pub(super) fn flush_locked<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.writing || state.write_failed {
            return state;
        }
        state.writing = true;
        let (mut rounds, mut made_room) = (0, false);
        while state.blocked.is_none() && !state.write_failed && rounds < ROUNDS && state.prepare_output() {
            rounds += 1;
            state.writes += 1;
            let (out, from, writable) = (std::mem::take(&mut state.out), state.written, state.writable);
            let wakeups = std::mem::take(&mut state.wakeups);
            made_room |= wakeups.iter().any(Wakeup::is_for_sender);
            drop(state);
            let result = self.socket.write(&out[from..]);
            // Not before: whoever is told that a stream is cancelled may end the program.
            wakeups.into_iter().for_each(Wakeup::wake);
            state = self.lock();
            state.out = out;
            state.handle_written(&result, writable);
        }
        state.writing = false;
        // Whoever waits for room may lead meanwhile, and whoever made some may have no further use for it.
        if rounds > 0 && state.waiting > 0 {
            self.changed.notify_all();
            made_room = true;
        }
        if made_room {
            self.rouse_leader(&mut state);
        }
        // The leader goes on with what is left, keeps the time of a stall, reads a failure's cause, and brings the end to all.
        let ended = state.connection.is_over() && state.over.is_none();
        if rounds == ROUNDS || rounds > 0 && (state.blocked.is_some() || state.write_failed) || ended {
            self.wake_driver(&mut state);
        }
        state
    }
}
