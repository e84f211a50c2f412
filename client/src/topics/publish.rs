//! Publishing.

use std::time::Duration;

use bulla_core::codec::EncodeError;
use bulla_core::value::Value;
use serde::Serialize;

use super::{Published, Subscribe, Subscription};
use crate::{CallError, CallOptions, Client, Upload};

/// One message, which may overtake others that are on their way.
const PUBLISH: &str = "topics.publish";

/// Messages in order.
const PUBLISH_MANY: &str = "topics.publish_many";

/// The topics of a server. Made by [`Client::topics`].
#[derive(Clone, Copy)]
pub struct Topics<'a> {
    client: &'a Client,
}

impl<'a> Topics<'a> {
    pub(crate) const fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Publishes a value, and says who gets it.
    ///
    /// # Errors
    /// As [`Client::call`]; `INVALID_ARGUMENT` for a name that is no topic.
    pub fn publish<T: Serialize + ?Sized>(&self, topic: &str, value: &T) -> Result<Published, CallError> {
        self.client.call_with(PUBLISH, &self.document(PUBLISH, value)?, &under(topic))
    }

    /// Publishes a value without waiting. `Ok` says that it is on its way.
    ///
    /// # Errors
    /// As [`Client::notify`].
    pub fn notify<T: Serialize + ?Sized>(&self, topic: &str, value: &T) -> Result<(), CallError> {
        self.client.notify_with(PUBLISH, &self.document(PUBLISH, value)?, &under(topic))
    }

    /// A stream of values for one topic, published in order.
    ///
    /// With `patience`, subscribers whose queues are full hold the stream up until they are half empty, all together for no longer than
    /// that; one that was waited for in vain is not waited for again before its queue is half empty. So those that keep up lose
    /// nothing, and those that have stopped cost the patience once and then a tenth of the time at most, however many they are.
    /// Without (zero), nobody holds the stream up.
    ///
    /// # Errors
    /// As [`Client::client_stream`].
    pub fn publisher(&self, topic: &str, patience: Duration) -> Result<Publisher<'a>, CallError> {
        let options = under(topic).metadata("patience_ms", patience.as_millis().to_string());
        Ok(Publisher { topics: *self, upload: self.client.client_stream(PUBLISH_MANY, &options)? })
    }

    /// Subscribes to all topics that fit one of the patterns, with the server's own queue. From its return on, every message comes or is
    /// told as missing.
    ///
    /// # Errors
    /// As [`Client::server_stream`]; `INVALID_ARGUMENT` for a pattern that is none, `RESOURCE_EXHAUSTED` if there are too many.
    pub fn subscribe<I>(&self, patterns: I) -> Result<Subscription, CallError>
    where
        I: IntoIterator<Item: Into<String>>,
    {
        let patterns = patterns.into_iter().map(Into::into).collect();
        self.subscribe_with(&Subscribe { patterns, ..Subscribe::default() })
    }

    /// As [`subscribe`](Self::subscribe), with a wish for the queue.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn subscribe_with(&self, request: &Subscribe) -> Result<Subscription, CallError> {
        Subscription::begin(self.client, request)
    }

    /// Any serde type as the document that every codec can read.
    fn document<T: Serialize + ?Sized>(&self, route: &str, value: &T) -> Result<Value, CallError> {
        Value::from_serialize(value).map_err(|error: EncodeError| CallError::Encode {
            route: route.to_owned(),
            codec: self.client.session().codec,
            error,
        })
    }
}

/// The topic travels beside the value, so that the value's bytes are the whole message and can pass as they are.
fn under(topic: &str) -> CallOptions {
    CallOptions::new().metadata("topic", topic)
}

/// A stream of values for one topic. Made by [`Topics::publisher`]. Dropped before it is finished, what was sent last may be lost.
#[must_use = "a stream that is dropped before it is finished is cancelled"]
pub struct Publisher<'a> {
    topics: Topics<'a>,
    upload: Upload<Value, Published>,
}

impl Publisher<'_> {
    /// Publishes a value behind those before. Waits while the server is busy with them.
    ///
    /// # Errors
    /// As [`Outgoing::send`](crate::Outgoing::send).
    pub fn send<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), CallError> {
        self.upload.send(&self.topics.document(PUBLISH_MANY, value)?)
    }

    /// Waits until all were published, and says who gets them.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn finish(self) -> Result<Published, CallError> {
        self.upload.finish()
    }
}

impl Client {
    /// The messages that the server passes on to whoever listens.
    #[must_use]
    pub fn topics(&self) -> Topics<'_> {
        Topics::new(self)
    }
}
