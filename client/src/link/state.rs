//! What a link guards: the connection, the calls under way, and the bytes on their way out.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use bulla_core::connection::{CommandError, Connection, Event, Open, StreamId};
use bulla_core::status::{Code, Status};

use super::Refusal;
use crate::Lost;
use crate::slot::{Answer, Slot};

/// Everything behind a link's lock.
pub(crate) struct State {
    pub(crate) connection: Connection,
    pub(super) calls: HashMap<StreamId, Running>,
    /// Calls of which the socket was given nothing yet.
    pub(super) unsent: Vec<StreamId>,
    pub(super) pings: HashMap<[u8; 8], Arc<Slot>>,
    pub(super) next_ping: u32,
    /// Sealed bytes; those before `written` are gone.
    pub(super) out: Vec<u8>,
    pub(super) written: usize,
    /// A thread is writing, without the lock.
    pub(super) writing: bool,
    /// Counts how often the socket became writable.
    pub(super) writable: u64,
    /// Since when the socket takes nothing.
    pub(super) blocked: Option<Instant>,
    pub(super) write_failed: bool,
    /// Bytes queued since the last write.
    pub(super) fresh: usize,
    /// Bytes of the requests without an answer.
    pub(super) in_flight: usize,
    pub(super) woken: bool,
    pub(crate) going_away: bool,
    /// When the connection is closed, whatever is still queued.
    pub(super) close_at: Option<Instant>,
    pub(crate) over: Option<Lost>,
}

pub(super) struct Running {
    pub(super) slot: Arc<Slot>,
    pub(super) size: usize,
    pub(super) sent: bool,
}

impl State {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            calls: HashMap::new(),
            unsent: Vec::new(),
            pings: HashMap::new(),
            next_ping: 0,
            out: Vec::new(),
            written: 0,
            writing: false,
            writable: 0,
            blocked: None,
            write_failed: false,
            fresh: 0,
            in_flight: 0,
            woken: false,
            going_away: false,
            close_at: None,
            over: None,
        }
    }

    /// Opens a stream; `None` while there is no room.
    pub(super) fn try_open(&mut self, open: &Open, outbound: usize) -> Result<Option<StreamId>, Refusal> {
        if let Some(reason) = &self.over {
            return Err(Refusal::Lost(reason.clone()));
        }
        if self.going_away {
            return Err(Refusal::Lost(Lost::GoingAway));
        }
        if self.connection.queued() > outbound {
            return Ok(None);
        }
        match self.connection.open(open) {
            Ok(stream) => Ok(Some(stream)),
            Err(CommandError::TooManyStreams(_)) => Ok(None),
            Err(CommandError::GoingAway | CommandError::StreamsUsedUp | CommandError::Over) => {
                self.going_away = true;
                Err(Refusal::Lost(Lost::GoingAway))
            }
            Err(error) => Err(Refusal::Command(error)),
        }
    }

    /// Whether anything is under way that a polite close waits for.
    pub(super) fn is_busy(&self) -> bool {
        !self.calls.is_empty() || !self.pings.is_empty() || self.connection.queued() > 0
    }

    pub(super) fn remove(&mut self, stream: StreamId) -> Option<Running> {
        let running = self.calls.remove(&stream)?;
        self.in_flight -= running.size;
        Some(running)
    }

    /// Makes `out` hold what is to be written next; `false` if that is nothing.
    pub(super) fn prepare_output(&mut self) -> bool {
        if self.written < self.out.len() {
            return true;
        }
        self.out.clear();
        self.written = 0;
        self.fresh = 0;
        if !self.connection.poll_transmit(&mut self.out) {
            return false;
        }
        for stream in self.unsent.drain(..) {
            if let Some(running) = self.calls.get_mut(&stream) {
                running.sent = true;
            }
        }
        true
    }

    pub(super) fn handle_written(&mut self, result: &io::Result<usize>, writable: u64) {
        match result {
            Ok(count) => {
                self.written += count;
                if self.written == self.out.len() {
                    self.out.clear();
                    self.written = 0;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // It may have become writable since: then it is tried again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if self.writable == writable {
                    self.blocked = Some(Instant::now());
                }
            }
            // The driver reads to the end first: the other side may have said why.
            Err(_) => self.write_failed = true,
        }
    }

    /// Whether the socket takes no more bytes, ever.
    pub(crate) fn is_write_failed(&self) -> bool {
        self.write_failed
    }

    /// Whether everything that there was to say has been written, or never will be.
    pub(crate) fn is_written(&self) -> bool {
        self.write_failed || self.out.is_empty() && !self.writing
    }

    pub(super) fn handle_event(&mut self, event: Event, done: &mut Vec<(Arc<Slot>, Answer)>) {
        match event {
            Event::Message { stream, message, .. } => {
                // It is the caller's now, who asked for it: what waits here is bounded by the calls under way.
                self.connection.consume(stream, message.len());
                match self.remove(stream) {
                    Some(running) => done.push((running.slot, Answer::Message(message))),
                    None => self.refuse(stream, "one answer was expected"),
                }
            }
            Event::Finished { stream } => {
                done.extend(self.remove(stream).map(|running| (running.slot, Answer::Nothing)));
            }
            Event::Reset { stream, status } => {
                done.extend(self.remove(stream).map(|running| (running.slot, Answer::Status(status))));
            }
            Event::Pong(bytes) => {
                done.extend(self.pings.remove(&bytes).map(|slot| (slot, Answer::Message(Vec::new()))));
            }
            Event::Opened { stream, .. } => self.refuse(stream, "this client serves no calls"),
            Event::GoAway { last } => self.handle_go_away(last, done),
            Event::Closed(reason) => self.end(&reason.into(), done),
            // Connected is seen by `wait_for_session`; what a later version adds concerns no call.
            _ => {}
        }
    }

    fn refuse(&mut self, stream: StreamId, reason: &str) {
        // An error says that the stream is over already.
        let _ = self.connection.reset(stream, &Status::new(Code::Unimplemented, reason));
    }

    /// Calls beyond the last one that is served did not run, whatever was sent of them.
    fn handle_go_away(&mut self, last: u32, done: &mut Vec<(Arc<Slot>, Answer)>) {
        self.going_away = true;
        let unserved: Vec<StreamId> = self.calls.keys().copied().filter(|stream| stream.number() > last).collect();
        for stream in unserved {
            let answer = Answer::Lost { reason: Lost::GoingAway, sent: false };
            done.extend(self.remove(stream).map(|running| (running.slot, answer)));
            let _ = self.connection.reset(stream, &Status::new(Code::Cancelled, "not served"));
        }
    }

    pub(super) fn end(&mut self, reason: &Lost, done: &mut Vec<(Arc<Slot>, Answer)>) {
        if self.over.is_none() {
            self.over = Some(reason.clone());
        }
        self.in_flight = 0;
        for (_, running) in self.calls.drain() {
            done.push((running.slot, Answer::Lost { reason: reason.clone(), sent: running.sent }));
        }
        for (_, slot) in self.pings.drain() {
            done.push((slot, Answer::Lost { reason: reason.clone(), sent: true }));
        }
    }
}
