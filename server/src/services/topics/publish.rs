//! The routes that publish: the topic comes beside the value, so that a message is the value's bytes and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bulla_core::status::{Code, Status};
use bulla_core::text::escape;

use crate::route::{Call, Context, Handler, Replies, Requests};
use crate::services::topics::feed::{Feed, conclude};
use crate::services::topics::hub::Hub;
use crate::services::topics::patience::Patience;
use crate::services::topics::{MAX_NAME, Published, Topic};

/// The longest time for which subscribers may hold a publisher up.
pub const MAX_PATIENCE: Duration = Duration::from_secs(60);

/// `topics.publish`: one message.
pub(super) struct Publish(pub(super) Arc<Hub<Feed>>);

impl Handler for Publish {
    fn handle(&self, mut call: Call) {
        let message = std::mem::take(&mut call.request);
        let topic = topic(&call.context);
        let publish = |topic| publish(&self.0, topic, message, &call.context, &mut Patience::none());
        let published = topic.and_then(publish);
        call.answer(published);
    }
}

/// `topics.publish_many`: messages of one topic, in order, and one reply. A stream that nobody may hold up holds no thread.
pub(super) fn publish_many(hub: &Arc<Hub<Feed>>, patients: &Patients, requests: Requests<()>, replies: Replies) {
    let context = replies.context().clone();
    let (topic, patience) = match topic(&context).and_then(|topic| Ok((topic, patience(&context)?))) {
        Ok(plan) => plan,
        Err(status) => return replies.fail(status),
    };
    let run = Run { hub: Arc::clone(hub), context, topic, patience, sum: Published::default() };
    if run.patience.is_none() {
        return run.publish_in_passing(requests, replies);
    }
    let most = replies.context().server().capacity.stream_threads / 2;
    match patients.enter(most) {
        Ok(_place) => conclude_run(replies, run.publish_patiently(requests)),
        Err(status) => replies.fail(status),
    }
}

/// The publishers that are patient, and so hold a thread each. They may hold half of the server's threads for streams.
#[derive(Default)]
pub(super) struct Patients(AtomicU32);

/// The place of one of them.
struct Place<'a>(&'a Patients);

impl Patients {
    fn enter(&self, most: u32) -> Result<Place<'_>, Status> {
        let place = Place(self);
        if self.0.fetch_add(1, Ordering::Relaxed) < most {
            return Ok(place);
        }
        let reason = format_args!("{most} patient publishers are at it, and no more may be: publish without patience");
        Err(Status::new(Code::ResourceExhausted, reason))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream of messages for one topic.
struct Run {
    hub: Arc<Hub<Feed>>,
    context: Context,
    topic: Topic,
    patience: Patience,
    sum: Published,
}

impl Run {
    fn publish_patiently(mut self, mut requests: Requests<()>) -> Result<Published, Status> {
        while let Some(message) = requests.next_encoded() {
            self.publish(message)?;
        }
        Ok(self.sum)
    }

    fn publish_in_passing(mut self, requests: Requests<()>, replies: Replies) {
        let mut replies = Some(replies);
        requests.into_callback_encoded(move |message| {
            // After a failure, what still comes is not published.
            let Some(open) = replies.take() else { return };
            match message.map(|message| self.publish(message)) {
                Some(Ok(())) => replies = Some(open),
                Some(Err(status)) => open.fail(status),
                None => conclude_run(open, Ok(self.sum)),
            }
        });
    }

    fn publish(&mut self, message: Result<Vec<u8>, Status>) -> Result<(), Status> {
        let topic = self.topic.clone();
        let publish = |message| publish(&self.hub, topic, message, &self.context, &mut self.patience);
        let published = message.and_then(publish);
        self.sum.add(published.map_err(|status| status.with_detail("messages", self.sum.messages.to_string()))?);
        Ok(())
    }
}

fn conclude_run(replies: Replies, outcome: Result<Published, Status>) {
    match outcome.and_then(|sum| replies.send(&sum)) {
        Ok(()) => replies.finish(),
        Err(status) => replies.fail(status),
    }
}

/// Publishes a message of a peer.
fn publish(
    hub: &Hub<Feed>,
    topic: Topic,
    message: Vec<u8>,
    context: &Context,
    patience: &mut Patience,
) -> Result<Published, Status> {
    // What cannot be read is nobody's: it would reach those of the same codec as it is.
    let value = context.decode(&message)?;
    let outcome = hub.publish(topic, value, Some((context.codec(), message)), patience);
    conclude(hub, &outcome);
    Ok(outcome.published)
}

fn topic(context: &Context) -> Result<Topic, Status> {
    let invalid = |reason: &dyn std::fmt::Display| Status::new(Code::InvalidArgument, reason);
    let name =
        context.metadata_value("topic").ok_or_else(|| invalid(&"no topic: it comes as metadata, under that key"))?;
    name.parse().map_err(|error| invalid(&format_args!("no topic {:?}: {error}", escape(name, MAX_NAME))))
}

fn patience(context: &Context) -> Result<Patience, Status> {
    let Some(text) = context.metadata_value("patience_ms") else { return Ok(Patience::none()) };
    let patience = text.parse().ok().map(Duration::from_millis).filter(|patience| *patience <= MAX_PATIENCE);
    patience.map(Patience::new).ok_or_else(|| {
        let most = MAX_PATIENCE.as_millis();
        Status::new(Code::InvalidArgument, format_args!("patience_ms is a whole number of up to {most}"))
    })
}
