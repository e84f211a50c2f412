//! One call: what may be asked of it, and the wait for its answer.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bulla_core::codec::DecodeLimits;
use bulla_core::connection::{Open, StreamId};
use bulla_core::status::{Code, Status};
use serde::de::DeserializeOwned;

use crate::CallError;
use crate::client::Client;
use crate::line::Live;
use crate::link::Refusal;
use crate::slot::{Answer, Slot};

/// What a call may carry besides its request.
///
/// ```
/// # use std::time::Duration;
/// # use bulla_client::CallOptions;
/// let options = CallOptions::new().deadline(Duration::from_secs(2)).metadata("trace", "7f3a");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct CallOptions {
    pub(crate) deadline: Option<Duration>,
    pub(crate) metadata: Vec<(String, String)>,
}

impl CallOptions {
    /// The client's deadline, and no metadata.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the caller waits. The server is told, and told again when time is up.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Adds a pair for the handler: at most 32, keys up to 64 bytes, values up to 1,024.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((key.into(), value.into()));
        self
    }
}

/// How long a caller waits in all.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    after: Duration,
    until: Option<Instant>,
}

impl Deadline {
    pub(crate) fn start(after: Option<Duration>) -> Self {
        // One that is too far for the clock is none.
        let until = after.and_then(|after| Instant::now().checked_add(after));
        Self { after: after.unwrap_or(Duration::MAX), until }
    }

    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// What is left of it, in milliseconds, as OPEN carries it: 0 is none, and time that is up is one.
    fn milliseconds(&self) -> u32 {
        let Some(until) = self.until else { return 0 };
        let left = until.saturating_duration_since(Instant::now()).as_millis();
        u32::try_from(left).unwrap_or(u32::MAX).max(1)
    }
}

/// A call under way, on one connection.
pub(crate) struct Running {
    pub(crate) live: Arc<Live>,
    route: String,
    deadline: Deadline,
    stream: StreamId,
    slot: Arc<Slot>,
    /// The answer was taken, or the call given up.
    over: bool,
}

impl Running {
    /// Queues a request; with `soon`, it may wait a moment for others to share a record with.
    pub(crate) fn submit(
        live: &Arc<Live>,
        route: &str,
        message: Vec<u8>,
        options: &CallOptions,
        deadline: Deadline,
        kind: Kind,
    ) -> Result<Self, CallError> {
        let open = Open {
            route: route.to_owned(),
            deadline_ms: deadline.milliseconds(),
            one_way: kind == Kind::Notify,
            metadata: options.metadata.clone(),
        };
        let submitted = live.link.submit(&open, message, deadline.until, kind == Kind::Soon);
        let route = open.route;
        match submitted {
            Ok(submitted) => Ok(Self {
                live: Arc::clone(live),
                route,
                deadline,
                stream: submitted.stream,
                slot: submitted.slot,
                over: kind == Kind::Notify,
            }),
            Err(Refusal::Lost(reason)) => Err(CallError::NotSent { route, reason }),
            Err(Refusal::Deadline) => Err(CallError::Deadline { route, after: deadline.after, sent: false }),
            Err(Refusal::Command(error)) => {
                Err(CallError::Command { route: bulla_core::text::escape(&route, 128), error })
            }
        }
    }

    /// Waits for the answer's bytes.
    pub(crate) fn wait(&mut self) -> Result<Vec<u8>, CallError> {
        let answer = match self.slot.take().or_else(|| self.flush_and_wait()) {
            Some(answer) => answer,
            None => self.give_up(Code::DeadlineExceeded, "the caller's deadline passed")?,
        };
        self.over = true;
        let route = self.route.clone();
        match answer {
            Answer::Message(message) => Ok(message),
            Answer::Status(status) => Err(CallError::Status { route, status }),
            Answer::Nothing => Err(CallError::NoAnswer { route }),
            Answer::Lost { reason, sent: false } => Err(CallError::NotSent { route, reason }),
            Answer::Lost { reason, sent: true } => Err(CallError::MayHaveRun { route, reason }),
        }
    }

    /// Nothing waits unwritten while a caller sleeps; one whose answer is there already leaves what it queued to be joined by more.
    fn flush_and_wait(&self) -> Option<Answer> {
        self.live.link.flush();
        self.slot.wait(self.deadline.until)
    }

    /// Ends the call on both sides; if its answer came at the same moment, that is the outcome.
    fn give_up(&mut self, code: Code, reason: &str) -> Result<Answer, CallError> {
        let given_up = self.live.link.give_up(self.stream, &Status::new(code, reason));
        self.over = true;
        match given_up {
            Some(sent) => Err(CallError::Deadline { route: self.route.clone(), after: self.deadline.after, sent }),
            None => Ok(self.slot.wait(None).expect("waits until the answer is there")),
        }
    }

    /// Reads the answer's bytes.
    pub(crate) fn decode<Res: DeserializeOwned>(&self, message: &[u8], limits: DecodeLimits) -> Result<Res, CallError> {
        self.live.codec.decode_as(message, limits).map_err(|error| CallError::Decode {
            route: self.route.clone(),
            codec: self.live.session.codec,
            error,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            self.live.link.give_up(self.stream, &Status::new(Code::Cancelled, "the caller gave up"));
        }
    }
}

/// How a request is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Written at once; somebody waits.
    Call,
    /// May share a record with what follows.
    Soon,
    /// No answer.
    Notify,
}

/// A call that was started and not waited for. Dropped, it is cancelled.
#[must_use = "a call that is dropped is cancelled"]
pub struct Pending<Res> {
    running: Running,
    limits: DecodeLimits,
    /// The connection stays open while calls are under way.
    _client: Client,
    answer: PhantomData<fn() -> Res>,
}

impl<Res: DeserializeOwned> Pending<Res> {
    pub(crate) fn new(running: Running, limits: DecodeLimits, client: Client) -> Self {
        Self { running, limits, _client: client, answer: PhantomData }
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// [`CallError`]. A call that was started is never sent a second time: [`CallError::NotSent`] says that it did not run.
    pub fn wait(mut self) -> Result<Res, CallError> {
        let message = self.running.wait()?;
        self.running.decode(&message, self.limits)
    }
}
