//! Streams as their halves use them: opened, sent on, read, and ended.

use std::sync::{Arc, Condvar, MutexGuard};
use std::time::Instant;

use bulla_core::connection::{CommandError, Open, StreamId};
use bulla_core::intercept::Endings;
use bulla_core::status::{Code, Status};

use super::Link;
use super::state::{Entry, State, Wakeup};
use crate::Lost;
use crate::inbox::{End, Inbox};

/// What a call or a message costs on the wire besides its bytes, roughly, in bytes.
const CALL_COST: usize = 64;

/// What a stream begins with.
pub(crate) struct Beginning<'a> {
    pub(crate) open: &'a Open,
    /// All that this side says; without it, messages follow one by one.
    pub(crate) request: Option<Vec<u8>>,
    pub(crate) expects: Expects,
    /// It may wait for others to share a record with; otherwise it is written at once.
    pub(crate) soon: bool,
    /// Who hears how it ends; taken if it begins and an end is to come.
    pub(crate) endings: &'a mut Endings,
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
    /// Opens a stream as soon as there is room, until `until` at most.
    pub(crate) fn open(&self, beginning: Beginning<'_>, until: Option<Instant>) -> Result<Opened, Refusal> {
        let (mut state, stream) = self.wait_for_stream(beginning.open, until)?;
        // With nothing in flight there is nothing to wait for: what comes next will join while this is under way.
        let joins = beginning.soon && (state.in_flight > 0 || beginning.request.is_none());
        let inbox = state.begin(stream, beginning)?;
        if joins {
            let in_flight = state.in_flight;
            self.flush_by_and_by(state, in_flight);
        } else {
            self.flush_from(state);
        }
        Ok(Opened { stream, inbox })
    }

    fn wait_for_stream(
        &self,
        open: &Open,
        until: Option<Instant>,
    ) -> Result<(MutexGuard<'_, State>, StreamId), Refusal> {
        let mut state = self.lock();
        let mut flushed = false;
        loop {
            match state.try_open(open, self.bounds.outbound)? {
                Some(stream) => return Ok((state, stream)),
                // Nothing gets room while what is queued is not on its way.
                None if !flushed => (state, flushed) = (self.flush_locked(state), true),
                None if is_past(until) => return Err(Refusal::Deadline),
                None => state = self.wait(state, until),
            }
        }
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
        let Some(mut state) = self.wait_for_room(stream, wait, until)? else { return Ok(false) };
        state.connection.send(stream, message).map_err(Refusal::Command)?;
        state.fresh += size;
        let in_flight = state.in_flight + state.carry(stream, size);
        self.flush_by_and_by(state, in_flight);
        Ok(true)
    }

    /// `None` if there is no room, and nobody wants to wait for it.
    fn wait_for_room(
        &self,
        stream: StreamId,
        wait: bool,
        until: Option<Instant>,
    ) -> Result<Option<MutexGuard<'_, State>>, Refusal> {
        let mut state = self.lock();
        let mut flushed = false;
        loop {
            let outlet = state.outlet(stream).ok_or(Refusal::Over)?;
            if state.has_room(stream) {
                return Ok(Some(state));
            }
            if !flushed {
                (state, flushed) = (self.flush_locked(state), true);
                continue;
            }
            if !wait {
                return Ok(None);
            }
            if is_past(until) {
                return Err(Refusal::Deadline);
            }
            let outlet = Arc::clone(outlet);
            // Whoever leads comes by here with all that happens meanwhile.
            if !state.crowded.contains(&stream) {
                state.crowded.push(stream);
            }
            state = self.wait_for_change(&outlet, state, until);
        }
    }

    /// Ends this side of a stream, behind what was sent on it.
    pub(crate) fn finish(&self, stream: StreamId) -> Result<(), Refusal> {
        let mut state = self.lock();
        let entry = state.streams.get_mut(&stream).filter(|entry| entry.outlet.is_some()).ok_or(Refusal::Over)?;
        let outlet = entry.outlet.take();
        entry.size = 0;
        if entry.expects == Expects::Nothing {
            let mut over = state.remove(stream);
            over.iter_mut().for_each(|entry| state.tell_interceptors(entry, &End::Finished));
        }
        state.connection.finish(stream).map_err(Refusal::Command)?;
        // Whoever still waits to send on it has come too late.
        state.wakeups.extend(outlet.map(Wakeup::Sender));
        self.flush_from(state);
        Ok(())
    }

    /// Ends a stream early, unless it is over: its inbox says how it ended.
    pub(crate) fn give_up(&self, stream: StreamId, why: GivenUp) {
        let mut state = self.lock();
        state.reset(stream, why);
        self.rouse_leader(&mut state);
        self.flush_from(state);
    }

    /// Ends a stream whose reader is gone, unless it is over, and drops what nobody will read: what is in the inbox, and as much
    /// more as the reader had taken.
    pub(crate) fn abandon(&self, stream: StreamId, inbox: &Inbox, messages: usize, bytes: usize) {
        let mut state = self.lock();
        state.reset(stream, GivenUp::Cancelled);
        state.discard(stream, inbox, messages, bytes);
        // Whoever waits for room on it may lead meanwhile.
        self.rouse_leader(&mut state);
        self.flush_from(state);
    }

    /// Ends every stream early.
    pub(crate) fn give_up_all(&self) {
        let mut state = self.lock();
        for stream in state.conclude_all(|_| End::Cancelled) {
            let _ = state.connection.reset(stream, &Status::new(Code::Cancelled, "the caller gave up"));
        }
        self.rouse_leader(&mut state);
        self.flush_from(state);
    }

    /// Grants the room of messages that were read.
    pub(crate) fn consume(&self, stream: StreamId, messages: usize, bytes: usize) {
        let mut state = self.lock();
        state.consume(stream, messages, bytes);
        self.flush_from(state);
    }
}

