//! The established session's channel: frames in, events out, and the streams between them.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use foldhash::fast::RandomState as FastHash;

use crate::connection::flood::Budget;
use crate::connection::stream::{Received, Stream};
use crate::connection::{Bounds, Closed, CommandError, Event, Limits, Message, Open, Side, StreamId, Violation};
use crate::frame::{Frame, is_metadata, is_route, parse_frame, put_go_away, put_open, put_ping, put_pong, put_reset};
use crate::status::{Code, Status};

/// What a message or an event costs beside its bytes, when what the application has not taken yet is counted; a message uses up
/// that much credit, too.
pub const EVENT_COST: usize = 64;

/// What a keepalive ping carries; its answer is no event.
pub(crate) const KEEPALIVE: [u8; 8] = *b"keepaliv";

/// The state of both halves of all streams.
pub(crate) struct Channel {
    pub(crate) side: Side,
    pub(crate) limits: Limits,
    /// Of the bounds, those that hold in here: see [`Bounds`].
    inbound: usize,
    outbound: usize,
    /// A fast hash will do: it has a seed of its own, and a peer that found numbers that collide could have no more of them than agreed.
    pub(crate) streams: HashMap<u32, Stream, FastHash>,
    /// Frames other than DATA and CREDIT, written and waiting.
    pub(crate) control: Vec<u8>,
    /// Streams with something to send, in turn.
    pub(crate) ready: VecDeque<u32>,
    /// Streams with credit to grant.
    pub(crate) grants: Vec<u32>,
    /// Bytes of messages queued and not yet written.
    pub(crate) queued: usize,
    /// Those of them that do not wait for credit.
    pub(crate) sendable: usize,
    /// Watched streams whose queue shrank.
    pub(crate) shrunk: VecDeque<u32>,
    /// Bytes of messages that came in part.
    partial: usize,
    /// Bytes of whole messages, and the cost of their events, that the application has not consumed.
    unconsumed: usize,
    next_id: u32,
    /// The highest stream that the peer opened.
    peer_last: u32,
    peer_open: u32,
    own_open: u32,
    /// The last stream that we serve, once we said so.
    pub(crate) going_away: Option<u32>,
    /// The last stream that the peer serves, once it said so.
    peer_going_away: Option<u32>,
    /// A CLOSE follows what is ready.
    pub(crate) closing: bool,
    /// The client's first record proves that nobody replayed its handshake: it is sent even if empty.
    pub(crate) greeting_due: bool,
    pub(crate) budget: Budget,
}

impl Channel {
    pub(crate) fn new(side: Side, limits: Limits, bounds: &Bounds, now: Instant) -> Self {
        Self {
            side,
            limits,
            inbound: bounds.inbound,
            outbound: bounds.outbound,
            streams: HashMap::default(),
            control: Vec::new(),
            ready: VecDeque::new(),
            grants: Vec::new(),
            queued: 0,
            sendable: 0,
            shrunk: VecDeque::new(),
            partial: 0,
            unconsumed: 0,
            next_id: if side == Side::Client { 1 } else { 2 },
            peer_last: 0,
            peer_open: 0,
            own_open: 0,
            going_away: None,
            peer_going_away: None,
            closing: false,
            greeting_due: side == Side::Client,
            budget: Budget::new(now),
        }
    }

    // Commands

    pub(crate) fn open(&mut self, open: &Open) -> Result<StreamId, CommandError> {
        if self.closing || self.peer_going_away.is_some() {
            return Err(CommandError::GoingAway);
        }
        if !is_route(&open.route) {
            return Err(CommandError::Route);
        }
        if !is_metadata(&open.metadata) {
            return Err(CommandError::Metadata);
        }
        if self.own_open >= self.limits.streams {
            return Err(CommandError::TooManyStreams(self.limits.streams));
        }
        let id = self.next_id;
        self.next_id = id.checked_add(2).ok_or(CommandError::StreamsUsedUp)?;
        put_open(&mut self.control, id, open, self.limits.credit);
        let mut stream = Stream::new(self.limits.credit, self.limits.credit);
        stream.remote_done = open.one_way;
        self.streams.insert(id, stream);
        self.own_open += 1;
        Ok(StreamId(id))
    }

    pub(crate) fn send(&mut self, id: StreamId, message: Message) -> Result<(), CommandError> {
        if message.len() > self.limits.message as usize {
            return Err(CommandError::MessageTooLong { length: message.len(), limit: self.limits.message });
        }
        let size = message.len();
        let stream = self.streams.get_mut(&id.0).ok_or(CommandError::UnknownStream)?;
        let before = stream.sendable();
        if !stream.push(message) {
            return Err(CommandError::Finished);
        }
        self.sendable += stream.sendable() - before;
        self.queued += size;
        self.schedule(id.0);
        Ok(())
    }

