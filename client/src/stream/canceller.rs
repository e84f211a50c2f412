//! Ending a stream from outside: by another thread, or by Ctrl-C.

use std::sync::Arc;

use bulla_core::connection::StreamId;

use crate::link::{GivenUp, Link};

/// Ends one call or stream early, from any thread. Made by its halves.
#[derive(Clone)]
pub struct Canceller {
    link: Arc<Link>,
    stream: StreamId,
}

impl Canceller {
    pub(super) fn new(link: Arc<Link>, stream: StreamId) -> Self {
        Self { link, stream }
    }

    /// Resets the stream: the server is told, and whoever waits on either half here has [`Cancelled`](crate::CallError::Cancelled).
    /// Does nothing once the stream is over.
    pub fn cancel(&self) {
        self.link.give_up(self.stream, GivenUp::Cancelled);
    }
}
