//! One connection: where its socket and the sans-IO `Connection` meet.

use std::io;
use std::time::Instant;

use bulla_core::connection::{Closed, Connection, Event, Session, StreamId};
use bulla_core::handshake::HandshakeError;
use bulla_core::status::Status;
use mio::event::Source;
use mio::{Interest, Registry, Token};

use crate::address::PeerAddress;
use crate::event_loop::calls::Calls;
use crate::event_loop::rest::Vigil;
use crate::event_loop::stranger::words_for;
use crate::event_loop::timers::after;
use crate::event_loop::{Desk, PeerKey};
use crate::gate::Ticket;
use crate::route::{Note, SessionFacts};
use crate::socket::Socket;

/// Reads of one connection before the others have their turn.
const READS: usize = 4;

/// Writes of one connection before the others have their turn; each takes up to a burst of sealed records.
const WRITES: usize = 8;

/// Bytes of replies that are worth a write before the rest of the input is handled, so that both sides work at once: a quarter of what
/// the last read brought, which is about what the peer has in flight, within these bounds.
const FLUSH: (usize, usize) = (4 << 10, 32 << 10);

/// One connection.
pub(crate) struct Peer {
    pub(crate) key: PeerKey,
    pub(crate) socket: Socket,
    /// It is on the list of those to look after at the end of the turn.
    pub(crate) dirty: bool,
    /// It is on the list of those to go on with in the next turn.
    pub(crate) queued: bool,
    pub(crate) vigil: Vigil,
    connection: Connection,
    phase: Phase,
    calls: Calls,
    address: PeerAddress,
    /// So many bytes of replies are written before more events are handled.
    flush_at: usize,
    /// Sealed bytes that the socket did not take yet.
    unsent: Vec<u8>,
    /// The socket may have more to read.
    readable: bool,
    /// The peer said that it sends no more: read until the end, since no further readiness will tell of it.
    read_closed: bool,
    /// Readiness to write is being watched.
    watches_writes: bool,
    /// Output is left although a burst was written: go on in the next turn.
    write_again: bool,
    /// Since when the socket has taken nothing of what is unsent.
    stalled: Option<Instant>,
    /// The soonest timer that is set.
    timer: Option<Instant>,
    /// Bytes that are counted as queued.
    accounted: u64,
    ticket: Ticket,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Handshake or session.
    Live,
    /// Over: the last bytes are on their way; then linger, or go at once.
    Closing { linger: bool },
    /// The last bytes are sent: whatever still comes is read and dropped, so that no reset overtakes them.
    Lingering { until: Instant },
    /// To be removed.
    Gone,
}

impl Peer {
    pub(crate) fn new(
        key: PeerKey,
        socket: Socket,
        address: PeerAddress,
        ticket: Ticket,
        desk: &mut Desk,
    ) -> Result<Self, getrandom::Error> {
        let mut connection = desk.shared.connection(desk.now)?;
        if ticket.is_refusal() {
            connection.refuse_busy();
        }
        Ok(Self {
            key,
            socket,
            dirty: false,
            queued: false,
            vigil: Vigil::default(),
            connection,
            phase: Phase::Live,
            calls: Calls::new(key),
            address,
            flush_at: FLUSH.1,
            unsent: Vec::new(),
            readable: false,
            read_closed: false,
            watches_writes: false,
            write_again: false,
            stalled: None,
            timer: None,
            accounted: 0,
            ticket,
        })
    }

    // Inputs

    pub(crate) fn note_readiness(&mut self, event: &mio::event::Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.read_closed |= event.is_read_closed() || event.is_error();
    }

    /// Reads while there is something and it is welcome, up to this connection's share of the turn.
    pub(crate) fn handle_readable(&mut self, desk: &mut Desk) {
        for _ in 0..READS {
            if !self.has_more_to_read() {
                return;
            }
            match self.socket.read(&mut desk.scratch) {
                Ok(0) => return self.handle_end(desk),
                Ok(count) => self.handle_bytes(count, desk),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
                Err(_) => return self.handle_loss(desk),
            }
        }
    }

    fn handle_bytes(&mut self, count: usize, desk: &mut Desk) {
        desk.shared.metrics.bytes_in.add(count as u64);
        // A short read has emptied the socket: what comes later is told again.
        if count < desk.scratch.len() && !self.read_closed {
            self.readable = false;
        }
        if self.phase == Phase::Live {
            self.connection.handle_input(desk.now, &mut desk.scratch[..count]);
            self.flush_at = (count / 4).clamp(FLUSH.0, FLUSH.1);
            self.handle_events(desk);
        }
    }

    fn handle_end(&mut self, desk: &mut Desk) {
        self.readable = false;
        if self.phase == Phase::Live {
            self.connection.handle_eof();
            self.handle_events(desk);
        } else {
            self.phase = Phase::Gone;
        }
    }

