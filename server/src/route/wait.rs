//! How long a handler waits for what is not there yet.

use std::time::{Duration, Instant};

/// How long a handler waits for a message, or for room for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Not,
    Until(Instant),
    Forever,
}

impl Wait {
    /// One that is too far for the clock has no end.
    pub(crate) fn at_most(time: Duration) -> Self {
        Instant::now().checked_add(time).map_or(Self::Forever, Self::Until)
    }

    pub(crate) fn is_over(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// `None` if it has no end.
    pub(crate) fn left(self) -> Option<Duration> {
        match self {
            Self::Not => Some(Duration::ZERO),
            Self::Until(until) => Some(until.saturating_duration_since(Instant::now())),
            Self::Forever => None,
        }
    }
}
