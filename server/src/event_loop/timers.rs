//! Deadlines of a loop's connections, soonest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use crate::event_loop::PeerKey;

/// A time that is as good as never: thirty years.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// So much later, also for a time that is too long for the clock.
pub(crate) fn after(instant: Instant, time: Duration) -> Instant {
    instant + time.min(NEVER)
}

/// A heap with lazy deletion. Whoever sets a timer keeps its instant, and sets another only when it is sooner: a timer that fires
/// too early is set again, so that a deadline that keeps moving away costs next to nothing.
#[derive(Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, PeerKey)>>,
}

impl Timers {
    /// Adds a timer.
    pub(crate) fn set(&mut self, at: Instant, key: PeerKey) {
        self.heap.push(Reverse((at, key)));
    }

    /// When the soonest timer is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the soonest timer, if it is due.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<PeerKey> {
        let due = self.next().is_some_and(|at| at <= now);
        if due { self.heap.pop().map(|Reverse((_, key))| key) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(slot: usize) -> PeerKey {
        PeerKey { slot, serial: slot as u64 }
    }

    #[test]
    fn gives_what_is_due_in_order_and_nothing_else() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        for (ms, slot) in [(30, 3), (10, 1), (20, 2)] {
            timers.set(after(ms), key(slot));
        }
        assert_eq!(timers.next(), Some(after(10)));
        assert_eq!(timers.take_due(after(9)), None);
        assert_eq!(timers.take_due(after(20)), Some(key(1)));
        assert_eq!(timers.take_due(after(20)), Some(key(2)));
        assert_eq!(timers.take_due(after(20)), None);
        assert_eq!(timers.next(), Some(after(30)));
    }
}
