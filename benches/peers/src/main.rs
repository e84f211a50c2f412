//! Bulla side by side with its peers: the same work, in one run, by anyone who clones it.
//!
//! The runner starts a server and a client of one peer as two processes on the same processors, lets them warm up and work, and goes
//! on to the next peer; so each round has all of them within the same minutes. The report has the medians of the rounds.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- run`

mod cli;
mod format;
mod idle;
mod job;
mod lines;
mod load;
mod meter;
mod peers;
mod process;
mod report;
mod runner;
mod tasks;
mod tls;

use std::process::ExitCode;

use clap::Parser;

use self::cli::{Cli, Command, Side};
use self::job::Job;

/// Whatever went wrong: somebody reads it.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Run(options) => runner::run(&options),
        Command::Report(options) => report::run(&options),
        Command::List => {
            for peer in peers::all() {
                let missing = peer.missing().map(|why| format!(" (not here: {why})")).unwrap_or_default();
                println!("{:22} {}{missing}", peer.name(), peer.about());
            }
            Ok(())
        }
        Command::Serve(side) => {
            prepare(&side)?;
            peers::find(&side.peer)?.serve(side.load)
        }
        Command::Drive(side) => {
            prepare(&side)?;
            let job = Job::read(side.load, side.warm_up, side.duration)?;
            let tally = peers::find(&side.peer)?.drive(&job)?;
            println!("{}", serde_json::to_string(&job.sample(&tally))?);
            Ok(())
        }
    }
}

fn prepare(side: &Side) -> Result<(), Error> {
    process::raise_descriptors();
    if side.pin.is_empty() { Ok(()) } else { process::pin(&side.pin) }
}
