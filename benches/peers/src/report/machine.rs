//! What kind of machine it was.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::process::processors;

/// The kind of machine, without its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) processors: usize,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let rustc = Command::new("rustc").arg("--version").output().ok();
        let rustc = rustc.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
        // Release and date are enough: `rustc 1.95.0 (commit date)`.
        let rustc = rustc.split(" (").next().unwrap_or_default().trim().to_owned();
        let kernel = kernel.trim().split(['-', '+']).next().unwrap_or_default().to_owned();
        Self {
            processor: model.map_or("unknown", |(_, name)| name).trim().to_owned(),
            processors: processors().map_or(0, |list| list.len()),
            kernel,
            rustc,
        }
    }
}
