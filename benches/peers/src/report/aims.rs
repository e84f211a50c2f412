//! What Bulla is to reach, and whether it does: the rows where it does not are shown like the others.

use super::results::{Cell, Results, on, rate, short};
use crate::job::Sample;
use crate::load::Load;

/// Bulla beside something else, on one kind of work.
struct Aim {
    load: &'static str,
    /// On so many processors; on all that were measured, if it does not say.
    processors: Option<usize>,
    bulla: &'static str,
    beside: &'static str,
    /// How many times as fast Bulla is to be, at least.
    factor: f64,
    /// The median latency is compared, not the rate.
    latency: bool,
}

const fn rates(load: &'static str, bulla: &'static str, beside: &'static str, factor: f64) -> Aim {
    Aim { load, processors: None, bulla, beside, factor, latency: false }
}

/// On one processor, where nothing but the work itself takes time.
const fn latencies(load: &'static str, beside: &'static str, factor: f64) -> Aim {
    Aim { load, processors: Some(1), bulla: "bulla-json", beside, factor, latency: true }
}

const AIMS: &[Aim] = &[
    rates("small:1x64", "bulla-json", "rustls-json", 2.0),
    rates("small:1x64", "bulla-json", "rustls-json-batched", 1.0),
    rates("small:1x64", "bulla-json", "tonic-unary", 10.0),
    rates("small:1x64", "bulla-json", "raw-json", 0.8),
    rates("small:1x64", "bulla-bincode", "tarpc-bincode", 3.0),
    rates("small:1x64", "bulla-bincode", "bulla-json", 1.0),
    rates("small:64x1", "bulla-json", "rustls-json", 1.3),
    rates("small:64x1", "bulla-json", "raw-json", 0.9),
    rates("small:64x1", "bulla-json", "raw-bytes", 0.9),
    latencies("small:1x1", "rustls-json", 1.0),
    latencies("small:1x1", "raw-json", 1.0 / 1.5),
    latencies("small:1x1", "raw-bytes", 1.0 / 1.5),
    rates("64k:1x64", "bulla-json", "rustls-json", 1.0),
    rates("64k:1x64", "bulla-bincode", "rustls-bytes-batched", 1.0),
    rates("bulk:64k", "bulla-bincode", "rustls-bytes-batched", 1.0),
    rates("bulk:1m", "bulla-bincode", "rustls-bytes-batched", 1.0),
];

/// Bytes of server memory that an idle connection may cost.
const IDLE: f64 = 2048.0;

/// A row for each aim, and a column of ratios for each number of processors.
pub(super) fn table(results: &Results) -> String {
    let counts = results.processors();
    let heads: String = counts.iter().map(|count| format!(" {} |", on(*count))).collect();
    let mut text = format!("| work | compared | aim |{heads}\n|---|---|---|{}\n", "---|".repeat(counts.len()));
    for aim in AIMS {
        text.extend(aim.row(results, &counts));
    }
    text.extend(idle_row(results, counts.len()));
    text
}

impl Aim {
    /// `None` if one of the two was not measured.
    fn row(&self, results: &Results, counts: &[usize]) -> Option<String> {
        let load: Load = self.load.parse().ok()?;
        let ratios: Vec<_> = counts.iter().map(|count| self.ratio(results, load, *count)).collect();
        if ratios.iter().all(Option::is_none) {
            return None;
        }
        let cell = |ratio: &Option<f64>| match ratio {
            Some(ratio) => format!(" {ratio:.2}× {} |", verdict(*ratio >= self.factor)),
            None => " |".to_owned(),
        };
        let what = if self.latency { "p50 of" } else { "calls of" };
        let Self { bulla, beside, factor, .. } = self;
        let cells: String = ratios.iter().map(cell).collect();
        Some(format!("| {} | {what} {bulla} and {beside} | ≥ {factor:.2}× |{cells}\n", load.title()))
    }

    /// How many times as fast Bulla is.
    fn ratio(&self, results: &Results, load: Load, processors: usize) -> Option<f64> {
        if self.processors.is_some_and(|only| only != processors) {
            return None;
        }
        let of = |peer| results.median(Cell { peer, load, processors }, |sample| self.value(sample));
        let (ours, theirs) = (of(self.bulla)?, of(self.beside)?);
        Some(if self.latency { theirs / ours } else { ours / theirs })
    }

    fn value(&self, sample: &Sample) -> f64 {
        if self.latency { sample.p50 } else { rate(sample) }
    }
}

fn idle_row(results: &Results, columns: usize) -> Option<String> {
    let load = results.loads().into_iter().find(|load| matches!(load, Load::Idle { .. }))?;
    let processors = *results.processors().last()?;
    let memory = results.median(Cell { peer: "bulla-json", load, processors }, |sample| sample.memory)?;
    let (shown, verdict, empty) = (short(memory), verdict(memory <= IDLE), " |".repeat(columns - 1));
    Some(format!("| {} | bytes of each of bulla-json | ≤ {IDLE} |{empty} {shown} {verdict} |\n", load.title()))
}

pub(super) fn verdict(held: bool) -> &'static str {
    if held { "✓" } else { "**missed**" }
}
