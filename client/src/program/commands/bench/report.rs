//! What was measured: a table and a histogram for people, lines for pipes, an object for scripts.

use std::collections::BTreeMap;

use bulla_core::connection::Session;
use bulla_core::text::escape;
use hdrhistogram::Histogram;
use serde::Serialize;

use super::load::{Measured, Plan};
use crate::program::cli::Options;
use crate::program::exit::Failure;
use crate::program::shell::Shell;

/// Columns of the longest bar of the histogram.
const WIDTH: u64 = 40;

/// One run.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    /// Where the connections were made, as given.
    server: String,
    agent: &'a str,
    route: &'a str,
    codec: &'a str,
    connections: u32,
    in_flight: usize,
    /// Calls a second that were due; absent where an answer let the next call go.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    /// Of one request, encoded.
    request_bytes: usize,
    seconds: f64,
    calls: u64,
    refused: &'a BTreeMap<&'static str, u64>,
    calls_per_second: f64,
    /// Of requests, encoded: 10⁶ bytes.
    megabytes_per_second: f64,
    latency_us: Latency,
    interrupted: bool,
    #[serde(skip)]
    histogram: &'a Histogram<u64>,
}

/// Microseconds; zero where nothing was answered.
#[derive(Serialize)]
struct Latency {
    min: f64,
    mean: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    #[serde(rename = "p99.9")]
    p999: f64,
    max: f64,
}

impl Latency {
    fn new(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| microseconds(histogram.value_at_quantile(quantile));
        Self {
            // An empty histogram has a minimum, but a meaningless one.
            min: if histogram.is_empty() { 0.0 } else { microseconds(histogram.min()) },
            mean: histogram.mean() / 1e3,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: microseconds(histogram.max()),
        }
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(
        plan: &'a Plan<'_>,
        options: &'a Options,
        session: &'a Session,
        connections: u32,
        request_bytes: usize,
        measured: &'a Measured,
        interrupted: bool,
    ) -> Self {
        let tally = &measured.tally;
        let seconds = tally.time().as_secs_f64();
        let calls_per_second = if seconds > 0.0 { tally.calls() as f64 / seconds } else { 0.0 };
        Self {
            server: options.server.join(","),
            agent: &session.agent,
            route: plan.route,
            codec: session.codec.as_str(),
            connections,
            in_flight: plan.in_flight,
            rate: plan.rate,
            request_bytes,
            seconds,
            calls: tally.calls(),
            refused: &tally.refused,
            calls_per_second,
            megabytes_per_second: calls_per_second * request_bytes as f64 / 1e6,
            latency_us: Latency::new(&tally.latency),
            interrupted: interrupted || measured.failure.is_some(),
            histogram: &tally.latency,
        }
    }

    pub(super) fn show(&self, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
        if shell.json {
            return shell.json_line(self);
        }
        if shell.is_for_people() { self.show_table(shell) } else { self.show_lines(shell) }
    }

    fn show_table(&self, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
        shell.line(format_args!("{}", self.title()))?;
        let mut table = shell.table(&["calls a second", "MB/s", "p50", "p90", "p99", "p99.9", "max"]);
        let Latency { p50, p90, p99, p999, max, .. } = self.latency_us;
        let mut row = vec![format!("{:.0}", self.calls_per_second), format!("{:.2}", self.megabytes_per_second)];
        row.extend([p50, p90, p99, p999, max].map(shown));
        table.add_row(row);
        shell.line(table)?;
        for line in bars(self.histogram) {
            shell.line(line)?;
        }
        self.show_refused(shell)
    }

    /// Name and value apart by a tab, for `cut` and `awk`; times in microseconds.
    fn show_lines(&self, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
        let Latency { min, mean, p50, p90, p99, p999, max } = self.latency_us;
        shell.line(format_args!("codec\t{}", self.codec))?;
        shell.line(format_args!("calls\t{}", self.calls))?;
        shell.line(format_args!("seconds\t{:.3}", self.seconds))?;
        shell.line(format_args!("calls_per_second\t{:.0}", self.calls_per_second))?;
        shell.line(format_args!("megabytes_per_second\t{:.3}", self.megabytes_per_second))?;
        let names = ["min", "mean", "p50", "p90", "p99", "p99.9", "max"];
        for (name, value) in names.iter().zip([min, mean, p50, p90, p99, p999, max]) {
            shell.line(format_args!("{name}_us\t{value:.1}"))?;
        }
        self.show_refused(shell)
    }

    fn title(&self) -> String {
        let (server, route) = (escape(&self.server, 200), escape(self.route, 128));
        let plural = if self.connections == 1 { "" } else { "s" };
        let pace = self.rate.map(|rate| format!(", {rate} due a second")).unwrap_or_default();
        let cut = if self.interrupted { ", cut short" } else { "" };
        format!(
            "{route} at {server}: {}, {} bytes a request, {} connection{plural} × {} in flight{pace}: {} calls in {:.2} s{cut}",
            self.codec, self.request_bytes, self.connections, self.in_flight, self.calls, self.seconds
        )
    }

    fn show_refused(&self, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
        for (code, count) in self.refused {
            shell.line(format_args!("refused\t{code}\t{count}"))?;
        }
        Ok(())
    }
}

/// A bar for each doubling of the latency that a thousandth of the calls fell into.
fn bars(histogram: &Histogram<u64>) -> Vec<String> {
    let counts: Vec<(u64, u64)> = histogram
        .iter_log(1000, 2.0)
        .map(|step| (step.value_iterated_to() + 1, step.count_since_last_iteration()))
        .filter(|(_, count)| count * 1000 >= histogram.len().max(1))
        .collect();
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let bar = |(below, count): &(u64, u64)| {
        let length = (count * WIDTH).div_ceil(most);
        let share = *count as f64 * 100.0 / histogram.len() as f64;
        let below = shown(microseconds(*below));
        format!("  < {below:>9}  {share:>5.1} %  {}", "█".repeat(usize::try_from(length).unwrap_or_default()))
    };
    counts.iter().map(bar).collect()
}

fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e3
}

/// A time for people.
fn shown(microseconds: f64) -> String {
    match microseconds {
        1_000_000.0.. => format!("{:.2} s", microseconds / 1e6),
        1000.0.. => format!("{:.2} ms", microseconds / 1e3),
        _ => format!("{microseconds:.1} µs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_fits() {
        for (value, text) in [(0.0, "0.0 µs"), (999.94, "999.9 µs"), (1500.0, "1.50 ms"), (2_500_000.0, "2.50 s")] {
            assert_eq!(shown(value), text);
        }
    }

    #[test]
    fn every_doubling_has_its_bar() {
        let mut histogram = Histogram::new(3).unwrap();
        histogram.record_n(1500, 10).unwrap();
        histogram.record_n(100_000, 30).unwrap();
        let bars = bars(&histogram);
        assert_eq!(bars.len(), 2, "{bars:?}");
        assert!(bars[0].contains("2.0 µs") && bars[0].contains("25.0 %"), "{bars:?}");
        assert!(bars[1].contains("128.0 µs") && bars[1].ends_with(&"█".repeat(40)), "{bars:?}");
        assert!(super::bars(&Histogram::new(3).unwrap()).is_empty());
    }
}
