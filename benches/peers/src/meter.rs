//! Counting calls and their latency within the measured period.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::Error;

/// The longest latency that a histogram tells apart: one minute, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// When is measured: after the warm-up, until the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period {
    pub(crate) begin: Instant,
    pub(crate) end: Instant,
}

impl Period {
    pub(crate) fn starting(warm_up: Duration, duration: Duration) -> Self {
        let begin = Instant::now() + warm_up;
        Self { begin, end: begin + duration }
    }
}

/// What was done, by one worker or by all.
pub(crate) struct Tally {
    /// Calls that were answered, or messages that arrived, within the period.
    pub(crate) calls: u64,
    /// In nanoseconds, from before a question is written to after its answer is read.
    pub(crate) latency: Histogram<u64>,
    /// How long it took, if the period does not say.
    pub(crate) seconds: Option<f64>,
    /// Of idle connections: how many there were, and the server's memory for all of them, in bytes.
    pub(crate) idle: Option<(usize, u64)>,
}

impl Default for Tally {
    fn default() -> Self {
        let latency = Histogram::new_with_bounds(1, LONGEST, 2).expect("the bounds are sound");
        Self { calls: 0, latency, seconds: None, idle: None }
    }
}

impl Tally {
    /// Of workers that ran side by side.
    pub(crate) fn sum(tallies: impl IntoIterator<Item = Result<Self, Error>>) -> Result<Self, Error> {
        let mut sum = Self::default();
        for tally in tallies {
            let tally = tally?;
            sum.calls += tally.calls;
            sum.latency.add(tally.latency)?;
        }
        Ok(sum)
    }
}

/// Takes the time of calls.
pub(crate) struct Meter {
    period: Period,
    pub(crate) tally: Tally,
}

impl Meter {
    pub(crate) fn new(period: Period) -> Self {
        Self { period, tally: Tally::default() }
    }

    /// Takes note of an answer; `false` when the period is over.
    pub(crate) fn record(&mut self, sent: Instant) -> bool {
        let now = Instant::now();
        if now >= self.period.end {
            return false;
        }
        if now >= self.period.begin {
            self.tally.calls += 1;
            let nanoseconds = u64::try_from((now - sent).as_nanos()).unwrap_or(u64::MAX);
            self.tally.latency.saturating_record(nanoseconds.max(1));
        }
        true
    }
}
