//! How long a handler waits for what is not there yet.

use std::time::{Duration, Instant};

use crate::route::SilenceLimit;

/// How long a handler waits for a message, or for room for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Not,
    Until(Instant),
    /// Until then; a peer that is silent for so long loses its stream.
    Patiently(Instant, Duration),
    Forever,
}

impl Wait {
    /// One that is too far for the clock has no end.
    pub(crate) fn at_most(time: Duration) -> Self {
        Instant::now().checked_add(time).map_or(Self::Forever, Self::Until)
    }

    /// As long as it takes, but no longer than a silent peer may hold this thread.
    pub(crate) fn for_peer() -> Self {
        let Some(limit) = SilenceLimit::here() else { return Self::Forever };
        Instant::now().checked_add(limit).map_or(Self::Forever, |until| Self::Patiently(until, limit))
    }

    pub(crate) fn is_over(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// `None` if it has no end.
    pub(crate) fn left(self) -> Option<Duration> {
        match self {
            Self::Not => Some(Duration::ZERO),
            Self::Until(until) | Self::Patiently(until, _) => Some(until.saturating_duration_since(Instant::now())),
            Self::Forever => None,
        }
    }
}
