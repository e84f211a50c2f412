//! What a handler tells the connection of its call, and the duty to end it.

use std::sync::Arc;

use bulla_core::connection::{EVENT_COST, Message};
use bulla_core::status::{Code, Status};

use crate::route::{Exchange, Turn};

/// What a handler tells the connection of its call: a call has one of these, with a reply and the end; a stream has many.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) consumed: Consumed,
    /// A message for the peer.
    pub(crate) message: Option<Message>,
    /// The handler is done.
    pub(crate) end: Option<End>,
}

impl Note {
    pub(crate) fn consumed(consumed: Consumed) -> Self {
        Self { consumed, ..Self::default() }
    }

    pub(crate) fn message(message: Message) -> Self {
        Self { message: Some(message), ..Self::default() }
    }

    /// The bytes that it takes to keep.
    pub(crate) fn size(&self) -> usize {
        self.message.as_ref().map_or(0, Message::len)
    }
}

/// How a handler was done with its call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It went well.
    Done,
    /// A status for the peer. Boxed, since most calls go well and notes are moved about.
    Failed(Box<Status>),
    /// It was not run: the peer gave up, or is gone.
    Abandoned,
}

impl End {
    pub(crate) fn failed(status: Status) -> Self {
        Self::Failed(Box::new(status))
    }
}

/// Messages of the peer that a handler is done with: their room is the peer's again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Consumed {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Consumed {
    pub(crate) fn one(length: usize) -> Self {
        Self { messages: 1, bytes: length }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }

    /// What was counted for the messages, their events included.
    pub(crate) fn cost(self) -> usize {
        self.bytes + self.messages * EVENT_COST
    }
}

/// What takes notes to the connection that they belong to.
pub(crate) trait Sink: Send + Sync {
    /// Takes a note. With `counts`, its end is the call's, and not one that comes too late.
    fn accept(&self, exchange: &Exchange, note: Note, counts: bool);

    /// Sees to it that a worker goes on with the callback of an exchange.
    fn resume(&self, turn: Turn);

    /// Ends the call on behalf of the server, though its handler still runs: it is [cancelled](Exchange::cancel) then.
    fn give_up(&self, exchange: &Exchange, status: Status);

    /// Whether there is room for that many bytes more in the whole server.
    fn has_room(&self, bytes: usize) -> bool;
}

/// The duty to end one call. Dropped without that, it ends it with `INTERNAL`, so that no call is ever left open.
pub(crate) struct Slot {
    exchange: Arc<Exchange>,
    /// The request, as long as nothing was given back of it.
    consumed: Consumed,
    filled: bool,
}

impl Slot {
    /// `consumed` is what is given back with the end.
    pub(crate) fn new(exchange: Arc<Exchange>, consumed: Consumed) -> Self {
        Self { exchange, consumed, filled: false }
    }

    /// Ends the call, with a last message or without.
    pub(crate) fn fill(mut self, message: Option<Message>, end: End) {
        self.put(message, end);
    }

    /// Gives the request back before the end.
    pub(crate) fn release_request(&mut self) {
        let consumed = std::mem::take(&mut self.consumed);
        if consumed.messages > 0 {
            self.exchange.say(Note::consumed(consumed));
        }
    }

    pub(crate) fn is_filled(&self) -> bool {
        self.filled
    }

    pub(crate) fn put(&mut self, message: Option<Message>, end: End) {
        self.filled = true;
        self.exchange.say(Note { consumed: self.consumed, message, end: Some(end) });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.filled {
            return;
        }
        let reason = if std::thread::panicking() { "the handler panicked" } else { "the handler gave no answer" };
        self.put(None, End::failed(Status::new(Code::Internal, reason)));
    }
}
