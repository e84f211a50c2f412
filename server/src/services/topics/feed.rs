//! The way to one subscriber: from its queue into its stream, as there is room.

use std::sync::{Arc, Mutex, Weak};

use bulla_core::status::{Code, Status};

use crate::route::{Replies, TrySendError};
use crate::services::topics::hub::{Hub, Outcome};
use crate::services::topics::publication::{Bytes, Part, Publication, encode};
use crate::services::topics::queue::Next;
use crate::services::topics::subscription::{Subscription, Wish};
use crate::services::topics::{Cause, Delivery, Gap};
use crate::sync::lock;

/// A stream, until it ends.
pub(super) struct Feed {
    state: Mutex<State>,
}

struct State {
    replies: Option<Replies>,
    /// Taken from the queue, and not yet sent: what goes together. It is counted by nobody, so it is never more than a few messages
    /// for which there was room a moment ago.
    pending: Option<Together>,
}

/// Messages that go together.
type Together = Vec<Bytes>;

/// Adds a subscriber, and begins to send.
pub(super) fn begin(hub: &Arc<Hub<Feed>>, wish: Wish, replies: Replies) {
    let greeting = match check_codec(&wish) {
        Ok(greeting) => greeting,
        Err(status) => return replies.fail(status),
    };
    let state = State { replies: Some(replies), pending: Some(vec![greeting]) };
    match hub.subscribe(wish, Feed { state: Mutex::new(state) }) {
        Ok(subscription) => {
            subscription.feed.watch(hub, &subscription);
            pump(hub, &subscription);
        }
        Err((status, feed)) => feed.fail(status),
    }
}

/// What says that the subscription holds, if the codec can carry that and all else that is said of messages.
fn check_codec(wish: &Wish) -> Result<Bytes, Status> {
    let reason = String::new();
    let gap = Gap { cause: Cause::Slow, count: 0, topic: None, sequence: 0, reason };
    let message = Delivery::Message { topic: String::new(), sequence: 0 };
    let queue = u32::try_from(wish.room.messages).unwrap_or(u32::MAX);
    encode(&wish.codec, &Delivery::Gap(gap))
        .and_then(|_| encode(&wish.codec, &message))
        .and_then(|_| encode(&wish.codec, &Delivery::Subscribed { queue }))
        .map_err(|error| {
            let reason = format_args!("{} cannot carry what is said of messages: {error}", wish.codec.name());
            Status::new(Code::FailedPrecondition, reason)
        })
}

impl Feed {
    /// Sees to it that room is used, and that the subscription ends with its stream.
    fn watch(&self, hub: &Arc<Hub<Self>>, subscription: &Arc<Subscription<Self>>) {
        let state = lock(&self.state);
        let Some(replies) = &state.replies else { return };
        let number = subscription.number;
        // The callbacks are kept by the stream, and the stream by the subscription.
        let weak = (Arc::downgrade(hub), Arc::downgrade(subscription));
        replies.on_room(move || {
            if let (Some(hub), Some(subscription)) = upgrade(&weak) {
                pump(&hub, &subscription);
            }
        });
        let weak = (Arc::downgrade(hub), Arc::downgrade(subscription));
        replies.on_drain(move || {
            if let (Some(hub), Some(subscription)) = upgrade(&weak)
                && hub.retire(number)
            {
                pump(&hub, &subscription);
            }
        });
        let hub = Arc::downgrade(hub);
        replies.on_cancel(move || {
            if let Some(hub) = hub.upgrade() {
                hub.unsubscribe(number);
            }
        });
    }

    /// Ends the stream with a status.
    fn fail(&self, status: Status) {
        let replies = lock(&self.state).replies.take();
        if let Some(replies) = replies {
            replies.fail(status);
        }
    }
}

fn upgrade<A, B>((one, other): &(Weak<A>, Weak<B>)) -> (Option<Arc<A>>, Option<Arc<B>>) {
    (one.upgrade(), other.upgrade())
}

/// Does what is left to do when a message is queued with all who listen.
pub(super) fn conclude(hub: &Hub<Feed>, outcome: &Outcome<Feed>) {
    for subscription in &outcome.begin {
        pump(hub, subscription);
    }
    for subscription in &outcome.overflowed {
        let queue = subscription.wish.room.messages;
        let status =
            Status::new(Code::ResourceExhausted, format_args!("too slow: the queue of {queue} messages is full"));
        end(hub, subscription, status.with_detail("queue", queue.to_string()));
    }
}

/// Sends what waits for a subscriber, as far as there is room.
fn pump(hub: &Hub<Feed>, subscription: &Subscription<Feed>) {
    let mut state = lock(&subscription.feed.state);
    let State { replies, pending } = &mut *state;
    let refused = loop {
        let Some(stream) = replies else { return };
        if let Some(messages) = pending {
            match stream.try_send_together(messages) {
                Ok(()) => *pending = None,
                // The stream tells when there is room.
                Err(TrySendError::Full) => return,
                Err(TrySendError::Failed(status)) => break status,
            }
            continue;
        }
        if !finds_room(subscription, stream) {
            return;
        }
        match subscription.next() {
            None => return,
            Some(Next::End) => {
                let stream = replies.take();
                drop(state);
                stream.into_iter().for_each(Replies::finish);
                hub.unsubscribe(subscription.number);
                return;
            }
            Some(next) => match unfold(next, &subscription.wish) {
                Ok(messages) => *pending = Some(messages),
                Err(status) => break status,
            },
        }
    };
    drop(state);
    end(hub, subscription, refused);
}

/// Whether the message that is next would find room. Until it does, it waits in its queue, which has bounds.
fn finds_room(subscription: &Subscription<Feed>, stream: &Replies) -> bool {
    let Some(publication) = subscription.peek() else { return true };
    let part = publication.part(subscription.wish.codec.name());
    part.is_none_or(|part| stream.has_room(part.messages().map(|message| message.len())))
}

fn end(hub: &Hub<Feed>, subscription: &Subscription<Feed>, status: Status) {
    hub.unsubscribe(subscription.number);
    subscription.feed.fail(status);
}

/// What is sent for what comes next.
fn unfold(next: Next, wish: &Wish) -> Result<Together, Status> {
    let codec = wish.codec.name();
    let gap = match next {
        Next::End => return Ok(Together::new()),
        Next::Gap(gap) => gap,
        Next::Message(publication) => match publication.part(codec) {
            Some(part) if part.fits(wish.longest) => return Ok(part.messages().cloned().collect()),
            Some(part) => too_long(&publication, part, wish),
            None => return Err(Status::new(Code::Internal, "a message was not encoded for this subscriber")),
        },
    };
    let gap = encode(&wish.codec, &Delivery::Gap(gap)).map_err(|error| Status::new(Code::Internal, error))?;
    Ok(vec![gap])
}

fn too_long(publication: &Publication, part: &Part, wish: &Wish) -> Gap {
    let length = part.messages().last().map_or(0, |value| value.len());
    let reason = format!("{length} bytes as {}, and {} may be sent", wish.codec.name(), wish.longest);
    let (topic, sequence) = (Some(publication.topic().to_string()), publication.sequence);
    Gap { cause: Cause::Length, count: 1, topic, sequence, reason }
}
