//! `bulla subscribe`: messages as they come.

use anstyle::Style;
use bulla_core::text::escape;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::live::{conclude_endless, of_listening, show_each};
use crate::Client;
use crate::program::cli::Options;
use crate::program::connect::{close_after, connect};
use crate::program::exit::Failure;
use crate::program::interrupt::cancel_on_interrupt;
use crate::program::json::AsJson;
use crate::program::shell::Shell;
use crate::topics::{Delivery, Gap, Message, Policy, Subscribe};

/// The longest document on a terminal, in characters.
const MAX_SHOWN: usize = 2000;

const EXAMPLES: &str = "\
Examples:
  bulla subscribe sensors.kitchen           one topic
  bulla subscribe 'sensors.*.temperature'   * stands for one segment
  bulla subscribe 'sensors.>' alarms        > for the rest; several patterns
  bulla subscribe 'orders.>' --count 10     ten messages, then the end
  bulla subscribe 'orders.>' | jq .value    in a pipe, one JSON object a line

Quote * and > for the shell. Messages that do not come are told: a line on the terminal's error output, in JSON an object {\"gap\": …} \
in their place. They are missing because this side was too slow (--queue and --on-slow say what happens then), or because the codec of \
this connection cannot carry them (bytes in JSON, say: try --codec xml).

Ctrl-C ends it in order, with exit code 0, or 130 if --count was not reached.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Topics: a segment may be *, and the last one >
    #[arg(value_name = "PATTERN", required = true)]
    patterns: Vec<String>,
    /// End after so many messages
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How many messages may wait at the server when this side is slow [default: 1024]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    queue: Option<u32>,
    /// What happens when that many wait: the oldest is dropped, which is told, or the subscription ends
    #[arg(long, value_name = "drop|end", hide_possible_values = true, default_value = "drop")]
    on_slow: OnSlow,
}

/// What happens to those who are slow.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnSlow {
    Drop,
    End,
}

/// A message in JSON.
#[derive(Serialize)]
struct Shown<'a> {
    topic: &'a str,
    sequence: u64,
    value: AsJson<'a>,
}

/// A gap in JSON.
#[derive(Serialize)]
struct ShownGap<'a> {
    gap: &'a Gap,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let client = connect(options)?;
    cancel_on_interrupt(&client, shell)?;
    let shown = show_all(&client, arguments, shell);
    close_after(&client, shown)
}

fn show_all(client: &Client, arguments: &Arguments, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let policy = match arguments.on_slow {
        OnSlow::Drop => Policy::DropOldest,
        OnSlow::End => Policy::Disconnect,
    };
    let request = Subscribe { patterns: arguments.patterns.clone(), queue: arguments.queue, policy: Some(policy) };
    let mut subscription = client.topics().subscribe_with(&request)?;
    if shell.is_for_people() {
        shell.note(format_args!("listening to {}; Ctrl-C ends it", escape(&arguments.patterns.join(", "), MAX_SHOWN)));
    }
    let mut left = arguments.count;
    let mut show = |delivery, shell: &mut Shell<'_, '_>| {
        match &delivery {
            Delivery::Gap(gap) => show_gap(gap, shell)?,
            // A document is never a misfit.
            Delivery::Message(message) | Delivery::Misfit(message, _) => {
                show(message, shell)?;
                left = left.map(|left| left - 1);
            }
        }
        Ok(left != Some(0))
    };
    let shown = show_each(|timeout| subscription.next_timeout(timeout).map_err(of_listening), shell, &mut show);
    conclude_endless(shown, arguments.count.is_some())
}

fn show(message: &Message, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let Message { topic, sequence, value } = message;
    if !shell.is_for_people() {
        return shell.json_line(&Shown { topic, sequence: *sequence, value: AsJson(value) });
    }
    let (bold, dim) = (shell.style(Style::new().bold()), shell.style(Style::new().dimmed()));
    let (topic, value) = (escape(topic, MAX_SHOWN), escape(value, MAX_SHOWN));
    Ok(shell.line(format_args!("{dim}#{sequence}{dim:#} {bold}{topic}{bold:#} {value}"))?)
}

fn show_gap(gap: &Gap, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    if !shell.is_for_people() {
        return shell.json_line(&ShownGap { gap });
    }
    let topic = gap.topic.as_ref().map(|topic| format!(" of {}", escape(topic, MAX_SHOWN))).unwrap_or_default();
    let messages = if gap.count == 1 { "1 message".to_owned() } else { format!("{} messages", gap.count) };
    shell.note(format_args!("{messages}{topic} missing, up to #{}: {}", gap.sequence, escape(&gap.reason, MAX_SHOWN)));
    Ok(())
}
