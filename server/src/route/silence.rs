//! How long a handler on a thread of the server's waits for its peer.

use std::cell::Cell;
use std::time::Duration;

use bulla_core::status::{Code, Status};

thread_local! {
    static LIMIT: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Marks this thread as one of the server's that no silent peer holds for longer, as long as this lives.
pub(crate) struct SilenceLimit(());

impl SilenceLimit {
    pub(crate) fn set(limit: Duration) -> Self {
        LIMIT.set(Some(limit));
        Self(())
    }

    /// The limit on this thread; `None` on one of somebody else's.
    pub(crate) fn here() -> Option<Duration> {
        LIMIT.get()
    }
}

impl Drop for SilenceLimit {
    fn drop(&mut self) {
        LIMIT.set(None);
    }
}

/// What becomes of the stream of a silent peer.
pub(crate) fn silent(did: &str, silence: Duration) -> Status {
    Status::new(Code::DeadlineExceeded, format_args!("the peer {did} nothing for {silence:?}"))
}
