//! Subscribing: an iterator of what comes, and of what does not.

use std::marker::PhantomData;
use std::task::Poll;
use std::time::Duration;

use bulla_core::codec::DecodeError;
use bulla_core::value::Value;
use serde::de::DeserializeOwned;

use super::{Gap, Head, Subscribe};
use crate::{CallError, CallOptions, Canceller, Client, Incoming};

const SUBSCRIBE: &str = "topics.subscribe";

/// What comes to a subscriber.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery<T = Value> {
    /// A message.
    Message(Message<T>),
    /// Messages that do not come.
    Gap(Gap),
    /// A message that is no `T`, and why.
    Misfit(Message, DecodeError),
}

/// A message as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<T = Value> {
    /// What it was published under.
    pub topic: String,
    /// Its number: every subscriber of a server sees the same messages in the same order, and the numbers grow.
    pub sequence: u64,
    /// What was published.
    pub value: T,
}

/// What comes to a subscriber, as documents. Dropped, it ends.
///
/// The iterator ends after the first `Err`, which says how the subscription ended.
#[must_use = "a subscription that is dropped ends"]
pub struct Subscription {
    incoming: Incoming<Head>,
    /// A message whose value has not come yet.
    begun: Option<(String, u64)>,
    queue: u32,
}

impl Subscription {
    /// Subscribes, and waits until it holds.
    pub(super) fn begin(client: &Client, request: &Subscribe) -> Result<Self, CallError> {
        let mut incoming = client.server_stream(SUBSCRIBE, request, &CallOptions::new())?;
        match incoming.next() {
            Some(Ok(Head::Subscribed { queue })) => Ok(Self { incoming, begun: None, queue }),
            Some(Err(error)) => Err(error),
            Some(Ok(_)) | None => Err(CallError::NoAnswer { route: SUBSCRIBE.to_owned() }),
        }
    }

    /// How many messages may wait at the server.
    #[must_use]
    pub const fn queue(&self) -> u32 {
        self.queue
    }

    /// The same, as typed values.
    pub fn typed<T: DeserializeOwned>(self) -> Typed<T> {
        Typed { subscription: self, value: PhantomData }
    }

    /// A way to end the subscription from another thread, also while this one waits.
    pub fn canceller(&self) -> Canceller {
        self.incoming.canceller()
    }

    /// The next delivery if it is there already, and `Pending` if it is not.
    pub fn try_next(&mut self) -> Poll<Option<Result<Delivery, CallError>>> {
        self.next_timeout(Duration::ZERO)
    }

    /// Waits for the next delivery for so long at most: `Pending` if nothing came.
    pub fn next_timeout(&mut self, timeout: Duration) -> Poll<Option<Result<Delivery, CallError>>> {
        loop {
            let Some((topic, sequence)) = self.begun.take() else {
                match self.incoming.next_timeout(timeout) {
                    Poll::Ready(Some(Ok(Head::Subscribed { .. }))) => {}
                    Poll::Ready(Some(Ok(Head::Gap(gap)))) => return Poll::Ready(Some(Ok(Delivery::Gap(gap)))),
                    Poll::Ready(Some(Ok(Head::Message { topic, sequence }))) => self.begun = Some((topic, sequence)),
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => return Poll::Pending,
                }
                continue;
            };
            return match self.incoming.next_timeout_as(timeout) {
                Poll::Ready(Some(Ok(value))) => {
                    Poll::Ready(Some(Ok(Delivery::Message(Message { topic, sequence, value }))))
                }
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Pending => {
                    self.begun = Some((topic, sequence));
                    Poll::Pending
                }
            };
        }
    }
}

impl Iterator for Subscription {
    type Item = Result<Delivery, CallError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Poll::Ready(next) = self.next_timeout(Duration::MAX) {
                return next;
            }
        }
    }
}

/// What comes to a subscriber, as typed values. Made by [`Subscription::typed`].
#[must_use = "a subscription that is dropped ends"]
pub struct Typed<T> {
    subscription: Subscription,
    value: PhantomData<fn() -> T>,
}

impl<T> Typed<T> {
    /// The subscription underneath.
    pub fn into_inner(self) -> Subscription {
        self.subscription
    }

    /// As [`Subscription::canceller`].
    pub fn canceller(&self) -> Canceller {
        self.subscription.canceller()
    }
}

impl<T: DeserializeOwned> Iterator for Typed<T> {
    type Item = Result<Delivery<T>, CallError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.subscription.next().map(|delivery| delivery.map(Delivery::into_typed))
    }
}

impl Delivery {
    /// The same with a typed value: a message that is none is a [`Misfit`](Delivery::Misfit).
    #[must_use]
    pub fn into_typed<T: DeserializeOwned>(self) -> Delivery<T> {
        match self {
            Self::Message(message) => match message.read() {
                Ok(value) => {
                    let Message { topic, sequence, .. } = message;
                    Delivery::Message(Message { topic, sequence, value })
                }
                Err(error) => Delivery::Misfit(message, error),
            },
            Self::Gap(gap) => Delivery::Gap(gap),
            Self::Misfit(message, error) => Delivery::Misfit(message, error),
        }
    }
}

impl Message {
    /// The value as a type of one's own.
    ///
    /// # Errors
    /// If it does not fit the type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        self.value.deserialize()
    }
}
