//! The way to one subscriber: from its queue into its stream, as there is room.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};

use bulla_core::status::{Code, Status};

use crate::route::{Replies, TrySendError};
use crate::services::topics::hub::{Hub, Outcome};
use crate::services::topics::publication::{Bytes, Part, encode};
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
    /// Taken from the queue, and not yet sent.
    pending: VecDeque<Bytes>,
}

/// Adds a subscriber, and begins to send.
pub(super) fn begin(hub: &Arc<Hub<Feed>>, wish: Wish, replies: Replies) {
    let greeting = match check_codec(&wish) {
        Ok(greeting) => greeting,
        Err(status) => return replies.fail(status),
    };
    let state = State { replies: Some(replies), pending: VecDeque::from([greeting]) };
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
        if let Some(message) = pending.front() {
            match stream.try_send_encoded(Arc::clone(message)) {
                Ok(()) => drop(pending.pop_front()),
                // The stream tells when there is room.
                Err(TrySendError::Full) => return,
                Err(TrySendError::Failed(status)) => break status,
            }
            continue;
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
            Some(next) => match unfold(next, &subscription.wish, pending) {
                Ok(()) => {}
                Err(status) => break status,
            },
        }
    };
    drop(state);
    end(hub, subscription, refused);
}

fn end(hub: &Hub<Feed>, subscription: &Subscription<Feed>, status: Status) {
    hub.unsubscribe(subscription.number);
    subscription.feed.fail(status);
}

/// Appends what is sent for what comes next.
fn unfold(next: Next, wish: &Wish, pending: &mut VecDeque<Bytes>) -> Result<(), Status> {
    let codec = wish.codec.name();
    let gap = match next {
        Next::End => return Ok(()),
        Next::Gap(gap) => gap,
        Next::Message(publication) => match publication.part(codec) {
            Some(Part::Whole { head, value }) if value.len() <= wish.longest => {
                pending.extend([Arc::clone(head), Arc::clone(value)]);
                return Ok(());
            }
            Some(Part::Whole { value, .. }) => {
                let reason = format!("{} bytes as {codec}, and {} may be sent", value.len(), wish.longest);
                let (topic, sequence) = (Some(publication.topic().to_string()), publication.sequence);
                Gap { cause: Cause::Length, count: 1, topic, sequence, reason }
            }
            Some(Part::Gap(gap)) => {
                pending.push_back(Arc::clone(gap));
                return Ok(());
            }
            None => return Err(Status::new(Code::Internal, "a message was not encoded for this subscriber")),
        },
    };
    let gap = encode(&wish.codec, &Delivery::Gap(gap)).map_err(|error| Status::new(Code::Internal, error))?;
    pending.push_back(gap);
    Ok(())
}
