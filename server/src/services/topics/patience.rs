//! How long a publisher lets its subscribers hold it up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::services::topics::publication::Bodies;
use crate::services::topics::subscription::Subscription;

/// The part of the time that waiting for those who have stopped may take in the long run: one in so many.
const SHARE: u32 = 10;

/// How long a publisher lets its subscribers hold it up, and what is left of that for those who seem to have stopped.
///
/// Nobody can tell one that has stopped from one that is about to go on. So one that took nothing while its whole queue filled is given
/// what waiting in vain has left over: at first all of the patience, then a share of the time. Those who stop, each at a time of its
/// own, cost no more than that, however many they are.
#[derive(Debug)]
pub(super) struct Patience {
    most: Duration,
    left: Duration,
    counted: Instant,
}

impl Patience {
    pub(super) fn new(most: Duration) -> Self {
        Self { most, left: most, counted: Instant::now() }
    }

    pub(super) fn none() -> Self {
        Self::new(Duration::ZERO)
    }

    pub(super) fn is_none(&self) -> bool {
        self.most.is_zero()
    }

    /// Waits until a message takes nobody else's place, or time is up.
    pub(super) fn wait<F>(&mut self, subscriptions: &[Arc<Subscription<F>>], bodies: &Bodies) {
        if self.is_none() {
            return;
        }
        let begin = Instant::now();
        self.left = self.most.min(self.left + (begin - self.counted) / SHARE);
        self.counted = begin;
        let mut in_vain = false;
        for subscription in subscriptions {
            let cost = bodies.cost(subscription.wish.codec.name());
            in_vain |= !subscription.wait_for_room(cost, begin, self.most, self.left);
        }
        if in_vain {
            self.counted = Instant::now();
            self.left = self.left.saturating_sub(self.counted - begin);
        }
    }
}
