//! What Bulla is to reach, and whether it does: the rows where it does not are shown like the others.

use std::fmt::Write;

use super::results::{Cell, Results, rate, short};
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
    latencies("small:1x1", "rustls-json", 1.0),
    latencies("small:1x1", "raw-json", 1.0 / 1.5),
    rates("64k:1x64", "bulla-json", "rustls-json", 1.0),
    rates("64k:1x64", "bulla-bincode", "rustls-bytes-batched", 1.0),
    rates("bulk:64k", "bulla-bincode", "rustls-bytes-batched", 1.0),
    rates("bulk:1m", "bulla-bincode", "rustls-bytes-batched", 1.0),
];

/// Bytes of server memory that an idle connection may cost.
const IDLE: f64 = 2048.0;

pub(super) fn table(results: &Results) -> String {
    let mut text =
        String::from("| work | processors | Bulla | beside | ratio | aim | |\n|---|---|---|---|---|---|---|\n");
    for aim in AIMS {
        for processors in results.processors() {
            if aim.processors.is_none_or(|only| only == processors) {
                text.extend(aim.row(results, processors));
            }
        }
    }
    text.extend(idle_row(results));
    text
}

impl Aim {
    /// `None` if one of the two was not measured.
    fn row(&self, results: &Results, processors: usize) -> Option<String> {
        let load: Load = self.load.parse().ok()?;
        let of = |peer| results.median(Cell { peer, load, processors }, |sample| self.value(sample));
        let (ours, theirs) = (of(self.bulla)?, of(self.beside)?);
        let ratio = if self.latency { theirs / ours } else { ours / theirs };
        let unit = if self.latency { "µs p50" } else { "/s" };
        Some(format!(
            "| {} | {processors} | {}: {} {unit} | {}: {} {unit} | {ratio:.2}× | ≥ {:.2}× | {} |\n",
            load.title(),
            self.bulla,
            short(ours),
            self.beside,
            short(theirs),
            self.factor,
            verdict(ratio >= self.factor),
        ))
    }

    fn value(&self, sample: &Sample) -> f64 {
        if self.latency { sample.p50 } else { rate(sample) }
    }
}

fn idle_row(results: &Results) -> Option<String> {
    let load = results.loads().into_iter().find(|load| matches!(load, Load::Idle { .. }))?;
    let processors = *results.processors().last()?;
    let memory = results.median(Cell { peer: "bulla-json", load, processors }, |sample| sample.memory)?;
    let mut row = String::new();
    let shown = short(memory);
    let verdict = verdict(memory <= IDLE);
    writeln!(row, "| {} | | bulla-json: {shown} bytes each | | | ≤ {IDLE} bytes | {verdict} |", load.title()).ok()?;
    Some(row)
}

fn verdict(held: bool) -> &'static str {
    if held { "held" } else { "**missed**" }
}
