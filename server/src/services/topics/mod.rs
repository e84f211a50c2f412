//! Topics: messages for whoever listens at the moment. Each subscriber gets them in its own codec.
//!
//! | route | shape | request | reply |
//! |---|---|---|---|
//! | `topics.publish` | call, or a notification | any document; the topic as metadata, `topic` | [`Published`] |
//! | `topics.publish_many` | client stream | documents; `topic` and perhaps `patience_ms` as metadata | [`Published`], of all of them |
//! | `topics.subscribe` | server stream | [`SubscribeRequest`] | [`Delivery`], and a document behind each [`Delivery::Message`] |
//!
//! # What passes
//! What is published is a document, a [`Value`]. The bytes of a codec that does not describe itself can be read as a document only if
//! they were written as one, so a publisher that has a value of some type makes a document of it first ([`Value::from_serialize`]),
//! and a subscriber that wants the type makes it of the document again ([`Value::deserialize`]). Then a publisher in bincode and a
//! subscriber in JSON exchange the same values, whatever types they are made of.
//!
//! A message of a stream is exactly one value, here as everywhere. So the topic travels beside the published value and not around it,
//! in the metadata of the publisher's stream; and a delivery is two messages, a small head with topic and number, and then the value
//! alone. Therefore the published bytes reach every subscriber of the same codec **as they are**; for each other codec that a subscriber
//! speaks they are decoded and **encoded once**, whatever the number of subscribers. The server reads every message before it passes it
//! on: what is no document is refused, and nobody else meets it.
//!
//! What a codec cannot carry (bytes in JSON, say) is never sent altered: its subscribers get a [`Gap`] that names the cause, and the
//! publisher hears how many missed it.
//!
//! # Order
//! All subscribers see the same messages in the same order, and numbers grow. Messages of one `topics.publish_many` keep their order;
//! calls that are on their way at the same time may overtake each other, as all calls may.
//!
//! # Those who are slow
//! Each subscriber has a queue, bounded in messages and bytes. When it is full, the oldest message is dropped and told as part of a
//! [`Gap`] in its place, or the subscription ends: the subscriber's choice ([`Policy`]). [`TopicLimits`] bounds all of it.
//!
//! A publisher waits for nobody, unless it says for how long (`patience_ms`). Then subscribers whose queues are full hold its stream up
//! until they are half empty, all together for no longer than that; one that was waited for in vain is not waited for again before its
//! queue is half empty. So those that keep up lose nothing, and those that have stopped cost the patience once and then a tenth of the
//! time at most, however many they are. Such a stream holds one of the server's threads for streams while it lasts, and half of these
//! threads are the most that all of them get; one without patience holds none.
//!
//! Nothing is kept for those who come later. What shall be kept is appended to a [collection](super::records), where it can be followed
//! live just as well.

mod feed;
mod hub;
mod limits;
mod message;
mod name;
mod patience;
mod publication;
mod publish;
mod queue;
mod subscription;
mod trie;

use std::sync::Arc;

use bulla_core::codec::EncodeError;
use bulla_core::status::{Code, Status};
use bulla_core::text::escape;
use bulla_core::value::Value;
use serde::Serialize;

use self::feed::Feed;
use self::hub::Hub;
pub use self::limits::TopicLimits;
pub use self::message::{Cause, Delivery, Gap, Policy, Published, SubscribeRequest};
pub use self::name::{InvalidName, MAX_NAME, MAX_SEGMENTS, Pattern, Topic};
use self::patience::Patience;
pub use self::publish::MAX_PATIENCE;
use self::publish::{Patients, Publish};
use self::queue::Room;
use self::subscription::Wish;
use crate::builder::Builder;
use crate::route::{Context, Place, Replies, Shape};
use crate::services::Service;

/// How many messages may wait for a subscriber that does not say.
pub const DEFAULT_QUEUE: u32 = 1024;

/// The service. A clone is for the same subscribers.
#[derive(Clone)]
pub struct Topics {
    hub: Arc<Hub<Feed>>,
}

impl Default for Topics {
    fn default() -> Self {
        Self::new(TopicLimits::default())
    }
}

impl Topics {
    /// The service, within these limits.
    #[must_use]
    pub fn new(limits: TopicLimits) -> Self {
        Self { hub: Arc::new(Hub::new(limits)) }
    }

    /// Publishes a value of the server's own. It waits for nobody.
    ///
    /// # Errors
    /// If the value is no document: see [`Value::from_serialize`].
    pub fn publish<T: Serialize + ?Sized>(&self, topic: &Topic, value: &T) -> Result<Published, EncodeError> {
        let outcome = self.hub.publish(topic.clone(), Value::from_serialize(value)?, None, &mut Patience::none());
        feed::conclude(&self.hub, &outcome);
        Ok(outcome.published)
    }

    /// Counts as a document, for [`Info::with`](crate::services::Info::with): subscriptions and their patterns, messages, how many
    /// subscribers they were queued for (`delivered`), how many could not carry them (`missed`), how many were `dropped` from full
    /// queues, and the bytes that wait.
    #[must_use]
    pub fn summary(&self) -> Value {
        self.hub.summary()
    }

    fn subscribe(&self, request: &SubscribeRequest, replies: Replies) {
        match self.wish(request, replies.context()) {
            Ok(wish) => feed::begin(&self.hub, wish, replies),
            Err(status) => replies.fail(status),
        }
    }

    fn wish(&self, request: &SubscribeRequest, context: &Context) -> Result<Wish, Status> {
        let limits = self.hub.limits();
        let session = &context.session;
        let queue = request.queue.unwrap_or(DEFAULT_QUEUE).clamp(1, limits.queue.max(1));
        Ok(Wish {
            // As good as a number: the subscription keeps the session, so no other has its place.
            owner: Arc::as_ptr(session) as usize,
            codec: session.codec.clone(),
            patterns: patterns(&request.patterns, limits.patterns_per_connection)?,
            room: Room {
                messages: queue as usize,
                bytes: limits.queue_bytes,
                policy: request.policy.unwrap_or(Policy::DropOldest),
            },
            longest: session.limits.message as usize,
        })
    }
}

fn patterns(texts: &[String], most: usize) -> Result<Vec<Pattern>, Status> {
    let invalid = |reason: &dyn std::fmt::Display| Status::new(Code::InvalidArgument, reason);
    if texts.is_empty() {
        return Err(invalid(&"no pattern: name at least one topic, or > for all"));
    }
    if texts.len() > most {
        return Err(Status::new(Code::ResourceExhausted, format_args!("{} patterns, and {most} may be", texts.len())));
    }
    let parse = |text: &String| {
        text.parse().map_err(|error| invalid(&format_args!("no pattern {:?}: {error}", escape(text, MAX_NAME))))
    };
    texts.iter().map(parse).collect()
}

impl Service for Topics {
    fn install(self, builder: Builder) -> Builder {
        let (many, patients) = (Arc::clone(&self.hub), Patients::default());
        builder
            .add("topics.publish", Place::Worker, Shape::Call, Box::new(Publish(Arc::clone(&self.hub))))
            .route_duplex("topics.publish_many", move |requests, replies| {
                publish::publish_many(&many, &patients, requests, replies);
            })
            .route_server_stream("topics.subscribe", move |request, replies| self.subscribe(&request, replies))
    }
}

#[cfg(all(test, feature = "bincode", feature = "json", feature = "xml"))]
mod tests;
