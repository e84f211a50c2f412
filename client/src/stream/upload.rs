//! A stream of requests that has one answer.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Outgoing;
use crate::{CallError, Pending};

/// A stream of requests that has one answer, once it is finished. Dropped before, it is cancelled.
#[must_use = "a stream that is dropped before it is finished is cancelled"]
pub struct Upload<Req: ?Sized, Res> {
    outgoing: Outgoing<Req>,
    answer: Pending<Res>,
}

impl<Req: Serialize + ?Sized, Res: DeserializeOwned> Upload<Req, Res> {
    pub(crate) fn new(outgoing: Outgoing<Req>, answer: Pending<Res>) -> Self {
        Self { outgoing, answer }
    }

    /// As [`Outgoing::send`].
    ///
    /// # Errors
    /// As [`Outgoing::send`]. After [`CallError::Ended`], [`finish`](Self::finish) gives the answer that came early.
    pub fn send(&self, value: &Req) -> Result<(), CallError> {
        self.outgoing.send(value)
    }

    /// As [`Outgoing::try_send`].
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn try_send(&self, value: &Req) -> Result<bool, CallError> {
        self.outgoing.try_send(value)
    }

    /// Ends the requests, and waits for the answer.
    ///
    /// # Errors
    /// [`CallError`], as for a call.
    pub fn finish(self) -> Result<Res, CallError> {
        // If the stream is over, the answer's half knows how it ended.
        let _ = self.outgoing.finish();
        self.answer.wait()
    }

    /// The two halves, for two threads.
    pub fn into_halves(self) -> (Outgoing<Req>, Pending<Res>) {
        (self.outgoing, self.answer)
    }
}
