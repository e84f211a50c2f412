//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::Error;
use crate::load::{ALL, Load};

const AFTER: &str = "\
Examples:
  cargo run --release --manifest-path benches/peers/Cargo.toml -- run
  … -- run --quick
  … -- run --peers bulla-json,rustls-json --loads small:1x64 --rounds 9
  … -- report --readme README.md

A run takes less than fifteen minutes on two cores, a quick one less than three. Use a machine that does nothing else.
ZeroMQ is measured with --features zmq (it needs libzmq3-dev), NATS where nats-server is installed,
Python where python3 has the package cryptography.";

/// Bulla side by side with its peers: the same work, in one run.
#[derive(Debug, Parser)]
#[command(name = "bulla-peers", after_help = AFTER, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure all peers in turn, several rounds, and write the report
    Run(Run),
    /// Write the report of a run again, and put it into the README
    Report(Report),
    /// List the peers
    List,
    /// The server of one measurement
    #[command(hide = true)]
    Serve(Side),
    /// The client of one measurement
    #[command(hide = true)]
    Drive(Side),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// How often each is measured [default: 5, or 1 with --quick]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) rounds: Option<u32>,
    /// Seconds of each measurement, after a warm-up of a quarter of that [default: 1, or 0.4 with --quick]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) duration: Option<Duration>,
    /// One short round and 1,000 idle connections: enough to see that all works
    #[arg(long)]
    pub(crate) quick: bool,
    /// The peers to measure [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub(crate) peers: Vec<String>,
    /// The work: small:CxN and 64k:CxN (C connections, N in flight on each), bulk:SIZE, idle:C
    #[arg(long, value_delimiter = ',', default_value = ALL, value_name = "LOAD,…", value_parser = parse_load)]
    pub(crate) loads: Vec<Load>,
    /// How many processors the two processes share: 1, 2 or both
    #[arg(long, value_delimiter = ',', default_value = "1,2", value_name = "NUMBER,…", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) processors: Vec<u8>,
    /// Where samples, report and plot go
    #[arg(long, default_value = "target/peers", value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The folder of the run
    #[arg(long, default_value = "target/peers", value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Criterion's folder, for the tables of seal and codecs, if `cargo bench -p bulla-benches` was run
    #[arg(long, default_value = "target/criterion", value_name = "FOLDER")]
    pub(crate) criterion: PathBuf,
    /// Put the tables between this file's two markers
    #[arg(long, value_name = "FILE")]
    pub(crate) readme: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Side {
    pub(crate) peer: String,
    #[arg(value_parser = parse_load)]
    pub(crate) load: Load,
    #[arg(long, value_delimiter = ',')]
    pub(crate) pin: Vec<usize>,
    #[arg(long, value_parser = parse_seconds, default_value = "1")]
    pub(crate) duration: Duration,
    #[arg(long, value_parser = parse_seconds, default_value = "0.25")]
    pub(crate) warm_up: Duration,
}

fn parse_load(text: &str) -> Result<Load, Error> {
    text.parse()
}

fn parse_seconds(text: &str) -> Result<Duration, Error> {
    let seconds: f64 = text.parse()?;
    if !(0.01..=600.0).contains(&seconds) {
        return Err("0.01 to 600 seconds".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
