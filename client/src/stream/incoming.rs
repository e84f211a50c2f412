//! The receiving half of a stream: an iterator that grants room as its values are taken.

use std::collections::VecDeque;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::task::Poll;
use std::time::{Duration, Instant};

use bulla_core::codec::DecodeLimits;
use bulla_core::connection::EVENT_COST;
use serde::de::DeserializeOwned;

use super::{Canceller, Stream};
use crate::inbox::{End, Mail};
use crate::link::GivenUp;
use crate::{CallError, Client};

/// What a server sends on a stream, value by value.
///
/// The server may be ahead of the reader by the credit agreed ([`Limits::credit`](bulla_core::connection::Limits::credit)): one that
/// stops reading makes the server wait, and nobody else. The iterator ends with the stream, or after the first `Err`. Dropped before
/// its end, the stream is cancelled on both sides.
#[must_use = "a stream that is dropped is cancelled"]
pub struct Incoming<Res> {
    stream: Stream,
    /// Messages that were taken from the inbox together.
    taken: VecDeque<Vec<u8>>,
    owed: Owed,
    over: bool,
    limits: DecodeLimits,
    /// The connection stays open while streams are under way.
    _client: Client,
    value: PhantomData<fn() -> Res>,
}

/// What was read, and not yet granted to the server again.
#[derive(Default)]
struct Owed {
    messages: usize,
    bytes: usize,
}

impl<Res> Incoming<Res> {
    pub(crate) fn new(stream: Stream, limits: DecodeLimits, client: Client) -> Self {
        let (taken, owed) = (VecDeque::new(), Owed::default());
        Self { stream, taken, owed, over: false, limits, _client: client, value: PhantomData }
    }

    /// A way to end the stream from another thread, also while this one waits.
    pub fn canceller(&self) -> Canceller {
        self.stream.canceller()
    }

    /// The next message's bytes, if they are there before `until`.
    fn poll_message(&mut self, wait: Wait) -> Poll<Option<Result<Vec<u8>, CallError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let taken = self.taken.pop_front().map(Mail::Message);
        let mail = taken.or_else(|| self.stream.inbox.take_all(&mut self.taken)).or_else(|| self.wait_for_mail(wait));
        match mail {
            None => Poll::Pending,
            Some(Mail::Message(message)) => {
                self.owe(message.len());
                Poll::Ready(Some(Ok(message)))
            }
            Some(Mail::End(end)) => {
                self.over = true;
                self.settle();
                Poll::Ready(if end == End::Finished { None } else { Some(Err(self.stream.error(end))) })
            }
        }
    }

    /// Nothing stays unwritten, and no room ungranted, while a reader sleeps.
    fn wait_for_mail(&mut self, wait: Wait) -> Option<Mail> {
        self.settle();
        let (link, inbox) = (&self.stream.live.link, &self.stream.inbox);
        let deadline = self.stream.deadline.until();
        let until = match wait {
            Wait::Not => {
                link.read_now();
                return inbox.take_all(&mut self.taken);
            }
            Wait::Until(until) => Some(deadline.map_or(until, |deadline| deadline.min(until))),
            Wait::Forever => deadline,
        };
        link.wait_for_mail(inbox, until);
        if let Some(mail) = self.stream.inbox.take_all(&mut self.taken) {
            return Some(mail);
        }
        if deadline.is_none_or(|deadline| Instant::now() < deadline) {
            return None;
        }
        self.stream.give_up(GivenUp::Deadline);
        self.stream.inbox.take_all(&mut self.taken)
    }

    /// Grants are few: each takes a lock and a write.
    fn owe(&mut self, bytes: usize) {
        self.owed.messages += 1;
        self.owed.bytes += bytes;
        let window = self.stream.live.session.limits.credit as usize;
        if self.owed.bytes + self.owed.messages * EVENT_COST >= window / 4 {
            self.settle();
        }
    }

    /// Grants what was read.
    fn settle(&mut self) {
        let Owed { messages, bytes } = std::mem::take(&mut self.owed);
        if messages > 0 {
            self.stream.live.link.consume(self.stream.id, messages, bytes);
        }
    }

    /// Ends the stream early, if it is not over, and frees the room of what nobody will read.
    fn abandon(&mut self) {
        self.over = true;
        let Owed { messages, bytes } = std::mem::take(&mut self.owed);
        let taken = self
            .taken
            .drain(..)
            .fold((messages, bytes), |(messages, bytes), message| (messages + 1, bytes + message.len()));
        self.stream.live.link.abandon(self.stream.id, &self.stream.inbox, taken.0, taken.1);
    }
}

/// How long to wait for what is not there yet.
enum Wait {
    Not,
    Until(Instant),
    Forever,
}

impl<Res: DeserializeOwned> Incoming<Res> {
    /// The next value if it is there already, `Pending` if it is not, and `Ready(None)` at the end of the stream.
    pub fn try_next(&mut self) -> Poll<Option<Result<Res, CallError>>> {
        self.poll_value(Wait::Not)
    }

    /// Waits for the next value for so long at most: `Pending` if nothing came. The stream goes on.
    pub fn next_timeout(&mut self, timeout: Duration) -> Poll<Option<Result<Res, CallError>>> {
        self.next_timeout_as(timeout)
    }
}

impl<Res> Incoming<Res> {
    /// As [`next_timeout`](Self::next_timeout), for a value of another type: on some streams one tells what the next one is.
    pub(crate) fn next_timeout_as<T: DeserializeOwned>(
        &mut self,
        timeout: Duration,
    ) -> Poll<Option<Result<T, CallError>>> {
        // One that is too far for the clock is none.
        self.poll_value(Instant::now().checked_add(timeout).map_or(Wait::Forever, Wait::Until))
    }

    fn poll_value<T: DeserializeOwned>(&mut self, wait: Wait) -> Poll<Option<Result<T, CallError>>> {
        let message = match self.poll_message(wait) {
            Poll::Ready(Some(Ok(message))) => message,
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => return Poll::Pending,
        };
        let value = self.stream.decode(&message, self.limits);
        if value.is_err() {
            self.abandon();
        }
        Poll::Ready(Some(value))
    }
}

impl<Res: DeserializeOwned> Iterator for Incoming<Res> {
    type Item = Result<Res, CallError>;

    /// Waits for the next value, until the stream's deadline if it has one.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Poll::Ready(next) = self.poll_value(Wait::Forever) {
                return next;
            }
        }
    }
}

impl<Res: DeserializeOwned> FusedIterator for Incoming<Res> {}

impl<Res> Drop for Incoming<Res> {
    fn drop(&mut self) {
        if !self.over {
            self.abandon();
        }
    }
}