    /// The socket is broken: nothing can be said any more.
    fn handle_loss(&mut self, desk: &mut Desk) {
        self.handle_end(desk);
        self.phase = Phase::Gone;
    }

    pub(crate) fn handle_timeout(&mut self, desk: &mut Desk) {
        self.timer = None;
        if self
            .stalled
            .is_some_and(|since| desk.now.saturating_duration_since(since) >= desk.shared.capacity.write_stall)
        {
            return self.give_up_slow(desk);
        }
        match self.phase {
            Phase::Live => {
                self.connection.handle_timeout(desk.now);
                self.calls.handle_timeout(&mut self.connection, desk);
                self.handle_events(desk);
            }
            Phase::Lingering { until } if until <= desk.now => self.phase = Phase::Gone,
            _ => {}
        }
    }

    fn give_up_slow(&mut self, desk: &mut Desk) {
        desk.shared.metrics.slow_closed.add(1);
        let stall = desk.shared.capacity.write_stall;
        tracing::warn!(peer = %self.address, "closed: the peer has not read its replies for {stall:?}");
        self.calls.abandon(&mut self.connection, desk);
        self.phase = Phase::Gone;
    }

    pub(crate) fn handle_note(&mut self, stream: StreamId, note: Note) {
        self.calls.handle_note(&mut self.connection, stream, note);
    }

    /// Gives back memory that can be had again.
    pub(crate) fn rest(&mut self) {
        self.connection.rest();
        self.calls.rest();
    }

    /// Ends a call whose handler has waited for too long.
    pub(crate) fn give_up(&mut self, stream: StreamId, status: &Status, desk: &Desk) {
        self.calls.give_up(&mut self.connection, stream, status, desk);
    }

    /// Serves no new calls, ends when those that run are answered. A handshake ends at once.
    pub(crate) fn go_away(&mut self) {
        self.connection.go_away();
        self.calls.drain();
    }

    /// The end of whatever runs, and a CLOSE, if the socket takes them at once.
    pub(crate) fn close_now(&mut self, desk: &mut Desk) {
        if self.phase == Phase::Live {
            self.calls.give_up_all(&mut self.connection, desk);
            self.connection.close();
            self.flush(desk);
            self.handle_events(desk);
        }
        self.socket.shutdown_write();
    }

    // Events

