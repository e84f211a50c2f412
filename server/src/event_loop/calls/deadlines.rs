//! Calls that take too long, and the end of all.

use std::time::{Duration, Instant};

use bulla_core::connection::{Connection, StreamId};
use bulla_core::status::{Code, Status};

use super::Calls;
use super::stage::Stage;
use crate::capacity::no_room;
use crate::event_loop::Desk;
use crate::route::Job;
use crate::stream_threads::Lack;

/// How long a handler may wait for a thread of its own: a burst of streams is served, though no more of them at once than there are
/// threads.
const START: Duration = Duration::from_secs(1);

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
        let is_late = |stage: &Stage| stage.deadline().is_some_and(|at| at <= now);
        let late: Vec<StreamId> = self.open.iter().filter(|(_, stage)| is_late(stage)).map(|(id, _)| *id).collect();
        for stream in late {
            self.give_up(connection, stream, &Status::new(Code::DeadlineExceeded, "the deadline passed"), desk);
        }
        let mut refused = false;
        while self.starting.front().is_some_and(|(at, _)| *at <= now)
            && let Some((_, stream)) = self.starting.pop_front()
        {
            refused |= self.check_started(connection, stream, desk);
        }
        if refused {
            self.purge_waiting(desk);
        }
        let starting = self.starting.front().map(|(at, _)| *at);
        self.soonest = self.open.values().filter_map(Stage::deadline).chain(starting).min();
    }

    /// Remembers that something is due; most of it will be over before, so nothing else is kept.
    pub(super) fn expect(&mut self, due: Option<Instant>) {
        self.soonest = self.soonest.into_iter().chain(due).min();
    }

    /// A handler waits for a thread of its own, but not for ever.
    pub(super) fn expect_start(&mut self, stream: StreamId, now: Instant) {
        while self.starting.front().is_some_and(|(_, first)| !self.waits_for_thread(*first)) {
            self.starting.pop_front();
        }
        self.starting.push_back((now + START, stream));
        self.expect(Some(now + START));
    }

    fn waits_for_thread(&self, stream: StreamId) -> bool {
        matches!(self.open.get(&stream), Some(Stage::Running(running)) if !running.exchange.is_started())
    }

    /// Refuses a stream that found no thread in time; `true` if it did.
    fn check_started(&mut self, connection: &mut Connection, stream: StreamId, desk: &Desk) -> bool {
        if !self.waits_for_thread(stream) {
            return false;
        }
        let status = match desk.shared.stream_threads.lack(&self.owner()) {
            // The system is slow to start one.
            None => {
                self.expect_start(stream, desk.now);
                return false;
            }
            Some(Lack::Share(reason)) => Status::new(Code::ResourceExhausted, reason),
            Some(Lack::Threads) => no_room("all threads of this server that run streams are taken"),
        };
        self.give_up(connection, stream, &status, desk);
        true
    }

    /// Handlers that will never run wait for nothing: they may be many, and hold their requests.
    pub(super) fn purge_waiting(&self, desk: &Desk) {
        let useless = desk.shared.stream_threads.purge(&self.owner(), Job::is_useless);
        useless.into_iter().for_each(Job::abandon);
    }

    /// Ends a call on this side, with a status for the peer and the handler.
    pub(crate) fn give_up(&mut self, connection: &mut Connection, stream: StreamId, status: &Status, desk: &Desk) {
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
