//! One connection as a state machine: bytes and time go in, bytes and events come out. No socket, no thread, no clock.
//!
//! The methods of [`Connection`] are of four kinds:
//!
//! - **inputs** tell it what happened: [`handle_input`](Connection::handle_input), [`handle_eof`](Connection::handle_eof),
//!   [`handle_timeout`](Connection::handle_timeout);
//! - **commands** tell it what to do: [`open`](Connection::open), [`send`](Connection::send),
//!   [`finish`](Connection::finish), [`reset`](Connection::reset), [`consume`](Connection::consume), [`watch`](Connection::watch),
//!   [`ping`](Connection::ping), [`go_away`](Connection::go_away), [`close`](Connection::close), [`rest`](Connection::rest);
//! - **outputs** are asked for after any of these: [`poll_transmit`](Connection::poll_transmit),
//!   [`poll_event`](Connection::poll_event), [`poll_sent`](Connection::poll_sent), [`poll_timeout`](Connection::poll_timeout);
//! - **getters** change nothing.
//!
//! Any order of calls is legal. What a peer sends never panics and is never an `Err`: a failure is
//! [`Event::Closed`] with its reason, and a last record for the peer in `poll_transmit`.

mod advance;
mod channel;
mod closed;
mod config;
mod event;
mod flood;
mod message;
mod stream;
mod transmit;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

pub use self::channel::EVENT_COST;
use self::channel::{Channel, KEEPALIVE};
pub use self::closed::{Closed, CommandError, Violation};
pub use self::config::{Bounds, ClientConfig, Identity, Limits, MAX_AGENT, MAX_CODECS, ServerConfig, Start};
pub use self::event::{Event, Open, Session, StreamId};
pub use self::message::Message;
use crate::handshake::{ExpectMessage1, ExpectMessage2, ExpectPreamble, HandshakeError};
use crate::record::{Opener, Sealer};
use crate::status::Status;

/// Which end of a connection this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Connects, offers codecs, opens odd streams.
    Client,
    /// Accepts, selects a codec, opens even streams.
    Server,
}

/// One connection, for either side. See the [module](self) for how its methods are used.
pub struct Connection {
    side: Side,
    state: State,
    bounds: Bounds,
    /// Received bytes that no state has used up: less than a record and its length. Most often there are none.
    held: Vec<u8>,
    /// Bytes ready for the socket.
    output: Vec<u8>,
    events: VecDeque<Event>,
    /// What was agreed, once the handshake is done.
    session: Option<Session>,
    /// On a server: `Connected` waits for the client's first record.
    unconfirmed: bool,
    start: (Instant, u64),
    now: Instant,
    last_heard: Instant,
    pinged: bool,
}

enum State {
    ExpectPreamble(ExpectPreamble),
    ExpectMessage1(ExpectMessage1),
    ExpectMessage2(ExpectMessage2),
    Open(Box<Tunnel>),
    Over,
}

/// An established session: its channel, and the seals around it.
struct Tunnel {
    sealer: Sealer,
    opener: Opener,
    channel: Channel,
}

impl Connection {
    /// A client's connection: its first bytes are ready to transmit.
    #[must_use]
    pub fn client(config: &ClientConfig, start: Start) -> Self {
        let mut output = Vec::new();
        let state = State::ExpectMessage2(ExpectMessage2::begin(config, start.entropy, &mut output));
        Self { output, ..Self::new(Side::Client, state, config.bounds, &start) }
    }

    /// A server's connection, waiting for a client's first bytes.
    #[must_use]
    pub fn server(config: Arc<ServerConfig>, start: Start) -> Self {
        let bounds = config.bounds;
        let state = State::ExpectPreamble(ExpectPreamble::new(config, start.entropy));
        Self::new(Side::Server, state, bounds, &start)
    }

    fn new(side: Side, state: State, bounds: Bounds, start: &Start) -> Self {
        Self {
            side,
            state,
            bounds,
            held: Vec::new(),
            output: Vec::new(),
            events: VecDeque::new(),
            session: None,
            unconfirmed: true,
            start: (start.now, start.unix_time),
            now: start.now,
            last_heard: start.now,
            pinged: false,
        }
    }

    // Getters

