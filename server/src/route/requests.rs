//! The messages of a peer, one after another.

use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::sync::Arc;

use bulla_core::status::Status;
use serde::de::DeserializeOwned;

use crate::route::Context;

/// The messages of a peer, in order: an iterator that waits for the next one. Each that is taken makes room for the peer to send
/// more, so one who stops taking costs the server no more than the stream's window.
///
/// It ends when the peer says that it sends no more. When the stream ends early (the peer gave up or is gone, or the deadline passed),
/// what was not taken is dropped, and the last item is that status. A message that does not decode is an `INVALID_ARGUMENT` in its
/// place, after which there may be others.
///
/// Dropped before its end, it lets the peer send on and drops what comes.
pub struct Requests<T> {
    context: Context,
    done: bool,
    types: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Requests<T> {
    pub(crate) fn new(context: Context) -> Self {
        Self { context, done: false, types: PhantomData }
    }

    /// What is known of the call.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Runs `callback` with each item in place of an iteration: in order, one at a time, on the workers, and without holding a thread
    /// in between. It gets what [`next`](Iterator::next) would have given, at last `None`.
    pub fn into_callback(self, mut callback: impl FnMut(Option<Result<T, Status>>) + Send + 'static)
    where
        T: 'static,
    {
        let exchange = Arc::clone(&self.context.exchange);
        exchange.hand_to(Box::new(move |item| {
            callback(item.map(|item| item.and_then(|message| self.context.decode(&message))));
        }));
    }
}

impl<T: DeserializeOwned> Iterator for Requests<T> {
    type Item = Result<T, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = self.context.exchange.take();
        self.done = item.is_none();
        item.map(|item| item.and_then(|message| self.context.decode(&message)))
    }
}

impl<T: DeserializeOwned> FusedIterator for Requests<T> {}

impl<T> Drop for Requests<T> {
    fn drop(&mut self) {
        self.context.exchange.close_inbox();
    }
}
