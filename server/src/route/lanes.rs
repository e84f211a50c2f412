//! Both directions of a stream between its loop and its handler: what waits, and who wants to hear of it.

use std::collections::VecDeque;

use bulla_core::status::Status;

use crate::route::Consumed;

/// What is run once, at a cancellation or a drain.
pub(crate) type Once = Box<dyn FnOnce() + Send>;

/// What is run whenever there is room.
pub(crate) type Often = Box<dyn FnMut() + Send>;

/// What takes the messages of a peer one by one, and `None` at the end.
pub(crate) type Taker = Box<dyn FnMut(Option<Result<Vec<u8>, Status>>) + Send>;

/// Both directions of a stream.
#[derive(Default)]
pub(crate) struct Lanes {
    /// Messages that the handler has not taken.
    inbox: VecDeque<Vec<u8>>,
    /// The peer sends no more.
    ended: bool,
    /// The handler takes no more.
    closed: bool,
    /// Why it is over, if it did not end well.
    over: Option<Status>,
    /// The handler has heard of it.
    told: bool,
    /// What takes messages in place of a thread that waits for them.
    pub(crate) taker: Option<Taker>,
    /// A worker has the taker, or is about to.
    pub(crate) taking: bool,
    /// The taker's replies fill the window, or the connection: it has its next message when there is room again.
    pub(crate) full: bool,
    /// A worker came in vain, since it was full.
    pub(crate) held: bool,
    /// Bytes sent by the handler and not yet in a record, each message with its cost.
    pub(crate) unsent: usize,
    /// Somebody was told that there is no room for so much.
    pub(crate) wants_room: Option<usize>,
    pub(crate) callbacks: Callbacks,
    pub(crate) draining: bool,
    /// Threads that wait for something to change.
    pub(crate) waiting: usize,
}

/// What is to be called back.
#[derive(Default)]
pub(crate) struct Callbacks {
    pub(crate) on_room: Option<Often>,
    pub(crate) on_cancel: Vec<Once>,
    pub(crate) on_drain: Vec<Once>,
}

/// What there is for a handler to take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Message(Vec<u8>),
    /// The stream did not end well: said once.
    Error(Status),
    End,
    /// Nothing yet.
    Nothing,
}

impl Lanes {
    /// Keeps a message; `false` if nobody takes it.
    pub(crate) fn push(&mut self, message: Vec<u8>) -> bool {
        let kept = !self.closed && self.over.is_none();
        if kept {
            self.inbox.push_back(message);
        }
        kept
    }

    /// The peer sends no more.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// What the handler takes next.
    pub(crate) fn next(&mut self) -> Next {
        if let Some(message) = self.inbox.pop_front() {
            return Next::Message(message);
        }
        match &self.over {
            _ if self.closed => Next::End,
            Some(status) if !std::mem::replace(&mut self.told, true) => Next::Error(status.clone()),
            None if !self.ended => Next::Nothing,
            _ => Next::End,
        }
    }

    /// As [`next`](Self::next), and moves the messages behind it into `fetched`, which is empty.
    pub(crate) fn fetch(&mut self, fetched: &mut VecDeque<Vec<u8>>) -> Next {
        let next = self.next();
        std::mem::swap(&mut self.inbox, fetched);
        next
    }

    /// Takes back, for another reader, messages that were fetched and that nobody has had. Gives those that nobody will.
    pub(crate) fn put_back(&mut self, mut fetched: VecDeque<Vec<u8>>) -> Consumed {
        fetched.append(&mut self.inbox);
        self.inbox = fetched;
        if self.closed || self.over.is_some() { self.drop_inbox() } else { Consumed::default() }
    }

    /// Whether there is something for the handler to take.
    pub(crate) fn has_next(&self) -> bool {
        self.closed || self.ended || self.over.is_some() || !self.inbox.is_empty()
    }

    /// The handler takes no more. Gives what it has not taken.
    pub(crate) fn close(&mut self) -> Consumed {
        self.closed = true;
        self.drop_inbox()
    }

    /// It is over, for a reason of the peer's, the network's or the clock's. Gives what was not taken.
    pub(crate) fn cancel(&mut self, status: Status) -> Consumed {
        self.over.get_or_insert(status);
        self.unsent = 0;
        self.drop_inbox()
    }

    /// Why it is over, if it did not end well.
    pub(crate) fn over(&self) -> Option<&Status> {
        self.over.as_ref()
    }

    /// Whether a worker is to be sent for the taker: once, until it found nothing more. The end waits for no room.
    pub(crate) fn call_taker(&mut self) -> bool {
        if self.held && (self.over.is_some() || self.closed) {
            self.held = false;
            return self.taker.is_some();
        }
        self.taker.is_some() && !std::mem::replace(&mut self.taking, true)
    }

    /// Whether the taker has to wait for room; then [`release`](Self::release) tells when it need not.
    pub(crate) fn hold(&mut self) -> bool {
        self.held = self.full && self.over.is_none() && !self.closed;
        self.held
    }

    /// There is room: `true` if a worker is to be sent for a taker that waits for it.
    pub(crate) fn release(&mut self) -> bool {
        self.full = false;
        std::mem::take(&mut self.held) && self.taker.is_some()
    }

    fn drop_inbox(&mut self) -> Consumed {
        let inbox = std::mem::take(&mut self.inbox);
        Consumed { messages: inbox.len(), bytes: inbox.iter().map(Vec::len).sum() }
    }
}
