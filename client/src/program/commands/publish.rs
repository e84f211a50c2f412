//! `bulla publish`: a message for whoever listens, or one for each line.

use std::time::Duration;

use bulla_core::value::Value;
use clap::Args;

use super::send_lines::{Lines, for_each_document};
use crate::program::cli::Options;
use crate::program::connect::{close_after, connect};
use crate::program::document::parse_words;
use crate::program::exit::Failure;
use crate::program::field::parse_time;
use crate::program::interrupt::cancel_on_interrupt;
use crate::program::shell::Shell;
use crate::topics::Published;
use crate::{CallError, Client};

const EXAMPLES: &str = "\
Examples:
  bulla publish sensors.kitchen celsius:=21.5         fields, as for bulla send
  bulla publish sensors.kitchen '{\"celsius\": 21.5}'   a whole document
  bulla publish sensors.kitchen @reading.yaml         in any linked format
  bulla publish sensors.kitchen - < readings.jsonl    one a line, in order

How many subscribers get it is printed. Nothing is kept for those who come later: bulla send is for that. A topic is segments with \
points between them: printable ASCII without blanks, * and >.

With -, each line that is refused is named with its number, and subscribers who are slow hold the lines up for --patience at a time: \
those who keep up lose nothing, and those who have stopped are waited for once.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// Fields of a document, one JSON document, @FILE, or - for one JSON document a line from standard input [default: null]
    #[arg(value_name = "KEY=VALUE|DOCUMENT")]
    document: Vec<String>,
    /// The format of the file, if its ending does not say
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// With -: how long slow subscribers may hold the lines up; 0s for not at all
    #[arg(long, value_parser = parse_time, default_value = "10s", value_name = "TIME")]
    patience: Duration,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    if arguments.document == ["-"] {
        return publish_lines(arguments, options, shell);
    }
    let document = match &arguments.document[..] {
        [] => Value::Null,
        words => parse_words(words, arguments.from.as_deref(), shell)?,
    };
    let client = connect(options)?;
    let published = client.topics().publish(&arguments.topic, &document)?;
    client.close();
    show(&published, shell)
}

fn publish_lines(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let client = connect(options)?;
    cancel_on_interrupt(&client, shell)?;
    let mut lines = Lines::new(shell, "published");
    let published = send_lines(&client, arguments, &mut lines, shell);
    lines.finish(shell);
    let published = close_after(&client, published)?;
    show(&published, shell)?;
    lines.conclude("published")
}

fn send_lines(
    client: &Client,
    arguments: &Arguments,
    lines: &mut Lines,
    shell: &mut Shell<'_, '_>,
) -> Result<Published, Failure> {
    let publisher = client.topics().publisher(&arguments.topic, arguments.patience)?;
    let longest = client.session().limits.message as usize;
    for_each_document(longest, shell, |number, document, shell| {
        let sent = match document {
            Ok((document, _)) => publisher.send(&document),
            Err(failure) => {
                lines.fail(number, failure, shell);
                return Ok(true);
            }
        };
        match sent {
            Ok(()) => lines.done(),
            Err(error @ (CallError::Encode { .. } | CallError::Command { .. })) => {
                lines.fail(number, error.into(), shell);
            }
            // The stream is over: its answer says why.
            Err(_) => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(publisher.finish()?)
}

/// How many get it, alone in a pipe.
fn show(published: &Published, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    if shell.json {
        return shell.json_line(published);
    }
    if published.missed > 0 {
        let count = published.missed;
        shell.note(format_args!("{count} deliveries are missing: the subscriber's codec cannot carry the document"));
    }
    if !shell.is_for_people() {
        return Ok(shell.line(published.delivered)?);
    }
    let delivered = published.delivered;
    Ok(match (published.messages, delivered) {
        (1, 0) => shell.line("nobody listens"),
        (1, 1) => shell.line("1 subscriber gets it"),
        (1, _) => shell.line(format_args!("{delivered} subscribers get it")),
        (messages, _) => shell.line(format_args!("{messages} messages, {delivered} deliveries")),
    }?)
}
