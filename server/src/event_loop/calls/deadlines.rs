//! Calls that take too long, and the end of all.

use std::time::{Duration, Instant};

use bulla_core::connection::{Connection, StreamId};
use bulla_core::status::{Code, Status};

use super::Calls;
use super::stage::Stage;
use crate::event_loop::Desk;

/// How long a handler may wait for a thread of its own: a burst of streams is served, though no more of them at once than there are
/// threads.
pub(super) const START: Duration = Duration::from_secs(1);

impl Calls {
    /// When [`handle_timeout`](Self::handle_timeout) is wanted; earlier does no harm.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.soonest
    }

    /// Ends the calls whose time is over.
    pub(crate) fn handle_timeout(&mut self, connection: &mut Connection, desk: &Desk) {
        let now = desk.now;
        if self.soonest.is_none_or(|at| at > now) {
            return;
        }
        let is_due = |stage: &Stage| stage.due().is_some_and(|at| at <= now);
        let due: Vec<StreamId> = self.open.iter().filter(|(_, stage)| is_due(stage)).map(|(id, _)| *id).collect();
        for stream in due {
            self.expire(connection, stream, desk);
        }
        self.soonest = self.open.values().filter_map(Stage::due).min();
    }

    /// Remembers that something is due; most of it will be over before, so nothing else is kept.
    pub(super) fn expect(&mut self, due: Option<Instant>) {
        self.soonest = self.soonest.into_iter().chain(due).min();
    }

    fn expire(&mut self, connection: &mut Connection, stream: StreamId, desk: &Desk) {
        let stage = self.open.get_mut(&stream);
        if stage.as_ref().is_some_and(|stage| stage.deadline().is_some_and(|at| at <= desk.now)) {
            let status = Status::new(Code::DeadlineExceeded, "the deadline passed");
            return self.give_up(connection, stream, &status, desk);
        }
        let Some(Stage::Running(running)) = stage else { return };
        running.start_by = None;
        if !running.exchange.is_started() {
            let reason = "all threads of this server that run streams are taken";
            self.give_up(connection, stream, &Status::new(Code::ResourceExhausted, reason), desk);
        }
    }

    /// Ends a call on this side, with a status for the peer and the handler.
    pub(super) fn give_up(&mut self, connection: &mut Connection, stream: StreamId, status: &Status, desk: &Desk) {
        // A one-way stream may be over by now.
        let _ = connection.reset(stream, status);
        self.forget(connection, stream, status, status, desk);
    }

    /// The server ends: every call that has not.
    pub(crate) fn give_up_all(&mut self, connection: &mut Connection, desk: &Desk) {
        let status = Status::new(Code::Unavailable, "the server is going away");
        for stream in self.open.keys().copied().collect::<Vec<_>>() {
            self.give_up(connection, stream, &status, desk);
        }
    }

    /// The server drains: whoever wants to know hears of it.
    pub(crate) fn drain(&self) {
        self.open.values().filter_map(Stage::exchange).for_each(|exchange| exchange.drain());
    }
}
