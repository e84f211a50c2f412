//! `bulla stream`: many documents to a route, and whatever comes back.

use std::io::BufRead;
use std::mem;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use bulla_core::value::Value;
use clap::Args;

use super::live::show_each;
use super::send_lines::A_LINE_EACH;
use crate::program::cli::Options;
use crate::program::connect::{close_after, connect};
use crate::program::document::parse_argument;
use crate::program::exit::{Exit, Failure};
use crate::program::field::parse_time;
use crate::program::interrupt::cancel_on_interrupt;
use crate::program::json::{AsJson, parse_json, to_json};
use crate::program::lines::{Line, read_line};
use crate::program::shell::{Shell, unreadable};
use crate::{CallError, CallOptions, Outgoing};

const EXAMPLES: &str = "\
Examples:
  bulla stream records.follow '{\"collection\": \"people\"}' | jq .record
  bulla stream prices '{\"symbol\": \"ABC\"}'   one request, many answers
  bulla stream sum < numbers.jsonl            many requests, one answer
  bulla stream chat                           both ways: type a request a line
  bulla stream import @ada.yaml @bob.json --deadline 1m

The first is a route of bulla-server, the others stand for your own. Each answer is one line of JSON in a pipe, as soon as it is there; on a terminal it is indented. The requests end with the input, the \
program ends with the server's last answer. Ctrl-C cancels the stream: the server is told, and the exit code is 130. An input line that is \
no JSON cancels it, too. A stream may last: --timeout is for the connection alone.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The route
    #[arg(value_name = "ROUTE")]
    route: String,
    /// The requests: JSON texts or @FILEs; - is one JSON document a line from standard input
    #[arg(value_name = "DOCUMENT", default_value = "-")]
    documents: Vec<String>,
    /// The format of the files, if their endings do not say
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// How long the stream may last in all, such as 90s or 1h [default: as long as it likes]
    #[arg(long, value_parser = parse_time, value_name = "TIME")]
    deadline: Option<Duration>,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let requests = Requests::new(arguments, shell)?;
    let client = connect(options)?;
    cancel_on_interrupt(&client, shell)?;
    let mut call = CallOptions::new();
    if let Some(deadline) = arguments.deadline {
        call = call.deadline(deadline);
    }
    let (outgoing, mut incoming) = client.duplex::<Value, Value>(&arguments.route, &call)?;
    let canceller = incoming.canceller();
    let longest = client.session().limits.message as usize;
    if matches!(requests, Requests::Lines(_)) {
        shell.invite(A_LINE_EACH);
    }
    let failure = send_aside(requests, outgoing, longest)?;
    let indented = shell.is_for_people();
    let mut show = |value, shell: &mut Shell<'_, '_>| {
        shell.line(to_json(&AsJson(&value), indented)?)?;
        Ok(true)
    };
    let shown = show_each(|timeout| incoming.next_timeout(timeout), shell, &mut show).map(|_| ());
    drop(incoming);
    // The server has the last word: what could still be sent is of no use.
    canceller.cancel();
    close_after(&client, failure.get().cloned().map_or(shown, Err))
}

/// Where the requests come from.
enum Requests {
    Given(Vec<Value>),
    Lines(Box<dyn BufRead + Send>),
}

impl Requests {
    fn new(arguments: &Arguments, shell: &mut Shell<'_, '_>) -> Result<Self, Failure> {
        if arguments.documents == ["-"] {
            return Ok(Self::Lines(mem::replace(&mut shell.streams.stdin, Box::new(std::io::empty()))));
        }
        if arguments.documents.iter().any(|document| document == "-") {
            return Err(Failure::new(Exit::Usage, "- stands alone: documents and standard input are not mixed"));
        }
        let parse = |text: &String| parse_argument(text, arguments.from.as_deref(), shell);
        arguments.documents.iter().map(parse).collect::<Result<_, _>>().map(Self::Given)
    }

    /// Sends them all, unless the stream ends before.
    fn send(self, outgoing: &Outgoing<Value>, longest: usize) -> Result<(), Failure> {
        match self {
            Self::Lines(mut input) => send_lines(&mut input, outgoing, longest),
            Self::Given(documents) => {
                for document in &documents {
                    if !send(outgoing, document)? {
                        break;
                    }
                }
                Ok(())
            }
        }
    }
}

/// Sends on a thread of its own, which is left behind when the server ends first: it may wait for a person. What went wrong on this
/// side is there once the stream has ended.
fn send_aside(
    requests: Requests,
    outgoing: Outgoing<Value>,
    longest: usize,
) -> Result<Arc<OnceLock<Failure>>, Failure> {
    let failure = Arc::new(OnceLock::new());
    let noted = Arc::clone(&failure);
    let work = move || match requests.send(&outgoing, longest) {
        // An error is the stream's, and the reader has it, too.
        Ok(()) => drop(outgoing.finish()),
        Err(failure) => {
            // Before the stream is cancelled, which ends the reader.
            let _ = noted.set(failure);
            drop(outgoing);
        }
    };
    let thread = thread::Builder::new().name("bulla-requests".to_owned()).spawn(work);
    thread.map_err(|error| Failure::new(Exit::System, format!("cannot start a thread: {error}")))?;
    Ok(failure)
}

fn send_lines(input: &mut dyn BufRead, outgoing: &Outgoing<Value>, longest: usize) -> Result<(), Failure> {
    for number in 1.. {
        let at = |problem: String| Failure::new(Exit::Document, format!("line {number}: {problem}"));
        let line = read_line(input, longest).map_err(|error| unreadable("standard input", &error))?;
        let bytes = match line {
            Line::End => break,
            Line::TooLong => return Err(at(format!("longer than {longest} bytes"))),
            Line::Bytes(bytes) if bytes.trim_ascii().is_empty() => continue,
            Line::Bytes(bytes) => bytes,
        };
        let document = parse_json(&bytes).map_err(|error| at(format!("not JSON: {error}")))?;
        if !send(outgoing, &document).map_err(|failure| at(failure.message))? {
            break;
        }
    }
    Ok(())
}

/// Sends a document; `false` if the stream is over: how it ended is the reader's to tell.
fn send(outgoing: &Outgoing<Value>, document: &Value) -> Result<bool, Failure> {
    match outgoing.send(document) {
        Ok(()) => Ok(true),
        Err(error @ (CallError::Encode { .. } | CallError::Command { .. })) => Err(error.into()),
        Err(_) => Ok(false),
    }
}
