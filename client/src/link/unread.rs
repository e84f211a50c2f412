//! What has come on streams and waits to be read, and whose turn it is to go when that is too much.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use bulla_core::connection::{EVENT_COST, StreamId};

use crate::inbox::Inbox;

/// What has come on streams and waits to be read, also on those that are over.
pub(super) struct Unread<K = StreamId> {
    streams: HashMap<K, Held>,
    cost: usize,
    /// Counts the messages that came.
    clock: u64,
}

/// What waits on one stream.
pub(super) struct Held {
    pub(super) inbox: Arc<Inbox>,
    pub(super) messages: usize,
    pub(super) bytes: usize,
    /// Since when its reader has read nothing of it.
    since: u64,
}

impl Held {
    fn cost(&self) -> usize {
        self.bytes + self.messages * EVENT_COST
    }
}

impl<K> Default for Unread<K> {
    fn default() -> Self {
        Self { streams: HashMap::new(), cost: 0, clock: 0 }
    }
}

impl<K: Copy + Eq + Hash> Unread<K> {
    /// A message came.
    pub(super) fn add(&mut self, stream: K, inbox: &Arc<Inbox>, length: usize) {
        self.clock += 1;
        let since = self.clock;
        let fresh = || Held { inbox: Arc::clone(inbox), messages: 0, bytes: 0, since };
        let held = self.streams.entry(stream).or_insert_with(fresh);
        (held.messages, held.bytes) = (held.messages + 1, held.bytes + length);
        self.cost += length + EVENT_COST;
    }

    /// Messages were read; `false` if they do not count, since the stream [had to go](Self::take_stalest) before.
    pub(super) fn remove(&mut self, stream: K, messages: usize, bytes: usize) -> bool {
        let Some(held) = self.streams.get_mut(&stream) else { return false };
        (held.messages, held.bytes) = (held.messages.saturating_sub(messages), held.bytes.saturating_sub(bytes));
        held.since = self.clock;
        self.cost = self.cost.saturating_sub(bytes + messages * EVENT_COST);
        if held.messages == 0 {
            self.streams.remove(&stream);
        }
        true
    }

    /// What waits in all, in bytes, each message with its cost.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// Takes the stream that was left alone for longest, of those that hold half of the average or more: to end others frees little.
    pub(super) fn take_stalest(&mut self) -> Option<(K, Held)> {
        let least = self.cost / 2 / self.streams.len().max(1);
        let large = self.streams.iter().filter(|(_, held)| held.cost() >= least);
        let stream = *large.min_by_key(|(_, held)| held.since)?.0;
        let held = self.streams.remove(&stream)?;
        self.cost -= held.cost();
        Some((stream, held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024 - EVENT_COST;

    fn add(unread: &mut Unread<u32>, stream: u32, count: usize) {
        (0..count).for_each(|_| unread.add(stream, &Arc::default(), KIB));
    }

    #[test]
    fn the_one_that_was_left_alone_for_longest_goes_first() {
        let mut unread = Unread::default();
        for stream in 1..=3 {
            add(&mut unread, stream, 10);
        }
        assert!(unread.remove(1, 4, 4 * KIB), "this one is read");
        add(&mut unread, 2, 10);
        assert_eq!(unread.cost(), 36 << 10);
        let gone: Vec<_> =
            std::iter::from_fn(|| unread.take_stalest()).map(|(stream, held)| (stream, held.messages)).collect();
        assert_eq!(gone, [(2, 20), (3, 10), (1, 6)]);
        assert_eq!(unread.cost(), 0);
    }

    #[test]
    fn small_ones_do_not_go_for_large_ones() {
        let mut unread = Unread::default();
        for (stream, count) in [(1, 1), (2, 1), (3, 40), (4, 60)] {
            add(&mut unread, stream, count);
        }
        assert_eq!(unread.take_stalest().map(|(stream, _)| stream), Some(3));
        assert_eq!(unread.take_stalest().map(|(stream, _)| stream), Some(4));
    }

    #[test]
    fn what_is_read_of_one_that_had_to_go_does_not_count() {
        let mut unread = Unread::default();
        add(&mut unread, 1, 2);
        add(&mut unread, 2, 1);
        assert!(unread.take_stalest().is_some());
        assert!(!unread.remove(1, 1, KIB));
        assert!(unread.remove(2, 1, KIB));
        assert!(!unread.remove(2, 1, KIB), "there is nothing of it");
        assert_eq!((unread.cost(), unread.streams.len()), (0, 0));
    }
}
