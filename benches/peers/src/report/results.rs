//! The samples of a run, and their medians.

use std::fs;
use std::path::Path;

use crate::Error;
use crate::job::Sample;
use crate::load::Load;
use crate::runner::{Entry, Heading, SAMPLES};

/// All samples of a run.
pub(super) struct Results {
    pub(super) heading: Heading,
    entries: Vec<Entry>,
}

/// One kind of measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell<'a> {
    pub(super) peer: &'a str,
    pub(super) load: Load,
    pub(super) processors: usize,
}

impl Results {
    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(SAMPLES);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}: run first", path.display()))?;
        let mut lines = text.lines();
        let heading = serde_json::from_str(lines.next().ok_or("the file of samples is empty")?)?;
        Ok(Self { heading, entries: lines.map(serde_json::from_str).collect::<Result<_, _>>()? })
    }

    /// When, where, how.
    pub(super) fn caption(&self) -> String {
        let Heading { time, rounds, seconds, machine, .. } = &self.heading;
        let plural = if *rounds == 1 { "round" } else { "rounds" };
        format!(
            "Measured on {} on {} with {} processors, Linux {}, {}: medians of {rounds} interleaved {plural}, {seconds} s each.\n",
            date(*time),
            machine.processor,
            machine.processors,
            machine.kernel,
            machine.rustc,
        )
    }

    /// The loads that were measured, in order.
    pub(super) fn loads(&self) -> Vec<Load> {
        let mut loads = Vec::new();
        for load in self.entries.iter().filter_map(|entry| entry.load.parse().ok()) {
            if !loads.contains(&load) {
                loads.push(load);
            }
        }
        loads
    }

    /// The numbers of processors that were measured, fewer first.
    pub(super) fn processors(&self) -> Vec<usize> {
        let mut counts: Vec<_> = self.entries.iter().map(|entry| entry.processors).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    /// The peers that were measured, in the order of the tables.
    pub(super) fn peers(&self) -> Vec<String> {
        let names = crate::peers::all().into_iter().map(|peer| peer.name().to_owned());
        names.filter(|name| self.entries.iter().any(|entry| entry.peer == *name)).collect()
    }

    /// The median of what `of` takes from the samples; `None` if there are none.
    pub(super) fn median(&self, cell: Cell<'_>, of: impl Fn(&Sample) -> f64) -> Option<f64> {
        let load = cell.load.to_string();
        let is_it = |e: &&Entry| e.peer == cell.peer && e.load == load && e.processors == cell.processors;
        let mut values: Vec<f64> = self.entries.iter().filter(is_it).map(|entry| of(&entry.sample)).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(values[middle]),
            _ => Some(f64::midpoint(values[middle - 1], values[middle])),
        }
    }

    /// Calls, or messages, a second.
    pub(super) fn rate(&self, cell: Cell<'_>) -> Option<f64> {
        self.median(cell, rate)
    }
}

/// Calls, or messages, a second.
pub(super) fn rate(sample: &Sample) -> f64 {
    sample.calls as f64 / sample.seconds
}

/// So many processors, in words.
pub(super) fn on(processors: usize) -> String {
    format!("{processors} processor{}", if processors == 1 { "" } else { "s" })
}

/// A number with three digits that count, and k for thousands.
pub(super) fn short(value: f64) -> String {
    match value {
        10_000.0.. => format!("{:.0}k", value / 1e3),
        1000.0.. => format!("{:.1}k", value / 1e3),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Year, month and day of a time in seconds since 1970, in UTC.
fn date(time: u64) -> String {
    // Days since 0000-03-01, so that a leap day ends its year; then eras of 400 years.
    let days = time / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    format!("{:04}-{month:02}-{day:02}", year + era * 400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        for (time, shown) in [(0, "1970-01-01"), (951_782_400, "2000-02-29"), (1_767_225_599, "2025-12-31")] {
            assert_eq!(date(time), shown);
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, shown) in [(328_912.0, "329k"), (5021.0, "5.0k"), (412.3, "412"), (27.25, "27.2"), (1.005, "1.00")]
        {
            assert_eq!(short(value), shown);
        }
    }
}
