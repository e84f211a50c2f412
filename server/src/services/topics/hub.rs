//! Who listens to what, and who gets a message: everything about topics but the streams.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use bulla_core::codec::{CodecName, SharedCodec};
use bulla_core::status::{Code, Status};
use bulla_core::value::{Map, Value};

use crate::services::topics::patience::Patience;
use crate::services::topics::publication::{Bodies, Ledger, Publication};
use crate::services::topics::subscription::{Pushed, Subscription, Wish};
use crate::services::topics::trie::Trie;
use crate::services::topics::{Published, Topic, TopicLimits};
use crate::sync::lock;

/// The subscribers of a server. `F` is the way to one of them.
pub(super) struct Hub<F> {
    limits: TopicLimits,
    directory: RwLock<Directory<F>>,
    /// The number of the last message. Whoever holds it queues a message with every subscriber, so that all see the same order.
    order: Mutex<u64>,
    ledger: Arc<Ledger>,
    published: [AtomicU64; 3],
}

struct Directory<F> {
    trie: Trie<Arc<Subscription<F>>>,
    /// Each with whether its patterns are in the trie.
    subscriptions: HashMap<u64, (Arc<Subscription<F>>, bool)>,
    /// How many patterns each connection has.
    owners: HashMap<usize, usize>,
    patterns: usize,
    next_number: u64,
}

/// What became of a message, and what is left to do.
pub(super) struct Outcome<F> {
    pub(super) published: Published,
    /// Take messages out for these.
    pub(super) begin: Vec<Arc<Subscription<F>>>,
    /// They were too slow, and are over: tell them.
    pub(super) overflowed: Vec<Arc<Subscription<F>>>,
}

impl<F> Hub<F> {
    pub(super) fn new(limits: TopicLimits) -> Self {
        let directory = Directory {
            trie: Trie::default(),
            subscriptions: HashMap::new(),
            owners: HashMap::new(),
            patterns: 0,
            next_number: 0,
        };
        let directory = RwLock::new(directory);
        Self { limits, directory, order: Mutex::new(0), ledger: Arc::default(), published: Default::default() }
    }

    pub(super) fn limits(&self) -> &TopicLimits {
        &self.limits
    }

    /// Adds a subscriber, for which the caller then takes messages out.
    pub(super) fn subscribe(&self, wish: Wish, feed: F) -> Result<Arc<Subscription<F>>, (Status, F)> {
        let mut directory = self.write();
        let count = wish.patterns.len();
        let own = directory.owners.get(&wish.owner).copied().unwrap_or_default();
        if let Err(status) = self.check_room(count, own, directory.patterns) {
            return Err((status, feed));
        }
        let number = directory.next_number;
        directory.next_number += 1;
        directory.patterns += count;
        directory.owners.insert(wish.owner, own + count);
        let subscription = Arc::new(Subscription::new(number, wish, feed, &self.ledger));
        for pattern in &subscription.wish.patterns {
            directory.trie.insert(pattern, number, Arc::clone(&subscription));
        }
        directory.subscriptions.insert(number, (Arc::clone(&subscription), true));
        Ok(subscription)
    }

    fn check_room(&self, wanted: usize, own: usize, all: usize) -> Result<(), Status> {
        let TopicLimits { patterns_per_connection, patterns, .. } = self.limits;
        let refuse = |reason| Err(Status::new(Code::ResourceExhausted, reason));
        if own + wanted > patterns_per_connection {
            return refuse(format!("a connection may have {patterns_per_connection} patterns in its subscriptions"));
        }
        if all + wanted > patterns {
            return refuse(format!("this server takes {patterns} patterns in all subscriptions together"));
        }
        Ok(())
    }

    /// Lets no more messages come for a subscriber. `true` if the caller is to take out what waits, and the end.
    pub(super) fn retire(&self, number: u64) -> bool {
        self.write().unlist(number).is_some_and(|subscription| subscription.retire())
    }

    /// Removes a subscriber; `false` if it was removed before.
    pub(super) fn unsubscribe(&self, number: u64) -> bool {
        let mut directory = self.write();
        directory.unlist(number);
        let removed = directory.subscriptions.remove(&number);
        drop(directory);
        removed.iter().for_each(|(subscription, _)| subscription.close());
        removed.is_some()
    }

