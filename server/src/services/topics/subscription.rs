//! One subscriber: what it asked for, and what waits for it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulla_core::codec::SharedCodec;

use crate::services::topics::Pattern;
use crate::services::topics::publication::{Ledger, Part, Publication};
use crate::services::topics::queue::{Next, Overflow, Queue, Room};
use crate::sync::lock;

/// What a subscriber asks for, and where it sits.
pub(super) struct Wish {
    /// The connection, as a number.
    pub(super) owner: usize,
    pub(super) codec: SharedCodec,
    pub(super) patterns: Vec<Pattern>,
    pub(super) room: Room,
    /// The longest message of its session, in bytes.
    pub(super) longest: usize,
}

/// One subscriber. `F` is the way to it.
///
/// At any time at most one thread takes messages out for it: whoever [`push`](Self::push) tells to begin, until [`next`](Self::next)
/// says that there are no more.
pub(super) struct Subscription<F> {
    pub(super) number: u64,
    pub(super) wish: Wish,
    pub(super) feed: F,
    inbox: Mutex<Inbox>,
    caught_up: Condvar,
}

struct Inbox {
    queue: Queue,
    /// The number of the last message that was pushed.
    pushed: u64,
    /// Somebody takes messages out, or waits to be able to.
    busy: bool,
    /// No message comes any more; what waits is still taken out.
    ending: bool,
    closed: bool,
    /// Something was taken out since the last message was pushed.
    taken: bool,
    /// How many messages were pushed since something was taken out.
    untaken: usize,
    /// Since when, at least, nothing was taken out although something was there.
    idle_since: Instant,
    /// A publisher waits until the queue is half empty.
    awaited: bool,
    /// A publisher waited in vain, and no one waits again until the queue is half empty.
    excused: bool,
}

impl Inbox {
    fn note_progress(&mut self, now: Instant) {
        if std::mem::take(&mut self.taken) || self.queue.len() == 0 {
            self.idle_since = now;
            self.untaken = 0;
        }
    }
}

/// What became of a message at one subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued {
        /// The value will be sent; else a gap in its place.
        whole: bool,
        /// The caller is to begin taking messages out.
        begin: bool,
    },
    /// It was there already, under another pattern.
    Again,
    /// The subscription is over.
    Closed,
    /// The subscription ends, because its queue is full.
    Overflow,
}

impl<F> Subscription<F> {
    /// A subscription for which the caller takes messages out.
    pub(super) fn new(number: u64, wish: Wish, feed: F, ledger: &Arc<Ledger>) -> Self {
        let inbox = Inbox {
            queue: Queue::new(wish.room, Arc::clone(ledger)),
            pushed: 0,
            busy: true,
            ending: false,
            closed: false,
            taken: false,
            untaken: 0,
            idle_since: Instant::now(),
            awaited: false,
            excused: false,
        };
        Self { number, wish, feed, inbox: Mutex::new(inbox), caught_up: Condvar::new() }
    }

    /// Queues a message.
    pub(super) fn push(&self, publication: &Arc<Publication>, now: Instant) -> Pushed {
        let part = publication.part(self.wish.codec.name());
        let mut inbox = lock(&self.inbox);
        if inbox.closed || inbox.ending {
            return Pushed::Closed;
        }
        if inbox.pushed == publication.sequence {
            return Pushed::Again;
        }
        inbox.pushed = publication.sequence;
        inbox.note_progress(now);
        inbox.untaken += 1;
        if inbox.queue.push(publication, part.map_or(0, Part::cost)) == Err(Overflow) {
            inbox.closed = true;
            return Pushed::Overflow;
        }
        let whole = part.is_some_and(|part| part.fits(self.wish.longest) && matches!(part, Part::Whole { .. }));
        let begin = !std::mem::replace(&mut inbox.busy, true);
        Pushed::Queued { whole, begin }
    }

    /// The message that is next, if one is. It stays in its place.
    pub(super) fn peek(&self) -> Option<Arc<Publication>> {
        lock(&self.inbox).queue.peek().cloned()
    }

    /// The next message for the subscriber. `None`: there is none, and the caller stops taking them out.
    pub(super) fn next(&self) -> Option<Next> {
        let mut inbox = lock(&self.inbox);
        let next = inbox.queue.pop().or_else(|| inbox.ending.then_some(Next::End));
        inbox.busy = next.is_some();
        inbox.taken = true;
        if (inbox.awaited || inbox.excused) && inbox.queue.is_half_empty() {
            inbox.excused = false;
            inbox.awaited = false;
            self.caught_up.notify_all();
        }
        next
    }

    /// If a message of this cost would take another one its place, waits until the queue is half empty and it would not: until
    /// `patience` after `begin`, or after something was last taken out if that was before; and only until `doubt` if nothing was taken
    /// out while all that waits came. `false` if it waited in vain: then nobody waits again before the queue is half empty.
    ///
    /// What is taken out makes up half a window at a time, so that is how coarse the signs of life are.
    pub(super) fn wait_for_room(&self, cost: usize, begin: Instant, patience: Duration, doubt: Duration) -> bool {
        let mut inbox = lock(&self.inbox);
        let mut low = inbox.excused || !inbox.queue.is_full_for(cost);
        while !low && !inbox.closed && !inbox.ending {
            let now = Instant::now();
            inbox.note_progress(now);
            let patience = if inbox.untaken >= inbox.queue.len() { doubt } else { patience };
            let left = (begin.min(inbox.idle_since) + patience).saturating_duration_since(now);
            inbox.awaited = !left.is_zero();
            inbox.excused = left.is_zero();
            if inbox.excused {
                return false;
            }
            inbox = self.caught_up.wait_timeout(inbox, left).unwrap_or_else(PoisonError::into_inner).0;
            low = inbox.queue.is_half_empty() && !inbox.queue.is_full_for(cost);
        }
        true
    }

    /// Takes no more messages. `true` if the caller is to begin taking out what waits, and the end.
    pub(super) fn retire(&self) -> bool {
        let mut inbox = lock(&self.inbox);
        inbox.ending = true;
        self.caught_up.notify_all();
        !std::mem::replace(&mut inbox.busy, true)
    }

    /// Ends the subscription, and drops what waits.
    pub(super) fn close(&self) {
        let mut inbox = lock(&self.inbox);
        inbox.queue.clear();
        inbox.closed = true;
        self.caught_up.notify_all();
    }

    /// The number of the message that has waited longest.
    pub(super) fn oldest(&self) -> Option<u64> {
        lock(&self.inbox).queue.first()
    }

    /// Drops the messages up to this number.
    pub(super) fn drop_through(&self, sequence: u64) {
        lock(&self.inbox).queue.drop_through(sequence);
    }
}
