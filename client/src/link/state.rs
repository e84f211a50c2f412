//! What a link guards: the connection, the streams under way, and the bytes on their way out.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Condvar};
use std::time::Instant;

use bulla_core::connection::{Bounds, CommandError, Connection, Open, StreamId};
use bulla_core::intercept::Endings;
use foldhash::fast::RandomState as FastHash;

use super::lead::Lead;
use super::unread::Unread;
use super::{Expects, Refusal};
use crate::Lost;
use crate::drive::Driver;
use crate::inbox::{End, Inbox};

/// Everything behind a link's lock.
pub(crate) struct State {
    pub(crate) connection: Connection,
    pub(super) streams: HashMap<StreamId, Entry, FastHash>,
    /// What streams hold for their readers.
    pub(super) unread: Unread,
    /// Beyond that, a stream has to go. The connection's own bound is for messages that are not whole, too.
    pub(super) most_unread: usize,
    /// Streams of which something waits to be written: requests, or the first word of a longer stream.
    pub(super) unwritten: Vec<StreamId>,
    /// Bytes of requests that wait to be written.
    pub(super) backlog: usize,
    /// Streams on which a thread waits for room.
    pub(super) crowded: Vec<StreamId>,
    pub(super) pings: HashMap<[u8; 8], Arc<Inbox>>,
    pub(super) next_ping: u32,
    /// Sealed bytes; those before `written` are gone.
    pub(super) out: Vec<u8>,
    pub(super) written: usize,
    /// A thread is writing, without the lock.
    pub(super) writing: bool,
    /// Counts writes.
    pub(super) writes: u64,
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
    /// Who is to be woken once the lock is free.
    pub(super) wakeups: Vec<Wakeup>,
    /// Interceptors that are to hear how calls ended, once the lock and the lead are free.
    pub(super) endings: Vec<(Endings, End)>,
    /// How many threads wait for any change.
    pub(super) waiting: usize,
    pub(super) lead: Lead,
    pub(crate) going_away: bool,
    /// When the connection is closed, whatever is still queued.
    pub(super) close_at: Option<Instant>,
    pub(crate) over: Option<Lost>,
}

/// A stream under way.
pub(super) struct Entry {
    pub(super) inbox: Arc<Inbox>,
    /// Bytes of it that may be in flight.
    pub(super) size: usize,
    /// The socket was given something of it.
    pub(super) sent: bool,
    pub(super) expects: Expects,
    /// Where senders wait for room, as long as this side has not ended.
    pub(super) outlet: Option<Arc<Condvar>>,
    /// Interceptors that want to hear how it ended.
    pub(super) endings: Endings,
}

/// Who is to hear of something once the lock is free.
pub(super) enum Wakeup {
    /// A thread that sleeps.
    Reader(Arc<Inbox>),
    /// Threads that sleep.
    Sender(Arc<Condvar>),
}

impl Wakeup {
    pub(super) fn is_for_sender(&self) -> bool {
        matches!(self, Self::Sender(_))
    }

    pub(super) fn wake(self) {
        match self {
            Self::Reader(inbox) => inbox.wake(),
            Self::Sender(outlet) => outlet.notify_all(),
        }
    }
}

impl State {
    pub(super) fn new(connection: Connection, bounds: &Bounds, driver: Box<Driver>) -> Self {
        Self {
            connection,
            streams: HashMap::default(),
            unread: Unread::default(),
            most_unread: bounds.inbound / 4 * 3,
            unwritten: Vec::new(),
            backlog: 0,
            crowded: Vec::new(),
            pings: HashMap::new(),
            next_ping: 0,
            out: Vec::new(),
            written: 0,
            writing: false,
            writes: 0,
            writable: 0,
            blocked: None,
            write_failed: false,
            fresh: 0,
            in_flight: 0,
            woken: false,
            wakeups: Vec::new(),
            endings: Vec::new(),
            waiting: 0,
            lead: Lead::new(driver),
            going_away: false,
            close_at: None,
            over: None,
        }
    }

    // Streams

