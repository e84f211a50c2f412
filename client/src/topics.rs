//! The stock server's topics: messages for whoever listens at the moment.
//!
//! What is published is a document, a [`Value`](bulla_core::value::Value), whatever type it is made of: so every subscriber can read it,
//! whatever its codec, also if one of the two does not describe itself. [`Subscription::typed`] makes typed values of the documents
//! again.
//!
//! ```no_run
//! # use bulla_client::Client;
//! # use bulla_client::topics::Delivery;
//! # use serde::{Deserialize, Serialize};
//! #[derive(Serialize, Deserialize)]
//! struct Reading {
//!     celsius: f64,
//! }
//!
//! # fn example(client: &Client) -> Result<(), bulla_client::CallError> {
//! let readings = client.topics().subscribe(["sensors.*.temperature"])?.typed::<Reading>();
//! client.topics().publish("sensors.kitchen.temperature", &Reading { celsius: 21.5 })?;
//! for delivery in readings {
//!     match delivery? {
//!         Delivery::Message(message) => println!("{}: {} °C", message.topic, message.value.celsius),
//!         Delivery::Gap(gap) => eprintln!("{} messages are missing: {}", gap.count, gap.reason),
//!         Delivery::Misfit(message, error) => eprintln!("{} is no reading: {error}", message.value),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The types that travel mirror the server's, field for field: see [`records`](crate::records).

mod publish;
mod subscribe;

use serde::{Deserialize, Serialize};

pub use self::publish::{Publisher, Topics};
pub use self::subscribe::{Delivery, Message, Subscription, Typed};

/// What `topics.subscribe` takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribe {
    /// Patterns of topics, at least one: a segment may be `*`, for one segment of any name, and the last one `>`, for the rest.
    pub patterns: Vec<String>,
    /// How many messages may wait at the server while this side is slow; without it, 1,024.
    pub queue: Option<u32>,
    /// What happens when that many wait; without it, [`Policy::DropOldest`].
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

/// What comes on the stream of `topics.subscribe`. The value of a message follows it, as a message of the stream of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Head {
    Subscribed { queue: u32 },
    Message { topic: String, sequence: u64 },
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
    /// They were taken too slowly: the oldest in the server's queue were dropped.
    Slow,
    /// The codec of this session cannot carry the value.
    Codec,
    /// In the codec of this session the value is longer than a message may be.
    Length,
}

/// What became of the messages that were published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// How many there are.
    pub messages: u64,
    /// How many subscribers get them: each message counts once for each of them.
    pub delivered: u64,
    /// How many hear of a gap in their place, since their codec cannot carry the value. Counted likewise.
    pub missed: u64,
}