impl State {
    /// Queues what a stream begins with, and makes its entry.
    fn begin(&mut self, stream: StreamId, beginning: Beginning<'_>) -> Result<Arc<Inbox>, Refusal> {
        let Beginning { open, request, expects, endings, .. } = beginning;
        let size = request.as_ref().map_or(0, Vec::len) + open.route.len() + CALL_COST;
        let outlet = request.is_none().then(Arc::<Condvar>::default);
        if let Some(request) = request {
            let sent = self.connection.send(stream, request).and_then(|()| self.connection.finish(stream));
            if let Err(error) = sent {
                // The stream was opened in vain.
                let _ = self.connection.reset(stream, &Status::new(Code::Cancelled, "the request does not fit"));
                return Err(Refusal::Command(error));
            }
            self.backlog += size;
        }
        self.fresh += size;
        self.lead.activity += 1;
        self.unwritten.push(stream);
        let inbox = Arc::new(Inbox::default());
        if expects != Expects::Nothing {
            // Only what is asked and not answered yet is in flight: a long stream's request is not.
            let size = if expects == Expects::One && outlet.is_none() { size } else { 0 };
            self.in_flight += size;
            let endings = std::mem::take(endings);
            let entry = Entry { inbox: Arc::clone(&inbox), size, sent: false, expects, outlet, endings };
            self.streams.insert(stream, entry);
        }
        Ok(inbox)
    }

    /// Counts a message; gives the bytes of the stream that may be in flight.
    fn carry(&mut self, stream: StreamId, size: usize) -> usize {
        let window = self.window();
        let Some(entry) = self.streams.get_mut(&stream) else { return 0 };
        entry.size = entry.size.saturating_add(size).min(window);
        entry.size
    }

    /// Ends a stream early, unless it is over.
    fn reset(&mut self, stream: StreamId, why: GivenUp) {
        let concluded = self.conclude(stream, |entry| match why {
            GivenUp::Cancelled => End::Cancelled,
            GivenUp::Deadline => End::Deadline { sent: entry.sent },
        });
        if concluded.is_some() {
            let status = match why {
                GivenUp::Cancelled => Status::new(Code::Cancelled, "the caller gave up"),
                GivenUp::Deadline => Status::new(Code::DeadlineExceeded, "the caller's deadline passed"),
            };
            // An error says that the stream is over, which is what we want.
            let _ = self.connection.reset(stream, &status);
        }
    }
}

fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}