    /// Opens a stream; `None` while there is no room. What streams that are sent on hold counts apart, stream by stream: one that
    /// does not move keeps no call waiting.
    pub(super) fn try_open(&mut self, open: &Open, outbound: usize) -> Result<Option<StreamId>, Refusal> {
        if let Some(reason) = &self.over {
            return Err(Refusal::Lost(reason.clone()));
        }
        if self.going_away {
            return Err(Refusal::Lost(Lost::GoingAway));
        }
        if self.backlog > outbound {
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

    /// The bytes that one stream may hold before its senders wait.
    pub(super) fn window(&self) -> usize {
        self.connection.session().map_or(0, |session| session.limits.credit as usize)
    }

    /// Whether a stream that this side sends on takes another message now.
    pub(super) fn has_room(&self, stream: StreamId) -> bool {
        self.connection.unsent(stream) < self.window()
    }

    /// Where the senders of a stream wait; `None` if it takes nothing more, ever.
    pub(super) fn outlet(&self, stream: StreamId) -> Option<&Arc<Condvar>> {
        self.streams.get(&stream).and_then(|entry| entry.outlet.as_ref())
    }

    /// Whether anything is under way that a polite close waits for.
    pub(super) fn is_busy(&self) -> bool {
        !self.streams.is_empty() || !self.pings.is_empty() || self.connection.queued() > 0
    }

    pub(super) fn remove(&mut self, stream: StreamId) -> Option<Entry> {
        let entry = self.streams.remove(&stream)?;
        if entry.outlet.is_none() {
            self.in_flight = self.in_flight.saturating_sub(entry.size);
        }
        Some(entry)
    }

    /// Forgets a stream and tells both its halves how it ended.
    pub(super) fn conclude(&mut self, stream: StreamId, end: impl FnOnce(&Entry) -> End) -> Option<Entry> {
        let mut entry = self.remove(stream)?;
        let end = end(&entry);
        self.tell_interceptors(&mut entry, &end);
        self.tell_end(&entry, end);
        Some(entry)
    }

    pub(super) fn tell_interceptors(&mut self, entry: &mut Entry, end: &End) {
        let endings = std::mem::take(&mut entry.endings);
        if !endings.is_empty() {
            self.endings.push((endings, end.clone()));
        }
    }

    fn tell_end(&mut self, entry: &Entry, end: End) {
        self.end_inbox(&entry.inbox, end);
        self.wakeups.extend(entry.outlet.clone().map(Wakeup::Sender));
    }

    pub(super) fn end_inbox(&mut self, inbox: &Arc<Inbox>, end: End) {
        if inbox.end(end) {
            self.wake_reader(Arc::clone(inbox));
        }
    }

    /// Has a reader woken that sleeps.
    pub(super) fn wake_reader(&mut self, inbox: Arc<Inbox>) {
        self.lead.sleepers -= 1;
        self.lead.served += 1;
        self.wakeups.push(Wakeup::Reader(inbox));
    }

    /// Takes back what nobody will read of a stream, so that its room is free for others.
    pub(super) fn discard(&mut self, stream: StreamId, inbox: &Inbox, mut messages: usize, mut bytes: usize) {
        let (count, size) = inbox.clear();
        (messages, bytes) = (messages + count, bytes + size);
        self.consume(stream, messages, bytes);
    }

    /// Messages of a stream were read, or never will be.
    pub(super) fn consume(&mut self, stream: StreamId, messages: usize, bytes: usize) {
        if self.unread.remove(stream, messages, bytes) {
            self.connection.consume_many(stream, messages, bytes);
        }
    }

    // Output

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
        self.note_written();
        self.make_room();
        true
    }

    /// Everything that is queued has been given to the socket, but for what waits for credit or was too much at once.
    fn note_written(&mut self) {
        let (mut unwritten, mut backlog) = (std::mem::take(&mut self.unwritten), 0);
        unwritten.retain(|stream| {
            let entry = self.streams.get_mut(stream);
            let is_sent_on = entry.as_ref().is_some_and(|entry| entry.outlet.is_some());
            if let Some(entry) = entry {
                entry.sent = true;
            }
            let left = if is_sent_on { 0 } else { self.connection.unsent(*stream) };
            backlog += left;
            left > 0
        });
        (self.unwritten, self.backlog) = (unwritten, backlog);
    }

    /// Wakes those whose streams have room again.
    fn make_room(&mut self) {
        let mut crowded = std::mem::take(&mut self.crowded);
        crowded.retain(|stream| {
            let Some(outlet) = self.outlet(*stream).cloned() else { return false };
            let has_room = self.has_room(*stream);
            if has_room {
                self.wakeups.push(Wakeup::Sender(outlet));
            }
            !has_room
        });
        self.crowded = crowded;
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
}
