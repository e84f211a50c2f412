//! `bulla ping`: the way to the server and back.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::program::cli::Options;
use crate::program::connect::connect;
use crate::program::exit::Failure;
use crate::program::shell::Shell;

const EXAMPLES: &str = "\
Examples:
  bulla ping
  bulla ping -c 100 --server db.example:7411
  bulla ping --json

A ping goes through the session: it also shows that the key fits and which codec both sides agree on.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// How many pings, one after the other
    #[arg(short, long, default_value_t = 5, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
}

#[derive(Serialize)]
struct Pinged<'a> {
    server: &'a str,
    agent: &'a str,
    codec: &'a str,
    count: u32,
    min_us: u64,
    avg_us: u64,
    max_us: u64,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let client = connect(options)?;
    let (session, server) = (client.session(), client.server().to_string());
    let (mut min, mut max, mut sum) = (Duration::MAX, Duration::ZERO, Duration::ZERO);
    for _ in 0..arguments.count {
        let time = client.ping()?;
        (min, max, sum) = (min.min(time), max.max(time), sum + time);
    }
    client.close();
    let (count, average) = (arguments.count, sum / arguments.count);
    if shell.json {
        return shell.json_line(&Pinged {
            server: &server,
            agent: &session.agent,
            codec: session.codec.as_str(),
            count,
            min_us: microseconds(min),
            avg_us: microseconds(average),
            max_us: microseconds(max),
        });
    }
    shell.line(format_args!("{server} is {}, codec {}", session.agent, session.codec))?;
    let [min, average, max] = [min, average, max].map(|time| time.as_secs_f64() * 1000.0);
    Ok(shell.line(format_args!(
        "{count} ping{}: min {min:.3} ms, avg {average:.3} ms, max {max:.3} ms",
        if count == 1 { "" } else { "s" }
    ))?)
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
