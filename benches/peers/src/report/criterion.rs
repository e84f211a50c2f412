//! What the criterion benchmarks measured, if they were run: seal and open, and the codecs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::aims::verdict;
use super::results::short;
use crate::Error;

/// The groups that are shown, and the contender that the others are compared to.
const GROUPS: [(&str, &str, &str); 8] = [
    ("seal", "Sealing one record", "fernet"),
    ("seal bulk", "Sealing records together", "fernet"),
    ("open", "Opening one record", "fernet"),
    ("open bulk", "Opening records together", "fernet"),
    ("encode_json", "Encoding JSON", "direct"),
    ("decode_json", "Decoding JSON", "direct"),
    ("encode_bincode", "Encoding bincode", "direct"),
    ("decode_bincode", "Decoding bincode", "direct"),
];

/// What is to be reached: group, parameter, ours (as its name begins), theirs, and how many times as fast ours is to be.
const AIMS: [(&str, &str, &str, &str, f64); 14] = [
    ("seal", "64", "bulla", "fernet", 5.0),
    ("open", "64", "bulla", "fernet", 3.0),
    ("seal bulk", "65536", "bulla", "fernet", 4.0),
    ("seal bulk", "1048576", "bulla", "fernet", 4.0),
    // 1,150 MB/s where SHA-256 alone does 1,600.
    ("seal bulk", "65536", "bulla", "SHA-256 alone", 1150.0 / 1600.0),
    ("seal bulk", "1048576", "bulla", "SHA-256 alone", 1150.0 / 1600.0),
    ("encode_json", "person", "compiled", "direct", 1.0 / 1.15),
    ("encode_json", "1000 persons", "compiled", "direct", 1.0 / 1.15),
    ("decode_json", "person", "compiled", "direct", 1.0 / 1.15),
    ("decode_json", "1000 persons", "compiled", "direct", 1.0 / 1.15),
    ("encode_bincode", "person", "compiled", "direct", 1.0 / 1.3),
    ("encode_bincode", "1000 persons", "compiled", "direct", 1.0 / 1.3),
    ("decode_bincode", "person", "compiled", "direct", 1.0 / 1.3),
    ("decode_bincode", "1000 persons", "compiled", "direct", 1.0 / 1.3),
];

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    /// Nanoseconds an iteration.
    point_estimate: f64,
}

/// Of each parameter: contenders and their nanoseconds.
type Group = BTreeMap<String, BTreeMap<String, f64>>;

/// A table for each group that is there.
pub(super) fn tables(folder: &Path) -> Result<String, Error> {
    let mut text = String::new();
    for (group, title, base) in GROUPS {
        let measured = read(&folder.join(group))?;
        if !measured.is_empty() {
            text.push_str(&table(title, base, &measured));
        }
    }
    Ok(text)
}

/// Rows for what these benchmarks are to reach.
pub(super) fn aims(folder: &Path) -> Result<String, Error> {
    let mut rows = String::new();
    for (group, parameter, ours, theirs, factor) in AIMS {
        let measured = read(&folder.join(group))?;
        let Some(times) = measured.get(parameter) else { continue };
        // Ours may be there several times, differing in how many records are sealed together.
        let best = times.iter().filter(|(name, _)| name.starts_with(ours)).map(|(_, time)| *time).reduce(f64::min);
        if let (Some(ours_time), Some(theirs_time)) = (best, times.get(theirs)) {
            let ratio = theirs_time / ours_time;
            let (work, verdict) = (group.replace('_', " "), verdict(ratio >= factor));
            let _ = writeln!(
                rows,
                "| {work}, {} | {ours} and {theirs} | ≥ {factor:.2}× | {ratio:.2}× {verdict} |",
                label(parameter)
            );
        }
    }
    let head = "\n| work, one core | compared | aim | |\n|---|---|---|---|\n";
    Ok(if rows.is_empty() { rows } else { format!("{head}{rows}") })
}

/// By size where the parameter is one, else by the length of its name: `person` before `1000 persons`.
fn sorted(group: &Group) -> Vec<(&String, &BTreeMap<String, f64>)> {
    let mut parameters: Vec<_> = group.iter().collect();
    parameters.sort_by_key(|(name, _)| (name.parse::<u64>().unwrap_or(u64::MAX), name.len()));
    parameters
}

/// A group's folder has a folder for each contender, that one for each parameter.
fn read(folder: &Path) -> Result<Group, Error> {
    let mut group = Group::new();
    for contender in folders(folder) {
        for parameter in folders(&folder.join(&contender)) {
            let path = folder.join(&contender).join(&parameter).join("new/estimates.json");
            if let Ok(text) = fs::read_to_string(path) {
                let estimates: Estimates = serde_json::from_str(&text)?;
                group.entry(parameter).or_default().insert(contender.clone(), estimates.median.point_estimate);
            }
        }
    }
    Ok(group)
}

fn folders(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| name != "report").collect()
}

fn table(title: &str, base: &str, group: &Group) -> String {
    let mut contenders: Vec<&String> = group.values().flat_map(BTreeMap::keys).collect();
    contenders.sort();
    contenders.dedup();
    let mut text = format!("\n{title}, one core, and how its time compares to {base}:\n\n| |");
    contenders.iter().for_each(|name| text.push_str(&format!(" {name} |")));
    let _ = write!(text, "\n|---|{}\n", "---|".repeat(contenders.len()));
    for (parameter, times) in sorted(group) {
        let cells: String = contenders.iter().map(|name| cell(parameter, times, name, base)).collect();
        let _ = writeln!(text, "| {} |{cells}", label(parameter));
    }
    text
}

fn label(parameter: &str) -> String {
    parameter.parse::<u64>().map_or_else(|_| parameter.to_owned(), |bytes| format!("{bytes} bytes"))
}

fn cell(parameter: &str, times: &BTreeMap<String, f64>, name: &str, base: &str) -> String {
    let Some(time) = times.get(name) else { return " |".to_owned() };
    // A parameter that is a number is a size in bytes; bytes in a nanosecond are thousands of MB/s.
    let mut text = format!(" {} µs", short(time / 1e3));
    if let Ok(bytes) = parameter.parse::<f64>() {
        let _ = write!(text, ", {} MB/s", short(bytes / time * 1e3));
    }
    if let Some(base) = times.get(base).filter(|_| name != base) {
        let _ = write!(text, " ({:.2}×)", base / time);
    }
    text + " |"
}