    pub(crate) fn finish(&mut self, id: StreamId) -> Result<(), CommandError> {
        let stream = self.streams.get_mut(&id.0).ok_or(CommandError::UnknownStream)?;
        if !stream.finish() {
            return Err(CommandError::Finished);
        }
        self.schedule(id.0);
        Ok(())
    }

    pub(crate) fn reset(&mut self, id: StreamId, status: &Status) -> Result<(), CommandError> {
        if !self.streams.contains_key(&id.0) {
            return Err(CommandError::UnknownStream);
        }
        put_reset(&mut self.control, id.0, status);
        self.remove(id.0);
        Ok(())
    }

    pub(crate) fn consume(&mut self, id: StreamId, messages: usize, length: usize) {
        let size = length.saturating_add(messages.saturating_mul(EVENT_COST));
        self.unconsumed = self.unconsumed.saturating_sub(size);
        if let Some(stream) = self.streams.get_mut(&id.0) {
            stream.unconsumed = stream.unconsumed.saturating_sub(size);
            self.plan_grant(id.0);
        }
    }

    pub(crate) fn watch(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id.0) {
            stream.watched = true;
        }
    }

    pub(crate) fn poll_sent(&mut self) -> Option<StreamId> {
        while let Some(id) = self.shrunk.pop_front() {
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.shrunk = false;
                return Some(StreamId(id));
            }
        }
        None
    }

    pub(crate) fn ping(&mut self, bytes: [u8; 8]) {
        // Its answer is no flood.
        self.budget.earn(1);
        put_ping(&mut self.control, bytes);
    }

    pub(crate) fn go_away(&mut self) {
        if self.going_away.is_none() {
            put_go_away(&mut self.control, self.peer_last);
            self.going_away = Some(self.peer_last);
        }
    }

    /// Gives back room that nothing is in.
    pub(crate) fn rest(&mut self) {
        self.streams.shrink_to_fit();
        self.control.shrink_to_fit();
        self.ready.shrink_to_fit();
        self.grants.shrink_to_fit();
        self.shrunk.shrink_to_fit();
    }

    // Getters

    pub(crate) fn wants_read(&self) -> bool {
        // Only the server holds back for what its peer does not read: if both did, neither might ever read again. What waits for
        // credit alone is no reason: the credit comes in what is to be read.
        let sendable = !self.control.is_empty() || !self.ready.is_empty();
        let over = self.queued + self.control.len() > self.outbound;
        let choked = self.side == Side::Server && over && sendable;
        self.unconsumed <= self.inbound / 2 && !choked
    }

    pub(crate) fn open_streams(&self) -> usize {
        self.streams.len()
    }

    // Input

    /// Handles the frames of one record.
    pub(crate) fn handle_frames(&mut self, mut frames: &[u8], events: &mut VecDeque<Event>) -> Result<(), Closed> {
        while !frames.is_empty() {
            match parse_frame(&mut frames)? {
                Frame::Open { stream, open, credit } => self.handle_open(stream, open, credit, events)?,
                Frame::Data { stream, more, end, payload } => self.handle_data(stream, more, end, payload, events)?,
                Frame::Credit { stream, bytes } => self.handle_credit(stream, bytes)?,
                Frame::Reset { stream, status } => self.handle_reset(stream, status, events)?,
                Frame::Ping(bytes) => {
                    // One that finds nothing waiting costs no more than any record: pings may follow each other closely.
                    if !self.control.is_empty() {
                        self.budget.spend("PING")?;
                    }
                    put_pong(&mut self.control, bytes);
                }
                Frame::Pong(bytes) => {
                    self.budget.spend("PONG")?;
                    events.extend((bytes != KEEPALIVE).then_some(Event::Pong(bytes)));
                }
                Frame::GoAway { last } => {
                    self.budget.spend("GO_AWAY")?;
                    self.peer_going_away = Some(last);
                    events.push_back(Event::GoAway { last });
                }
                Frame::Close { orderly: true, .. } => return Err(Closed::Peer),
                Frame::Close { reason, .. } => return Err(Closed::PeerGaveUp(reason)),
                Frame::Ignored => self.budget.spend("unknown")?,
            }
        }
        Ok(())
    }

    fn handle_open(&mut self, id: u32, open: Open, credit: u32, events: &mut VecDeque<Event>) -> Result<(), Violation> {
        let parity = if self.side == Side::Client { 0 } else { 1 };
        if id % 2 != parity || id <= self.peer_last {
            return Err(Violation::StreamNumber(id));
        }
        if self.peer_open >= self.limits.streams {
            return Err(Violation::TooManyStreams(self.limits.streams));
        }
        self.peer_last = id;
        if self.going_away.is_some() {
            self.budget.spend("OPEN")?;
            let status = Status::new(Code::Unavailable, "the other side is going away").not_started();
            put_reset(&mut self.control, id, &status);
            return Ok(());
        }
        let mut stream = Stream::new(credit, self.limits.credit);
        if open.one_way {
            stream.finish();
            stream.local_done = true;
        }
        self.streams.insert(id, stream);
        self.peer_open += 1;
        events.push_back(Event::Opened { stream: StreamId(id), open });
        Ok(())
    }

    fn handle_data(
        &mut self,
        id: u32,
        more: bool,
        end: bool,
        payload: &[u8],
        events: &mut VecDeque<Event>,
    ) -> Result<(), Violation> {
        // What completes a message is paid for like any other: a unit in bincode is nothing but an empty frame.
        if payload.is_empty() && more {
            self.budget.spend("empty DATA")?;
        }
        let Some(stream) = self.streams.get_mut(&id) else { return self.check_not_idle("DATA", id) };
        let before = stream.partial();
        if self.partial + self.unconsumed + payload.len() + EVENT_COST > self.inbound {
            let status = Status::new(Code::ResourceExhausted, "too many bytes wait to be taken on this connection");
            put_reset(&mut self.control, id, &status);
            self.remove(id);
            events.push_back(Event::Reset { stream: StreamId(id), status });
            return Ok(());
        }
        let received = stream.receive(id, payload, more, end, self.limits.message)?;
        self.partial = self.partial - before + stream.partial();
        let stream = StreamId(id);
        match received {
            Received::Fragment => {}
            Received::End => events.push_back(Event::Finished { stream }),
            Received::Message(message) => {
                self.unconsumed += message.len() + EVENT_COST;
                events.push_back(Event::Message { stream, message, last: end });
            }
        }
        self.plan_grant(id);
        self.retire(id);
        Ok(())
    }

    fn handle_credit(&mut self, id: u32, bytes: u32) -> Result<(), Violation> {
        self.budget.spend("CREDIT")?;
        let Some(stream) = self.streams.get_mut(&id) else { return self.check_not_idle("CREDIT", id) };
        let before = stream.sendable();
        if !stream.grant(bytes) {
            return Err(Violation::Credit(id));
        }
        self.sendable += stream.sendable() - before;
        self.schedule(id);
        Ok(())
    }

    fn handle_reset(&mut self, id: u32, status: Status, events: &mut VecDeque<Event>) -> Result<(), Violation> {
        self.budget.spend("RESET")?;
        if !self.streams.contains_key(&id) {
            return self.check_not_idle("RESET", id);
        }
        self.remove(id);
        events.push_back(Event::Reset { stream: StreamId(id), status });
        Ok(())
    }

    /// A frame for a stream that is over may have crossed its end on the way; one for a stream never opened is a violation.
    fn check_not_idle(&self, kind: &'static str, id: u32) -> Result<(), Violation> {
        let own = id % 2 == self.next_id % 2;
        let opened = if own { id < self.next_id } else { id <= self.peer_last };
        if id != 0 && opened { Ok(()) } else { Err(Violation::IdleStream(kind, id)) }
    }

    // Streams

    fn schedule(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if !stream.scheduled && stream.can_send() {
            stream.scheduled = true;
            self.ready.push_back(id);
        }
    }

    fn plan_grant(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if !stream.credit_due && stream.credit_to_grant(self.limits.credit) > 0 {
            stream.credit_due = true;
            self.grants.push(id);
        }
    }

    /// Forgets a stream when both halves are done.
    pub(crate) fn retire(&mut self, id: u32) {
        if self.streams.get(&id).is_some_and(|stream| stream.local_done && stream.remote_done) {
            self.remove(id);
        }
    }

    /// Forgets a stream. What the application still holds of it stays counted until it is consumed.
    fn remove(&mut self, id: u32) {
        let Some(stream) = self.streams.remove(&id) else { return };
        self.queued -= stream.queued();
        self.sendable -= stream.sendable();
        self.partial -= stream.partial();
        if id % 2 == self.next_id % 2 {
            self.own_open -= 1;
        } else {
            self.peer_open -= 1;
        }
    }
}
