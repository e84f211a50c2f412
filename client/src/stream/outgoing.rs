//! The sending half of a stream.

use std::marker::PhantomData;

use serde::Serialize;

use super::{Canceller, Stream, encode};
use crate::inbox::End;
use crate::link::{GivenUp, Refusal};
use crate::{CallError, Client};

/// What this side sends on a stream, value by value.
///
/// The sender may be ahead of the server by the credit agreed ([`Limits::credit`](bulla_core::connection::Limits::credit)), and by
/// as much again that waits here; then [`send`](Self::send) waits. [`finish`](Self::finish) ends it in order; dropped without that,
/// the stream is cancelled on both sides, its receiving half included.
#[must_use = "a stream that is dropped before it is finished is cancelled"]
pub struct Outgoing<Req: ?Sized> {
    stream: Stream,
    finished: bool,
    /// The connection stays open while streams are under way.
    _client: Client,
    value: PhantomData<fn(&Req)>,
}

impl<Req: Serialize + ?Sized> Outgoing<Req> {
    pub(crate) fn new(stream: Stream, client: Client) -> Self {
        Self { stream, finished: false, _client: client, value: PhantomData }
    }

    /// Sends a value; waits while there is no room for it, until the stream's deadline if it has one. `Ok` says that it is on its
    /// way, within moments at most, not that it was read.
    ///
    /// # Errors
    /// [`CallError::Encode`] and [`CallError::Command`] concern this value alone, and the stream goes on. Any other says how the
    /// stream ended: with the server's status if it ended it early, with [`CallError::Ended`] if it answered already.
    pub fn send(&self, value: &Req) -> Result<(), CallError> {
        self.queue(value, true).map(|_| ())
    }

    /// As [`send`](Self::send), without waiting: `false` if there is no room for it now.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn try_send(&self, value: &Req) -> Result<bool, CallError> {
        self.queue(value, false)
    }

    /// Ends this half in order, behind what was sent. The server may go on sending.
    ///
    /// # Errors
    /// As [`send`](Self::send), if the stream ended before.
    pub fn finish(mut self) -> Result<(), CallError> {
        self.finished = true;
        self.stream.live.link.finish(self.stream.id).map_err(|refusal| self.error(refusal))
    }

    fn queue(&self, value: &Req, wait: bool) -> Result<bool, CallError> {
        let message = encode(&self.stream.live, &self.stream.route, value)?;
        let sent = self.stream.live.link.send(self.stream.id, message, wait, self.stream.deadline.until());
        sent.map_err(|refusal| self.error(refusal))
    }

    fn error(&self, refusal: Refusal) -> CallError {
        match refusal {
            Refusal::Command(error) => return CallError::Command { route: self.stream.route.clone(), error },
            Refusal::Deadline => self.stream.give_up(GivenUp::Deadline),
            Refusal::Lost(_) | Refusal::Over => {}
        }
        match self.stream.inbox.ended() {
            Some(End::Finished) | None => CallError::Ended { route: self.stream.route.clone() },
            Some(end) => self.stream.error(end),
        }
    }
}

impl<Req: ?Sized> Outgoing<Req> {
    /// A way to end the stream from another thread, also while this one waits.
    pub fn canceller(&self) -> Canceller {
        self.stream.canceller()
    }
}

impl<Req: ?Sized> Drop for Outgoing<Req> {
    fn drop(&mut self) {
        if !self.finished {
            self.stream.give_up(GivenUp::Cancelled);
        }
    }
}
