//! The place where a call's one answer goes.

use std::sync::Arc;

use bulla_core::connection::StreamId;
use bulla_core::status::{Code, Status};

use crate::event_loop::PeerKey;

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A message for the peer.
    Reply(Vec<u8>),
    /// It went well, and the peer wants no message.
    Done,
    /// A status for the peer.
    Failed(Status),
    /// It was not run: the peer gave up, or is gone.
    Abandoned,
}

/// What takes answers to the connection that they belong to.
pub(crate) trait AnswerSink: Send + Sync {
    /// Takes the answer to a call whose request was `consumed` bytes long.
    fn accept(&self, peer: PeerKey, stream: StreamId, consumed: usize, answer: Answer);
}

/// The place for one answer. Dropped without one, it answers `INTERNAL`, so that no call is ever left open.
pub(crate) struct Slot {
    sink: Arc<dyn AnswerSink>,
    peer: PeerKey,
    stream: StreamId,
    consumed: usize,
    filled: bool,
}

impl Slot {
    pub(crate) fn new(sink: Arc<dyn AnswerSink>, peer: PeerKey, stream: StreamId, consumed: usize) -> Self {
        Self { sink, peer, stream, consumed, filled: false }
    }

    /// Gives the answer.
    pub(crate) fn fill(mut self, answer: Answer) {
        self.put(answer);
    }

    fn put(&mut self, answer: Answer) {
        self.filled = true;
        self.sink.accept(self.peer, self.stream, self.consumed, answer);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.filled {
            return;
        }
        let reason = if std::thread::panicking() { "the handler panicked" } else { "the handler gave no answer" };
        self.put(Answer::Failed(Status::new(Code::Internal, reason)));
    }
}
