//! `bulla bench`: how fast is it here? A load generator for people's own machines.

mod load;
mod payload;
mod report;
mod tally;

use std::time::Duration;

use bulla_core::text::escape;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use self::load::{Goal, Plan};
use self::payload::Payload;
use self::report::Report;
use crate::program::cli::Options;
use crate::program::connect::connect;
use crate::program::exit::{Exit, Failure};
use crate::program::field::parse_time;
use crate::program::interrupt::Stop;
use crate::program::shell::Shell;

const EXAMPLES: &str = "\
Examples:
  bulla bench                               a small document to echo and back
  bulla bench --codec json,bincode,xml      one codec after the other
  bulla bench -c 64 -i 1                    64 connections, one call on each
  bulla bench -p 64k -d 10s                 64 KiB of text, for 10 s
  bulla bench orders.quote -p @order.json   any route, a document of your own
  bulla bench --rate 5000                   5,000 calls a second, come what may
  bulla bench --count 100000 --json         for scripts

With --rate, latency counts from when each call was due. Without --rate the loop is closed: an answer lets the next call go, so a server that stalls is asked less, and looks better than it is \
to those who do not wait. --rate shows what they see. Answers are taken in the order of their calls. Ctrl-C ends it and shows what was \
measured so far.";

/// The most bytes of requests on their way in all.
const MAX_UNDER_WAY: usize = 1 << 30;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The route
    #[arg(value_name = "ROUTE", default_value = "echo")]
    route: String,
    /// How many connections
    #[arg(short, long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1024))]
    connections: u32,
    /// How many calls are on their way on each
    #[arg(short, long, default_value_t = 64, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1024))]
    in_flight: u32,
    /// What is sent: `struct` (a small document), a number of bytes of text such as 64, 16k or 1m, or @FILE
    #[arg(short, long, default_value = "struct", value_name = "PAYLOAD")]
    payload: Payload,
    /// The format of the file, if its ending does not say
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// How long to measure, such as 500ms or 1m
    #[arg(short, long, default_value = "5s", value_name = "TIME", value_parser = parse_duration, conflicts_with = "count")]
    duration: Duration,
    /// Make so many calls in all, however long it takes
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    count: Option<u64>,
    /// How long to run before anything is measured
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = parse_warm_up)]
    warm_up: Duration,
    /// Calls a second in all, each due at its time whether or not others are answered
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rate: Option<u32>,
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let time = parse_time(text)?;
    let fits = (Duration::from_millis(10)..=Duration::from_secs(24 * 3600)).contains(&time);
    if fits { Ok(time) } else { Err("between 10ms and 24h".to_owned()) }
}

fn parse_warm_up(text: &str) -> Result<Duration, String> {
    let time = parse_time(text)?;
    if time <= Duration::from_secs(600) { Ok(time) } else { Err("at most 10m".to_owned()) }
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let document = arguments.payload.document(arguments.from.as_deref(), shell)?;
    let goal = arguments.count.map_or(Goal::Time(arguments.duration), Goal::Count);
    let plan = Plan {
        route: &arguments.route,
        document: &document,
        in_flight: arguments.in_flight as usize,
        warm_up: arguments.warm_up,
        goal,
        rate: arguments.rate,
    };
    let stop = Stop::on_interrupt(shell)?;
    for codec in codecs(options) {
        let offer = Options { codec, ..options.clone() };
        measure(&plan, arguments.connections, &offer, &stop, shell)?;
        if stop.is_asked() {
            break;
        }
    }
    Ok(())
}

/// What to offer in each run: one codec after the other, or all that there are once.
fn codecs(options: &Options) -> Vec<Vec<String>> {
    if options.codec.is_empty() {
        return vec![Vec::new()];
    }
    options.codec.iter().map(|name| vec![name.clone()]).collect()
}

fn measure(
    plan: &Plan<'_>,
    connections: u32,
    options: &Options,
    stop: &Stop,
    shell: &mut Shell<'_, '_>,
) -> Result<(), Failure> {
    let clients = (0..connections).map(|_| connect(options)).collect::<Result<Vec<_>, _>>()?;
    let session = clients[0].session();
    let bytes = payload::encoded_length(plan.document, &session)?;
    if bytes.saturating_mul(plan.in_flight).saturating_mul(clients.len()) > MAX_UNDER_WAY {
        let problem = format!("{connections} × {} × {bytes} bytes are on their way at once", plan.in_flight);
        return Err(Failure::new(Exit::Usage, format!("{problem}: more than {} MiB", MAX_UNDER_WAY >> 20)));
    }
    // What is wrong with route or document shows at once.
    plan.call_once(&clients[0])?;
    let bar = progress(plan, session.codec.as_str(), shell);
    let measured = plan.run(&clients, stop, &bar);
    bar.finish_and_clear();
    let report = Report::new(plan, options, &session, connections, bytes, &measured, stop.is_asked());
    report.show(shell)?;
    clients.iter().for_each(crate::Client::close);
    if let Some(failure) = measured.failure {
        return Err(failure.into());
    }
    match measured.tally.refused_in_all() {
        0 => Ok(()),
        count => {
            let route = escape(plan.route, 128);
            Err(Failure::new(Exit::Refused, format!("the server refused {count} calls of {route}")))
        }
    }
}

/// A bar on a terminal, nothing in a pipe.
fn progress(plan: &Plan<'_>, codec: &str, shell: &Shell<'_, '_>) -> ProgressBar {
    if !shell.streams.terminals[2] || shell.json {
        return ProgressBar::hidden();
    }
    let template = match plan.goal {
        Goal::Time(_) => "{prefix} {bar:30} {elapsed}, {msg}",
        Goal::Count(_) => "{prefix} {bar:30} {human_pos} of {human_len}, {msg}",
    };
    let style = ProgressStyle::with_template(template).expect("the template is a constant");
    let bar = ProgressBar::with_draw_target(Some(plan.steps()), ProgressDrawTarget::stderr());
    bar.with_style(style).with_prefix(codec.to_owned())
}
