//! Room that a peer has coming.

use std::sync::Arc;

use crate::route::{Consumed, Exchange, Note};

/// Messages that a handler has taken, and whose room is not the peer's again yet: each note costs a lock, and may cost a wake.
/// Dropped, it gives the room back.
pub(crate) struct Owed {
    exchange: Arc<Exchange>,
    consumed: Consumed,
    /// What is worth a note, in bytes.
    worth: usize,
}

impl Owed {
    pub(crate) fn new(exchange: &Arc<Exchange>, worth: usize) -> Self {
        Self { exchange: Arc::clone(exchange), consumed: Consumed::default(), worth }
    }

    /// A message was taken.
    pub(crate) fn owe(&mut self, length: usize) {
        self.consumed.add(Consumed::one(length));
        if self.consumed.cost() >= self.worth {
            self.settle();
        }
    }

    /// Gives back what is owed.
    pub(crate) fn settle(&mut self) {
        let consumed = std::mem::take(&mut self.consumed);
        if consumed.messages > 0 {
            self.exchange.say(Note::consumed(consumed));
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        self.settle();
    }
}
