//! What goes over the wire of the topics' routes.

use serde::{Deserialize, Serialize};

/// What `topics.subscribe` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscribeRequest {
    /// The topics, as [patterns](super::Pattern): at least one. A message that fits several of them comes once.
    pub patterns: Vec<String>,
    /// How many messages may wait while the subscriber is slow; the server may grant less.
    #[serde(default)]
    pub queue: Option<u32>,
    /// What happens to a subscriber whose queue is full: without a word, [`Policy::DropOldest`].
    #[serde(default)]
    pub policy: Option<Policy>,
}

/// What happens when a message comes for a subscriber whose queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The oldest message in the queue is dropped, and told as a part of a [`Gap`].
    DropOldest,
    /// The subscription ends with `RESOURCE_EXHAUSTED`.
    Disconnect,
}

/// What `topics.subscribe` answers with, again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Always the first: from now on, every message that fits comes or is told as missing.
    Subscribed {
        /// How many messages may wait.
        queue: u32,
    },
    /// The value of a message follows, as the next message of the stream.
    Message {
        /// What it was published under.
        topic: String,
        /// Its number, unique in the life of a server and growing: every subscriber sees the same messages in the same order.
        sequence: u64,
    },
    /// Messages that do not come.
    Gap(Gap),
}

/// Messages that fit a subscription and do not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Why.
    pub cause: Cause,
    /// How many.
    pub count: u64,
    /// What it was published under, if it is one message.
    pub topic: Option<String>,
    /// The number of the last one.
    pub sequence: u64,
    /// The cause in words.
    pub reason: String,
}

/// Why messages do not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The subscriber took them too slowly: the oldest in its queue were dropped.
    Slow,
    /// The subscriber's codec cannot carry the value.
    Codec,
    /// In the subscriber's codec the value is longer than a message of its session may be.
    Length,
}

/// What becomes of a message, and of those of a whole stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// How many messages were published.
    pub messages: u64,
    /// How many subscribers get them: each message counts once for each of them.
    pub delivered: u64,
    /// How many hear of a gap in their place, since their codec cannot carry the value. Counted likewise.
    pub missed: u64,
}

impl Published {
    /// The sum.
    pub(super) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.delivered += other.delivered;
        self.missed += other.missed;
    }
}
