//! One call on its way to a handler.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bulla_core::status::{Code, Status};
use bulla_core::text::escape;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::metrics::Metrics;
use crate::route::{Answer, Context, Route, Slot};

/// The longest text of a panic that the log shows, in characters.
const MAX_PANIC: usize = 300;

/// One request with its context, and the place for its answer.
pub(crate) struct Call {
    pub(crate) request: Vec<u8>,
    pub(crate) context: Context,
    pub(crate) slot: Slot,
}

impl Call {
    /// The request as a value.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, Status> {
        let limits = self.context.server.capacity.decode;
        self.context.session.codec.decode_as(&self.request, limits).map_err(|error| {
            let codec = self.context.codec();
            Status::new(Code::InvalidArgument, format_args!("the request does not decode as {codec}: {error}"))
        })
    }

    /// Answers the call.
    pub(crate) fn answer<R: Serialize>(self, outcome: Result<R, Status>) {
        let answer = match outcome {
            Ok(reply) => self.context.encode(&reply),
            Err(status) => Answer::Failed(status),
        };
        self.slot.fill(answer);
    }
}

impl Context {
    /// A value in the peer's codec, or a status that says why there is none.
    pub(crate) fn encode<R: Serialize + ?Sized>(&self, reply: &R) -> Answer {
        if self.one_way {
            return Answer::Done;
        }
        match self.session.codec.encode_to_vec(reply) {
            Ok(message) => Answer::Reply(message),
            Err(error) => {
                let reason = format_args!("the reply cannot be sent as {}: {error}", self.codec());
                Answer::Failed(Status::new(Code::FailedPrecondition, reason))
            }
        }
    }
}

/// A call and the route that it asked for: what a worker runs.
pub(crate) struct Job {
    pub(crate) route: Arc<Route>,
    pub(crate) call: Call,
}

impl Job {
    /// Runs the handler, unless nobody waits for it any more. A panic of the handler ends here.
    pub(crate) fn run(self, metrics: &Metrics) {
        let Self { route, call } = self;
        if call.context.is_cancelled() {
            return call.slot.fill(Answer::Abandoned);
        }
        if call.context.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let status = Status::new(Code::DeadlineExceeded, "the deadline passed before the call was started");
            return call.slot.fill(Answer::Failed(status));
        }
        // What a panic leaves half done is the handler's own: nothing of ours is changed in there.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| route.handler.handle(call))) {
            metrics.panics.add(1);
            tracing::error!(route = %route.name, "a handler panicked: {}", escape(panic_text(&*panic), MAX_PANIC));
        }
    }

    /// Answers the call without running it.
    pub(crate) fn refuse(self, status: Status) {
        self.call.slot.fill(Answer::Failed(status));
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}