    /// Queues a message with all who listen. `encoded` is the value as it came, if it did. Without patience it waits for nobody.
    pub(super) fn publish(
        &self,
        topic: Topic,
        value: Value,
        encoded: Option<(CodecName, Vec<u8>)>,
        patience: &mut Patience,
    ) -> Outcome<F> {
        let mut outcome = Outcome::default();
        let matching = self.matching(&topic);
        if !matching.is_empty() {
            let bodies = Bodies::new(value, encoded, codecs(&matching));
            patience.wait(&matching, &bodies);
            self.queue(topic, bodies, matching, &mut outcome);
        }
        self.relieve();
        self.count(&outcome.published);
        outcome
    }

    fn queue(&self, topic: Topic, bodies: Bodies, matching: Vec<Arc<Subscription<F>>>, outcome: &mut Outcome<F>) {
        let now = Instant::now();
        let mut last = lock(&self.order);
        *last += 1;
        let publication = Arc::new(Publication::new(topic, *last, bodies, &self.ledger));
        for subscription in matching {
            let pushed = subscription.push(&publication, now);
            outcome.note(pushed, subscription);
        }
    }

    fn count(&self, published: &Published) {
        let Published { messages, delivered, missed } = *published;
        for (counter, count) in self.published.iter().zip([messages, delivered, missed]) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn matching(&self, topic: &Topic) -> Vec<Arc<Subscription<F>>> {
        let mut matching = Vec::new();
        self.read().trie.for_each_match(topic, |subscription| matching.push(Arc::clone(subscription)));
        matching
    }

    /// Lets go of the messages that have waited longest, until all queues together keep their limit.
    fn relieve(&self) {
        while self.ledger.bytes() > self.limits.bytes {
            let newest = *lock(&self.order);
            let directory = self.read();
            let all = directory.subscriptions.values().map(|(subscription, _)| subscription);
            let Some(oldest) = all.clone().filter_map(|subscription| subscription.oldest()).min() else { return };
            let through = oldest + newest.saturating_sub(oldest) / 2;
            all.for_each(|subscription| subscription.drop_through(through));
        }
    }

    /// Bytes of messages that wait for somebody.
    pub(super) fn held(&self) -> u64 {
        self.ledger.bytes()
    }

    /// Counts, as a document.
    pub(super) fn summary(&self) -> Value {
        let (subscriptions, patterns) = {
            let directory = self.read();
            (directory.subscriptions.len() as u64, directory.patterns as u64)
        };
        let [messages, delivered, missed] = [0, 1, 2].map(|at: usize| self.published[at].load(Ordering::Relaxed));
        let counts = [
            ("subscriptions", subscriptions),
            ("patterns", patterns),
            ("messages", messages),
            ("delivered", delivered),
            ("missed", missed),
            ("dropped", self.ledger.dropped()),
            ("waiting_bytes", self.held()),
        ];
        counts.into_iter().collect::<Map>().into()
    }

    fn read(&self) -> RwLockReadGuard<'_, Directory<F>> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Directory<F>> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Directory<F> {
    /// Takes a subscriber's patterns away, if they are there.
    fn unlist(&mut self, number: u64) -> Option<Arc<Subscription<F>>> {
        let (subscription, listed) = self.subscriptions.get_mut(&number)?;
        if !std::mem::replace(listed, false) {
            return None;
        }
        let wish = &subscription.wish;
        for pattern in &wish.patterns {
            self.trie.remove(pattern, number);
        }
        self.patterns -= wish.patterns.len();
        if let Entry::Occupied(mut own) = self.owners.entry(wish.owner) {
            *own.get_mut() -= wish.patterns.len();
            if *own.get() == 0 {
                own.remove();
            }
        }
        Some(Arc::clone(subscription))
    }
}

/// The codecs of these subscribers, each once.
fn codecs<F>(subscriptions: &[Arc<Subscription<F>>]) -> Vec<SharedCodec> {
    let mut codecs: Vec<SharedCodec> = Vec::new();
    for subscription in subscriptions {
        let codec = &subscription.wish.codec;
        if codecs.iter().all(|known| known.name() != codec.name()) {
            codecs.push(codec.clone());
        }
    }
    codecs
}

impl<F> Default for Outcome<F> {
    fn default() -> Self {
        let published = Published { messages: 1, ..Published::default() };
        Self { published, begin: Vec::new(), overflowed: Vec::new() }
    }
}

impl<F> Outcome<F> {
    fn note(&mut self, pushed: Pushed, subscription: Arc<Subscription<F>>) {
        match pushed {
            Pushed::Queued { whole, begin } => {
                self.published.delivered += u64::from(whole);
                self.published.missed += u64::from(!whole);
                if begin {
                    self.begin.push(subscription);
                }
            }
            Pushed::Overflow => self.overflowed.push(subscription),
            Pushed::Again | Pushed::Closed => {}
        }
    }
}
