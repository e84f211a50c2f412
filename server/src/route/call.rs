//! One call on its way to a handler.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bulla_codecs::Linked;
use bulla_core::codec::CodecSet;
use bulla_core::connection::Message;
use bulla_core::status::{Code, Status};
use bulla_core::text::escape;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::metrics::Metrics;
use crate::route::{Context, End, Exchange, Place, Route, SilenceLimit, Slot, Turn};

/// The longest text of a panic that the log shows, in characters.
const MAX_PANIC: usize = 300;

/// One request with its context, and the duty to end the call. Where many messages come, they are with the context's exchange, and
/// the request is empty.
pub(crate) struct Call {
    pub(crate) request: Vec<u8>,
    pub(crate) context: Context,
    pub(crate) slot: Slot,
}

impl Call {
    /// The request as a value.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, Status> {
        self.context.decode(&self.request)
    }

    /// Answers the call.
    pub(crate) fn answer<R: Serialize>(self, outcome: Result<R, Status>) {
        match outcome.and_then(|reply| self.context.reply(&reply)) {
            Ok(message) => self.slot.fill(message, End::Done),
            Err(status) => self.slot.fill(None, End::failed(status)),
        }
    }
}

impl Context {
    /// A message of the peer as a value.
    pub(crate) fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, Status> {
        Linked::decode_as(&*self.session.codec, message, self.server.capacity.decode).map_err(|error| {
            let codec = self.codec();
            Status::new(Code::InvalidArgument, format_args!("the request does not decode as {codec}: {error}"))
        })
    }

    /// A value in the peer's codec, or a status that says why there is none.
    pub(crate) fn encode<R: Serialize + ?Sized>(&self, reply: &R) -> Result<Vec<u8>, Status> {
        Linked::encode_to_vec(&*self.session.codec, reply).map_err(|error| {
            let reason = format_args!("the reply cannot be sent as {}: {error}", self.codec());
            Status::new(Code::FailedPrecondition, reason)
        })
    }

    /// The reply to a call, if the peer wants one.
    pub(crate) fn reply<R: Serialize + ?Sized>(&self, reply: &R) -> Result<Option<Message>, Status> {
        if self.one_way { Ok(None) } else { self.encode(reply).map(|message| Some(message.into())) }
    }
}

/// What a worker runs.
pub(crate) enum Job {
    /// A call, and the route that it asked for.
    Call(Arc<Route>, Call),
    /// More of a stream whose messages a callback takes.
    Resume(Turn),
}

impl Job {
    /// Runs the handler, unless nobody waits for it any more. A panic of the handler ends here.
    pub(crate) fn run(self, metrics: &Metrics) {
        match self {
            Self::Call(route, call) => run(&route, call, metrics),
            Self::Resume(turn) => {
                let exchange = turn.begin();
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| exchange.resume())) {
                    metrics.panics.add(1);
                    log_panic("a stream's callback", &*panic);
                    exchange.poison();
                }
            }
        }
    }

    /// Whether nobody waits for it any more.
    pub(crate) fn is_useless(&self) -> bool {
        matches!(self, Self::Call(_, call) if call.context.is_cancelled())
    }

    /// Says that nobody waits for it any more.
    pub(crate) fn abandon(self) {
        if let Self::Call(_, call) = self {
            call.slot.fill(None, End::Abandoned);
        }
    }

    /// Answers the call without running it.
    pub(crate) fn refuse(self, status: Status) {
        if let Self::Call(_, call) = self {
            call.slot.fill(None, End::failed(status));
        }
    }
}

fn run(route: &Route, call: Call, metrics: &Metrics) {
    if call.context.is_cancelled() {
        return call.slot.fill(None, End::Abandoned);
    }
    if call.context.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
        let status = Status::new(Code::DeadlineExceeded, "the deadline passed before the call was started");
        return call.slot.fill(None, End::failed(status));
    }
    let exchange = (route.place == Place::Thread).then(|| Arc::clone(&call.context.exchange));
    exchange.iter().for_each(|exchange| exchange.start());
    let _silence = exchange.as_ref().map(|_| SilenceLimit::set(call.context.server.capacity.stream_silence));
    // What a panic leaves half done is the handler's own: nothing of ours is changed in there.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| route.handler.handle(call))) {
        metrics.panics.add(1);
        log_panic(&route.name, &*panic);
        exchange.iter().for_each(Exchange::poison);
    }
}

/// Tells the log of a handler's panic.
pub(crate) fn log_panic(what: &str, panic: &(dyn Any + Send)) {
    tracing::error!(route = %what, "a handler panicked: {}", escape(panic_text(panic), MAX_PANIC));
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}
