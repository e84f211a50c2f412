//! A call's answer, on its way.

use std::marker::PhantomData;

use bulla_core::codec::DecodeLimits;
use serde::de::DeserializeOwned;

use super::{Canceller, Stream};
use crate::inbox::Mail;
use crate::link::GivenUp;
use crate::{CallError, Client};

/// The one answer that a call, or a stream of requests, waits for. Dropped before it came, the stream is cancelled.
pub(crate) struct Answer {
    stream: Stream,
    over: bool,
}

impl Answer {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, over: false }
    }

    /// Waits for it, and reads it.
    pub(crate) fn wait<Res: DeserializeOwned>(mut self, limits: DecodeLimits) -> Result<Res, CallError> {
        let mail = self.stream.inbox.take().unwrap_or_else(|| self.flush_and_wait());
        self.over = true;
        match mail {
            Mail::Message(message) => self.stream.decode(&message, limits),
            Mail::End(end) => Err(self.stream.error(end)),
        }
    }

    /// One whose answer is there already leaves what it queued to be joined by more.
    fn flush_and_wait(&self) -> Mail {
        self.stream.live.link.wait_for_mail(&self.stream.inbox, self.stream.deadline.until());
        self.stream.inbox.take().unwrap_or_else(|| {
            // If the answer came at the same moment, that is the outcome.
            self.stream.give_up(GivenUp::Deadline);
            self.stream.inbox.take().expect("a stream that is over has an end in its inbox")
        })
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.over {
            self.stream.give_up(GivenUp::Cancelled);
        }
    }
}

/// A call that was started and not waited for. Dropped, it is cancelled.
#[must_use = "a call that is dropped is cancelled"]
pub struct Pending<Res> {
    answer: Answer,
    limits: DecodeLimits,
    /// The connection stays open while calls are under way.
    _client: Client,
    value: PhantomData<fn() -> Res>,
}

impl<Res> Pending<Res> {
    pub(crate) fn new(stream: Stream, limits: DecodeLimits, client: Client) -> Self {
        Self { answer: Answer::new(stream), limits, _client: client, value: PhantomData }
    }

    /// A way to end the call from another thread, also while this one waits.
    pub fn canceller(&self) -> Canceller {
        self.answer.stream.canceller()
    }
}

impl<Res: DeserializeOwned> Pending<Res> {
    /// Waits for the answer.
    ///
    /// # Errors
    /// [`CallError`]. A call that was started is never sent a second time: [`CallError::NotSent`] says that it did not run.
    pub fn wait(self) -> Result<Res, CallError> {
        self.answer.wait(self.limits)
    }
}
