//! A budget for frames that cost their sender nothing, so that a flood of them ends the session.

use std::time::{Duration, Instant};

use crate::connection::Violation;

/// Frames that may come at once.
const BURST: u32 = 4096;

/// The budget grows back by one frame in this time.
const REFILL: Duration = Duration::from_millis(2);

/// A bucket of tokens that fills with time and with the useful work that frames answer.
pub(crate) struct Budget {
    left: u32,
    filled: Instant,
}

impl Budget {
    pub(crate) fn new(now: Instant) -> Self {
        Self { left: BURST, filled: now }
    }

    /// Grows with the time that passed.
    pub(crate) fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled);
        let frames = u32::try_from(passed.as_millis() / REFILL.as_millis()).unwrap_or(BURST);
        if frames > 0 {
            self.earn(frames);
            self.filled = now;
        }
    }

    /// Grows with work that asks for frames in return, such as data sent, which the peer answers with credit.
    pub(crate) fn earn(&mut self, frames: u32) {
        self.left = self.left.saturating_add(frames).min(BURST);
    }

    /// Pays for one frame of this kind.
    pub(crate) fn spend(&mut self, kind: &'static str) -> Result<(), Violation> {
        self.left = self.left.checked_sub(1).ok_or(Violation::Flood(kind))?;
        Ok(())
    }
}
