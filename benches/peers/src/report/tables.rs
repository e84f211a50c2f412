//! The tables of medians.

use std::fmt::Write;

use super::results::{Cell, Results, on, rate, short};
use crate::job::Sample;
use crate::load::{Load, Size};

/// What ratios refer to.
const OURS: &str = "bulla-json";

/// Calls a second of every peer, and how many times as fast Bulla is.
pub(super) fn rates(results: &Results) -> String {
    let loads: Vec<_> = results.loads().into_iter().filter(|load| matches!(load, Load::Echo { .. })).collect();
    let mut text = String::new();
    for processors in results.processors() {
        if loads.is_empty() {
            break;
        }
        let head: String = loads.iter().map(|load| format!(" {} |", load.title())).collect();
        let _ = writeln!(
            text,
            "Calls a second, both processes on {}, and how many times as fast {OURS} is:\n",
            on(processors)
        );
        let _ = writeln!(text, "| peer |{head}\n|---|{}", "---|".repeat(loads.len()));
        for peer in results.peers() {
            let cells: String = loads.iter().map(|load| rate_cell(results, &peer, *load, processors)).collect();
            let _ = writeln!(text, "| {peer} |{cells}");
        }
        text.push('\n');
    }
    text
}

fn rate_cell(results: &Results, peer: &str, load: Load, processors: usize) -> String {
    let of = |peer| results.rate(Cell { peer, load, processors });
    match (of(peer), of(OURS)) {
        (Some(theirs), Some(ours)) if peer != OURS => format!(" {} ({:.2}×) |", short(theirs), ours / theirs),
        (Some(theirs), _) => format!(" {} |", short(theirs)),
        (None, _) => " |".to_owned(),
    }
}

/// Megabytes a second, one way.
pub(super) fn bulk(results: &Results) -> String {
    let mut rows = String::new();
    for load in results.loads() {
        let Load::Bulk { bytes } = load else { continue };
        for processors in results.processors() {
            for peer in results.peers() {
                let megabytes = |sample: &Sample| rate(sample) * bytes as f64 / 1e6;
                if let Some(rate) = results.median(Cell { peer: &peer, load, processors }, megabytes) {
                    let _ = writeln!(rows, "| {} | {processors} | {peer} | {} |", load.title(), short(rate));
                }
            }
        }
    }
    if rows.is_empty() { rows } else { format!("| work | processors | peer | MB/s |\n|---|---|---|---|\n{rows}") }
}

/// The server's memory for connections that do nothing.
pub(super) fn idle(results: &Results) -> String {
    let mut rows = String::new();
    for load in results.loads().into_iter().filter(|load| matches!(load, Load::Idle { .. })) {
        for processors in results.processors() {
            for peer in results.peers() {
                let cell = Cell { peer: &peer, load, processors };
                let memory = results.median(cell, |sample| sample.memory);
                let count = results.median(cell, |sample| sample.connections as f64);
                if let (Some(memory), Some(count)) = (memory, count) {
                    let fewer = if count < load.connections() as f64 { ", more were not allowed" } else { "" };
                    let _ = writeln!(rows, "| {peer} | {count}{fewer} | {} |", short(memory));
                }
            }
        }
    }
    let head = "| peer | idle connections | bytes of the server's memory for each |\n|---|---|---|\n";
    if rows.is_empty() { rows } else { format!("{head}{rows}") }
}

/// What the names stand for, and who is missing.
pub(super) fn legend(results: &Results) -> String {
    let measured = results.peers();
    let mut text = String::from("\n");
    for peer in crate::peers::all().iter().filter(|peer| measured.iter().any(|name| name == peer.name())) {
        let _ = writeln!(text, "- {}: {}", peer.name(), peer.about());
    }
    for (name, why) in &results.heading.missing {
        let _ = writeln!(text, "- {name}: not measured, {why}");
    }
    text
}

/// Latencies and processor time of every measurement.
pub(super) fn details(results: &Results) -> String {
    let mut text = String::from("## Details\n");
    for load in results.loads().into_iter().filter(|load| !matches!(load, Load::Idle { .. })) {
        for processors in results.processors() {
            let _ = writeln!(text, "\n{} ({load}), {}; microseconds:\n", load.title(), on(processors));
            text.push_str("| peer | a second | p50 | p99 | p99.9 | server CPU a call | client CPU a call |\n");
            text.push_str("|---|---|---|---|---|---|---|\n");
            for peer in results.peers() {
                text.extend(detail(results, Cell { peer: &peer, load, processors }));
            }
        }
    }
    text
}

fn detail(results: &Results, cell: Cell<'_>) -> Option<String> {
    let of = |of: fn(&Sample) -> f64| results.median(cell, of).map(short);
    let (rate, p50) = (of(rate)?, of(|sample| sample.p50)?);
    let (p99, p999) = (of(|sample| sample.p99)?, of(|sample| sample.p999)?);
    let (server, client) = (of(|sample| sample.server_cpu)?, of(|sample| sample.client_cpu)?);
    let name = cell.peer;
    Some(format!("| {name} | {rate} | {p50} | {p99} | {p999} | {server} | {client} |\n"))
}

/// The echoes of a small struct: what the plot shows.
pub(super) fn is_plotted(load: Load) -> bool {
    matches!(load, Load::Echo { size: Size::Small, .. })
}