    fn handle_events(&mut self, desk: &mut Desk) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Connected(session) => self.handle_connected(session, desk),
                Event::Opened { stream, open } => {
                    self.calls.handle_opened(&mut self.connection, stream, open, desk);
                }
                Event::Message { stream, message, last } => {
                    self.calls.handle_message(&mut self.connection, stream, message, last, desk);
                }
                Event::Finished { stream } => self.calls.handle_finished(&mut self.connection, stream, desk),
                Event::Reset { stream, status } => {
                    self.calls.handle_reset(&mut self.connection, stream, &status, desk);
                }
                Event::Closed(reason) => self.handle_closed(&reason, desk),
                // This side opens no streams and pings no one by itself.
                _ => {}
            }
            if self.unsent.is_empty() && self.connection.sendable() >= self.flush_at {
                self.flush(desk);
            }
        }
    }

    fn handle_connected(&mut self, session: Session, desk: &Desk) {
        self.ticket.establish();
        let codec = desk.shared.codecs.find(&session.codec).expect("only codecs of the registry are accepted").clone();
        let name = session.peer.as_deref().unwrap_or("-");
        tracing::info!(peer = %self.address, name, codec = %session.codec, agent = %session.agent, "session opened");
        self.calls.handle_connected(SessionFacts::new(session, self.address, codec, &desk.shared.facts));
    }

    fn handle_closed(&mut self, reason: &Closed, desk: &Desk) {
        let metrics = &desk.shared.metrics;
        match reason {
            Closed::Handshake(error) => {
                metrics.handshake_failed(error);
                self.unsent.extend_from_slice(words_for(error));
                log_failure(self.address, error);
            }
            Closed::Record(_) | Closed::Violation(_) | Closed::PeerGaveUp(_) => {
                metrics.protocol_errors.add(1);
                tracing::warn!(peer = %self.address, "session broken off: {reason}");
            }
            reason => tracing::info!(peer = %self.address, "session ended: {reason}"),
        }
        self.calls.abandon(&mut self.connection, desk);
        let deaf = matches!(reason, Closed::Peer | Closed::Truncated | Closed::Handshake(HandshakeError::HungUp));
        self.phase = Phase::Closing { linger: !deaf };
    }

    // The end of a turn

    /// Sends what there is to send, goes on to the next phase when it is time, and sees to readiness, timers and counts.
    pub(crate) fn settle(&mut self, desk: &mut Desk, registry: &Registry) {
        self.handle_events(desk);
        self.flush(desk);
        if desk.draining && self.is_drained() {
            self.connection.close();
            self.flush(desk);
        }
        self.handle_events(desk);
        self.calls.publish(&mut self.connection);
        self.calls.release(&self.connection, desk);
        self.advance(desk);
        if self.phase != Phase::Gone && self.watch(registry).is_err() {
            self.phase = Phase::Gone;
        }
        self.set_timer(desk);
        self.account(desk);
    }

    /// Whether the connection can be removed.
    pub(crate) fn is_gone(&self) -> bool {
        self.phase == Phase::Gone
    }

    /// Whether no call is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether there may be something to read, and it is welcome.
    pub(crate) fn has_more_to_read(&self) -> bool {
        self.readable
            && match self.phase {
                Phase::Live => self.connection.wants_read(),
                Phase::Lingering { .. } => true,
                Phase::Closing { .. } | Phase::Gone => false,
            }
    }

    /// Whether a burst was written and more is left.
    pub(crate) fn has_more_to_write(&self) -> bool {
        self.write_again && self.phase != Phase::Gone
    }

    /// Gives back what is counted, when the connection is removed.
    pub(crate) fn finish(mut self, desk: &mut Desk) {
        self.calls.abandon(&mut self.connection, desk);
        desk.shared.metrics.queued_bytes.subtract(self.accounted);
    }

    fn is_drained(&self) -> bool {
        !self.calls.is_connected() || (self.calls.is_empty() && self.connection.open_streams() == 0)
    }

    /// Writes what is ready, up to this connection's share of the turn.
    fn flush(&mut self, desk: &mut Desk) {
        self.write_again = false;
        for _ in 0..WRITES {
            if self.phase == Phase::Gone || !self.refill(desk) {
                return;
            }
            let pending = if self.unsent.is_empty() { &desk.out } else { &self.unsent };
            match self.socket.write(pending) {
                Ok(count) => self.handle_written(count, desk),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.handle_written(0, desk),
                Err(_) => return self.handle_loss(desk),
            }
            if !self.unsent.is_empty() {
                return;
            }
        }
        self.write_again = true;
    }

    /// Whether there is something to write: what is unsent, else what the connection has now, in the loop's buffer.
    fn refill(&mut self, desk: &mut Desk) -> bool {
        desk.out.clear();
        !self.unsent.is_empty() || self.connection.poll_transmit(&mut desk.out)
    }

    fn handle_written(&mut self, count: usize, desk: &Desk) {
        desk.shared.metrics.bytes_out.add(count as u64);
        if self.unsent.is_empty() {
            self.unsent.extend_from_slice(&desk.out[count..]);
        } else {
            self.unsent.drain(..count);
        }
        if self.unsent.is_empty() {
            // Nothing is kept for an idle connection.
            self.unsent = Vec::new();
            self.stalled = None;
        } else if count > 0 || self.stalled.is_none() {
            self.stalled = Some(desk.now);
        }
    }

    fn advance(&mut self, desk: &Desk) {
        let sent = self.unsent.is_empty() && !self.write_again;
        match self.phase {
            Phase::Closing { linger: true } if sent => {
                self.socket.shutdown_write();
                self.phase = Phase::Lingering { until: after(desk.now, desk.shared.capacity.linger) };
                // Unread input may have been waiting.
                self.readable = true;
            }
            Phase::Closing { linger: false } if sent => self.phase = Phase::Gone,
            _ => {}
        }
    }

    /// Watches for room to write only while output waits for it.
    fn watch(&mut self, registry: &Registry) -> io::Result<()> {
        let wanted = !self.unsent.is_empty();
        if wanted == self.watches_writes {
            return Ok(());
        }
        self.watches_writes = wanted;
        let interest = if wanted { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        self.socket.reregister(registry, Token(self.key.slot), interest)
    }

    fn set_timer(&mut self, desk: &mut Desk) {
        let phase = match self.phase {
            Phase::Live => self.connection.poll_timeout().into_iter().chain(self.calls.poll_timeout()).min(),
            Phase::Lingering { until } => Some(until),
            Phase::Closing { .. } | Phase::Gone => None,
        };
        let stall = self.stalled.map(|since| after(since, desk.shared.capacity.write_stall));
        let Some(due) = [phase, stall].into_iter().flatten().min() else { return };
        if self.timer.is_none_or(|set| due < set) {
            self.timer = Some(due);
            desk.timers.set(due, self.key);
        }
    }

    fn account(&mut self, desk: &Desk) {
        let queued = (self.connection.queued() + self.unsent.len() + self.calls.owed()) as u64;
        if queued > self.accounted {
            desk.shared.metrics.queued_bytes.add(queued - self.accounted);
        } else {
            desk.shared.metrics.queued_bytes.subtract(self.accounted - queued);
        }
        self.accounted = queued;
    }
}

/// What scanners and crowds bring about is worth less noise than a client that is set up wrongly.
fn log_failure(peer: PeerAddress, error: &HandshakeError) {
    match error {
        HandshakeError::HungUp | HandshakeError::Busy => tracing::info!(%peer, "no session: {error}"),
        error => tracing::warn!(%peer, "no session: {error}"),
    }
}
