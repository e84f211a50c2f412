//! Counting answers and their latency.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bulla_core::status::Code;
use hdrhistogram::Histogram;

/// Digits of a latency that count.
const DIGITS: u8 = 3;

/// The longest latency that is told apart: a day, in nanoseconds.
const LONGEST: u64 = 86_400_000_000_000;

/// What was measured, by one worker or by all.
pub(super) struct Tally {
    /// Nanoseconds from the start of a call, or when it was due, until its answer was read.
    pub(super) latency: Histogram<u64>,
    /// Calls that the server refused, by code.
    pub(super) refused: BTreeMap<&'static str, u64>,
    /// The first and the last moment that count.
    pub(super) span: Option<(Instant, Instant)>,
}

impl Default for Tally {
    fn default() -> Self {
        let latency = Histogram::new(DIGITS).expect("three digits are allowed");
        Self { latency, refused: BTreeMap::new(), span: None }
    }
}

impl Tally {
    /// Calls that were answered.
    pub(super) fn calls(&self) -> u64 {
        self.latency.len()
    }

    pub(super) fn refused_in_all(&self) -> u64 {
        self.refused.values().sum()
    }

    /// How long it took.
    pub(super) fn time(&self) -> Duration {
        self.span.map_or(Duration::ZERO, |(begin, end)| end.saturating_duration_since(begin))
    }

    pub(super) fn answered(&mut self, since: Instant, now: Instant) {
        let nanoseconds =
            u64::try_from(now.saturating_duration_since(since).as_nanos()).unwrap_or(LONGEST).min(LONGEST);
        // Not saturating: that would stop at the size that the histogram has now.
        self.latency.record(nanoseconds).expect("histograms grow as needed");
    }

    pub(super) fn refused(&mut self, code: Code) {
        *self.refused.entry(code.name()).or_default() += 1;
    }

    /// Adds what another worker measured.
    pub(super) fn add(&mut self, other: &Self) {
        self.latency.add(&other.latency).expect("histograms grow as needed");
        for (code, count) in &other.refused {
            *self.refused.entry(code).or_default() += count;
        }
        let spans = self.span.into_iter().chain(other.span);
        self.span = spans.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
    }
}
