//! What waits for one subscriber.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::services::topics::publication::{Ledger, Publication};
use crate::services::topics::{Cause, Gap, Policy};

/// What a place in a queue costs, in bytes.
const PLACE: u64 = 16;

/// The places that an empty queue keeps.
const KEPT: usize = 64;

/// How much may wait for one subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Messages: at least 1.
    pub(super) messages: usize,
    /// Bytes of messages; one message may be longer.
    pub(super) bytes: usize,
    /// What happens to a message that finds no room.
    pub(super) policy: Policy,
}

/// The messages that wait for one subscriber, in order, and those that it will not get.
#[derive(Debug)]
pub(super) struct Queue {
    room: Room,
    waiting: VecDeque<(Arc<Publication>, usize)>,
    bytes: usize,
    /// Messages dropped at the front, and the number of the last one.
    lost: Option<(u64, u64)>,
    ledger: Arc<Ledger>,
}

/// What comes next for a subscriber.
#[derive(Debug)]
pub(super) enum Next {
    Gap(Gap),
    Message(Arc<Publication>),
    /// Nothing will come any more.
    End,
}

/// The queue is full, and its policy is to give up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

impl Queue {
    pub(super) fn new(room: Room, ledger: Arc<Ledger>) -> Self {
        Self { room, waiting: VecDeque::new(), bytes: 0, lost: None, ledger }
    }

    /// How many messages wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The first message that waits, unless what was dropped before it comes first.
    pub(super) fn peek(&self) -> Option<&Arc<Publication>> {
        self.waiting.front().filter(|_| self.lost.is_none()).map(|(publication, _)| publication)
    }

    /// The number of the first message that waits.
    pub(super) fn first(&self) -> Option<u64> {
        self.waiting.front().map(|(publication, _)| publication.sequence)
    }

    /// Whether a message of this cost takes another one its place.
    pub(super) fn is_full_for(&self, cost: usize) -> bool {
        self.len() >= self.room.messages || (self.len() > 0 && self.bytes + cost > self.room.bytes)
    }

    /// Whether at most half of what may wait does.
    pub(super) fn is_half_empty(&self) -> bool {
        self.len() <= self.room.messages / 2 && self.bytes <= self.room.bytes / 2
    }

    /// Takes a message of this cost.
    pub(super) fn push(&mut self, publication: &Arc<Publication>, cost: usize) -> Result<(), Overflow> {
        while self.is_full_for(cost) {
            if self.room.policy == Policy::Disconnect {
                self.clear();
                return Err(Overflow);
            }
            self.drop_first();
        }
        self.waiting.push_back((Arc::clone(publication), cost));
        self.bytes += cost;
        self.ledger.hold(PLACE);
        Ok(())
    }

    /// The next message, or what was dropped before it.
    pub(super) fn pop(&mut self) -> Option<Next> {
        if let Some((count, sequence)) = self.lost.take() {
            let reason = format!("too slow: the queue of {} messages was full, or all queues were", self.room.messages);
            return Some(Next::Gap(Gap { cause: Cause::Slow, count, topic: None, sequence, reason }));
        }
        self.take_first().map(Next::Message)
    }

    /// Drops the messages up to this number.
    pub(super) fn drop_through(&mut self, sequence: u64) {
        while self.first().is_some_and(|first| first <= sequence) {
            self.drop_first();
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        while self.take_first().is_some() {}
    }

    fn take_first(&mut self) -> Option<Arc<Publication>> {
        let (publication, cost) = self.waiting.pop_front()?;
        self.bytes -= cost;
        self.ledger.release(PLACE);
        if self.waiting.is_empty() && self.waiting.capacity() > KEPT {
            self.waiting = VecDeque::new();
        }
        Some(publication)
    }

    fn drop_first(&mut self) {
        if let Some(publication) = self.take_first() {
            let count = self.lost.map_or(0, |(count, _)| count);
            self.lost = Some((count + 1, publication.sequence));
            self.ledger.count_dropped();
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.clear();
    }
}
