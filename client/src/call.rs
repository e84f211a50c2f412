//! What may be asked of a call or a stream besides its request.

use std::time::{Duration, Instant};

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

    /// How long the caller waits for the answer, or a stream may last in all. The server is told, and told again when time is up.
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

    /// How long it was from the start, if there is one.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.until.map(|_| self.after)
    }

    pub(crate) fn after(&self) -> Duration {
        self.after
    }

    pub(crate) fn is_past(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// What is left of it, in milliseconds, as OPEN carries it: 0 is none, and time that is up is one. Rounded up, so that the caller,
    /// whose time began before the server's, sees the end of it first.
    pub(crate) fn milliseconds(&self) -> u32 {
        let Some(until) = self.until else { return 0 };
        let left = until.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000);
        u32::try_from(left).unwrap_or(u32::MAX).max(1)
    }
}
