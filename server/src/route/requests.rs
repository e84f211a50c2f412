//! The messages of a peer, one after another.

use std::collections::VecDeque;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bulla_core::status::Status;
use serde::de::DeserializeOwned;

use crate::route::lanes::Next;
use crate::route::{Context, Owed, Wait};

/// The messages of a peer, in order: an iterator that waits for the next one. What is taken makes room for the peer to send more, so
/// one who stops taking costs the server no more than the stream's window.
///
/// It ends when the peer says that it sends no more. When the stream ends early (the peer gave up or is gone, or the deadline passed),
/// what was not taken is dropped, and the last item is that status. So it is for a peer that sends nothing for
/// [`Capacity::stream_silence`](crate::Capacity::stream_silence) while the iterator waits on the server's own thread. A message that
/// does not decode is an `INVALID_ARGUMENT` in its place, after which there may be others.
///
/// Dropped before its end, it lets the peer send on and drops what comes.
pub struct Requests<T> {
    context: Context,
    /// Messages that were fetched together, of which nobody has had any yet.
    fetched: VecDeque<Vec<u8>>,
    owed: Owed,
    done: bool,
    types: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Requests<T> {
    pub(crate) fn new(context: Context) -> Self {
        let owed = Owed::new(&context.exchange, context.session.worth_granting);
        Self { context, fetched: VecDeque::new(), owed, done: false, types: PhantomData }
    }

    /// What is known of the call.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Waits for the next item for so long at most: `Pending` if nothing came. The stream goes on.
    pub fn next_timeout(&mut self, timeout: Duration) -> Poll<Option<Result<T, Status>>> {
        self.poll(Wait::at_most(timeout))
    }

    fn poll(&mut self, wait: Wait) -> Poll<Option<Result<T, Status>>> {
        let item = self.poll_encoded(wait);
        item.map(|item| item.map(|item| item.and_then(|message| self.context.decode(&message))))
    }

    /// Runs `callback` with each item in place of an iteration: in order, one at a time, on the workers, and without holding a thread
    /// in between. It gets what [`next`](Iterator::next) would have given, at last `None`.
    ///
    /// No peer holds a worker by leaving replies unread: what the callback [sends](crate::Replies::send) does not wait for room, but when
    /// it fills the stream's window, the callback has its next message only when there is room again.
    pub fn into_callback(self, mut callback: impl FnMut(Option<Result<T, Status>>) + Send + 'static)
    where
        T: 'static,
    {
        let context = self.context.clone();
        self.into_callback_encoded(move |item| {
            callback(item.map(|item| item.and_then(|message| context.decode(&message))));
        });
    }
}

impl<T> Requests<T> {
    /// As [`next`](Iterator::next), as bytes in the session's codec.
    pub(crate) fn next_encoded(&mut self) -> Option<Result<Vec<u8>, Status>> {
        loop {
            if let Poll::Ready(item) = self.poll_encoded(Wait::for_peer()) {
                return item;
            }
        }
    }

    fn poll_encoded(&mut self, wait: Wait) -> Poll<Option<Result<Vec<u8>, Status>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let item = self.take(wait);
        self.done = matches!(item, Poll::Ready(None));
        item
    }

    /// As [`into_callback`](Self::into_callback), as bytes in the session's codec.
    pub(crate) fn into_callback_encoded(
        mut self,
        mut callback: impl FnMut(Option<Result<Vec<u8>, Status>>) + Send + 'static,
    ) where
        T: 'static,
    {
        let exchange = Arc::clone(&self.context.exchange);
        // What an iteration took is its own; the rest of what it fetched is for the callback.
        self.owed.settle();
        let fetched = std::mem::take(&mut self.fetched);
        let taker = move |item| {
            // It would drop what comes if it were dropped.
            let _keep = &self;
            callback(item);
        };
        exchange.hand_to(fetched, Box::new(taker));
    }

    fn take(&mut self, wait: Wait) -> Poll<Option<Result<Vec<u8>, Status>>> {
        let exchange = &self.context.exchange;
        if exchange.is_cancelled() || exchange.has_ended() {
            self.drop_fetched();
        }
        loop {
            let next = match self.fetched.pop_front() {
                Some(message) => Next::Message(message),
                None => self.context.exchange.fetch(&mut self.fetched),
            };
            match next {
                Next::Message(message) => {
                    self.owed.owe(message.len());
                    return Poll::Ready(Some(Ok(message)));
                }
                Next::Error(status) => return Poll::Ready(Some(Err(status))),
                Next::End => return Poll::Ready(None),
                Next::Nothing => {
                    // No room stays ungranted while a reader sleeps.
                    self.owed.settle();
                    if !self.context.exchange.wait_for_input(wait) {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    fn drop_fetched(&mut self) {
        for message in std::mem::take(&mut self.fetched) {
            self.owed.owe(message.len());
        }
    }
}

impl<T: DeserializeOwned> Iterator for Requests<T> {
    type Item = Result<T, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Poll::Ready(item) = self.poll(Wait::for_peer()) {
                return item;
            }
        }
    }
}

impl<T: DeserializeOwned> FusedIterator for Requests<T> {}

impl<T> Drop for Requests<T> {
    fn drop(&mut self) {
        self.drop_fetched();
        self.context.exchange.close_inbox();
    }
}