    /// Which end this is.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// What was agreed: `None` until [`Event::Connected`].
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref().filter(|_| !self.unconfirmed)
    }

    /// Whether more input is welcome. `false` while the application has too much to consume, or, on a server, while the peer
    /// does not read: then leave the socket unread, so that the peer has to wait.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        match &self.state {
            State::Open(tunnel) => tunnel.channel.wants_read(),
            State::Over => false,
            _ => true,
        }
    }

    /// Bytes of messages queued and not yet given to [`poll_transmit`](Self::poll_transmit).
    #[must_use]
    pub fn queued(&self) -> usize {
        self.channel().map_or(0, |channel| channel.queued)
    }

    /// As [`queued`](Self::queued), without what waits for credit: these bytes wait for the socket alone.
    #[must_use]
    pub fn sendable(&self) -> usize {
        self.channel().map_or(0, |channel| channel.sendable)
    }

    /// Bytes queued on one stream and not yet given to [`poll_transmit`](Self::poll_transmit), each message counted with
    /// [`EVENT_COST`] more; 0 for a stream that is over. A sender that waits while this is at the stream's credit
    /// ([`Limits::credit`]) takes bounded memory, however slow its peer.
    #[must_use]
    pub fn unsent(&self, stream: StreamId) -> usize {
        self.channel().and_then(|channel| channel.streams.get(&stream.0)).map_or(0, |stream| stream.unsent())
    }

    /// The number of streams that are open, of either side.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.channel().map_or(0, Channel::open_streams)
    }

    /// Whether the connection is over. Output may be left to transmit.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn channel(&self) -> Option<&Channel> {
        if let State::Open(tunnel) = &self.state { Some(&tunnel.channel) } else { None }
    }

    fn channel_mut(&mut self) -> Option<&mut Channel> {
        if let State::Open(tunnel) = &mut self.state { Some(&mut tunnel.channel) } else { None }
    }

    // Inputs

    /// Takes bytes from the peer. Any split of the same bytes has the same effect.
    ///
    /// What is whole is opened where it lies: afterwards the bytes are used up, and say nothing any more.
    pub fn handle_input(&mut self, now: Instant, mut input: &mut [u8]) {
        self.advance(now);
        if self.is_over() || input.is_empty() {
            return;
        }
        self.last_heard = self.now;
        self.pinged = false;
        if let State::Open(tunnel) = &mut self.state {
            tunnel.channel.budget.refill(self.now);
        }
        let mut held = std::mem::take(&mut self.held);
        while !held.is_empty() && !input.is_empty() {
            let wanted = self.wanted(&held).min(input.len());
            held.extend_from_slice(&input[..wanted]);
            input = &mut input[wanted..];
            let used = self.use_up(&mut held);
            held.drain(..used);
        }
        let used = self.use_up(input);
        if !self.is_over() {
            held.extend_from_slice(&input[used..]);
            // Nothing is kept for an idle connection.
            self.held = if held.is_empty() { Vec::new() } else { held };
        }
    }

    /// Takes the end of the peer's bytes.
    pub fn handle_eof(&mut self) {
        if self.is_over() {
            return;
        }
        let established = self.session().is_some();
        self.fail(if established { Closed::Truncated } else { HandshakeError::HungUp.into() });
    }

    /// Takes the time. Call it when [`poll_timeout`](Self::poll_timeout) is due; earlier does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        if self.is_over() {
            return;
        }
        let silence = self.now.saturating_duration_since(self.last_heard);
        if self.session().is_none() {
            if self.handshake_deadline().is_some_and(|deadline| self.now >= deadline) {
                self.fail(HandshakeError::Deadline.into());
            }
        } else if silence >= self.bounds.idle {
            self.fail(Closed::Silent);
        } else if silence >= self.bounds.keepalive && !self.pinged {
            self.pinged = true;
            self.ping(KEEPALIVE);
        }
    }

    // Commands

    /// Opens a stream.
    ///
    /// # Errors
    /// [`CommandError`] names what is wrong with the route or the metadata, or why no stream can be opened now.
    pub fn open(&mut self, open: &Open) -> Result<StreamId, CommandError> {
        self.command()?.open(open)
    }

    /// Queues a message on a stream, `Vec<u8>` or [shared](Message). It goes out as credit allows; what waits is counted by
    /// [`queued`](Self::queued), and by [`unsent`](Self::unsent) for each stream.
    ///
    /// # Errors
    /// [`CommandError`] if the stream is over or finished, or the message longer than agreed.
    pub fn send(&mut self, stream: StreamId, message: impl Into<Message>) -> Result<(), CommandError> {
        self.command()?.send(stream, message.into())
    }

    /// Ends this side of a stream, after what is queued on it.
    ///
    /// # Errors
    /// [`CommandError`] if the stream is over or finished.
    pub fn finish(&mut self, stream: StreamId) -> Result<(), CommandError> {
        self.command()?.finish(stream)
    }

    /// Ends both sides of a stream at once; what is queued on it is dropped, and no event of it follows.
    ///
    /// # Errors
    /// [`CommandError`] if the stream is over.
    pub fn reset(&mut self, stream: StreamId, status: &Status) -> Result<(), CommandError> {
        self.command()?.reset(stream, status)
    }

    /// Says that the application is done with a message of `length` bytes from this stream: its room is granted to the peer
    /// again. Owed once for every [`Event::Message`], also when the stream is over.
    pub fn consume(&mut self, stream: StreamId, length: usize) {
        self.consume_many(stream, 1, length);
    }

    /// As [`consume`](Self::consume), for a number of messages of `length` bytes in all.
    pub fn consume_many(&mut self, stream: StreamId, messages: usize, length: usize) {
        if let Some(channel) = self.channel_mut() {
            channel.consume(stream, messages, length);
        }
    }

    /// From now on [`poll_sent`](Self::poll_sent) tells of this stream.
    pub fn watch(&mut self, stream: StreamId) {
        if let Some(channel) = self.channel_mut() {
            channel.watch(stream);
        }
    }

    /// Asks the peer to answer with [`Event::Pong`] and the same bytes.
    pub fn ping(&mut self, bytes: [u8; 8]) {
        if let Some(channel) = self.channel_mut() {
            channel.ping(bytes);
        }
    }

    /// Serves no streams beyond those that the peer opened so far, and tells it so. The others go on.
    pub fn go_away(&mut self) {
        if let Some(channel) = self.channel_mut() {
            channel.go_away();
        }
    }

    /// Ends the connection in order: CLOSE goes out after what is ready to send. During the handshake, at once.
    pub fn close(&mut self) {
        match &mut self.state {
            State::Over => {}
            State::Open(tunnel) => tunnel.channel.closing = true,
            _ => self.fail(Closed::Local),
        }
    }

    /// Gives back memory that can be had again: what the ciphers' keys grew to, and room that nothing is in. About a kilobyte is left
    /// of an idle connection, where it was two or, after many calls at once, twenty. The next record takes a third of a microsecond more,
    /// and nothing else changes. For who has many connections of which most are silent.
    pub fn rest(&mut self) {
        self.held.shrink_to_fit();
        self.events.shrink_to_fit();
        if let State::Open(tunnel) = &mut self.state {
            tunnel.sealer.rest();
            tunnel.opener.rest();
            tunnel.channel.rest();
        }
    }

    /// On a server that has no room: refuses the client before its first byte, with an alert that says so.
    pub fn refuse_busy(&mut self) {
        if matches!(self.state, State::ExpectPreamble(_)) {
            self.fail(HandshakeError::Busy.into());
        }
    }

    fn command(&mut self) -> Result<&mut Channel, CommandError> {
        match &mut self.state {
            State::Open(tunnel) => Ok(&mut tunnel.channel),
            State::Over => Err(CommandError::Over),
            _ => Err(CommandError::NotConnected),
        }
    }

    // Outputs

    /// Appends the bytes that go to the peer now; `false` if there are none. Call again when they are written: a long queue
    /// is sealed piece by piece.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        out.append(&mut std::mem::take(&mut self.output));
        let time = self.unix_time();
        if let State::Open(tunnel) = &mut self.state
            && tunnel.channel.transmit(&mut tunnel.sealer, time, out)
        {
            self.over(Closed::Local);
        }
        out.len() > before
    }

    /// The next [watched](Self::watch) stream of which something went out since it was last given here: there may be room for
    /// more. [`unsent`](Self::unsent) tells how much is left.
    pub fn poll_sent(&mut self) -> Option<StreamId> {
        self.channel_mut().and_then(Channel::poll_sent)
    }

    /// The next event. After [`Event::Closed`] there is none.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_over() {
            None
        } else if self.session().is_none() {
            self.handshake_deadline()
        } else {
            let silence = if self.pinged { self.bounds.idle } else { self.bounds.keepalive.min(self.bounds.idle) };
            self.last_heard.checked_add(silence)
        }
    }
}
