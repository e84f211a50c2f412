//! `bulla send COLLECTION -`: one document a line, many on their way at once.

use std::collections::VecDeque;

use bulla_core::value::Value;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::program::cli::Options;
use crate::program::connect::connect;
use crate::program::exit::{Exit, Failure};
use crate::program::json::parse_json;
use crate::program::lines::{Line, read_line};
use crate::program::shell::{Shell, unreadable};
use crate::records::{Append, Appended};
use crate::{CallError, CallOptions, Client, Pending};

/// Documents on their way at once.
const WINDOW: usize = 256;

/// Bytes of lines on their way at once.
const WINDOW_BYTES: usize = 8 << 20;

/// What whoever types documents is asked for.
pub(super) const A_LINE_EACH: &str = "one JSON document a line";

#[derive(Serialize)]
struct Summary {
    acknowledged: u64,
    failed: u64,
}

/// Sends every line that it can, and names every one that it cannot.
pub(super) fn run(
    collection: &str,
    in_order: bool,
    options: &Options,
    shell: &mut Shell<'_, '_>,
) -> Result<(), Failure> {
    let client = connect(options)?;
    // Calls on their way together may overtake each other in the server.
    let most = if in_order { 1 } else { WINDOW };
    let longest = client.session().limits.message as usize;
    let mut sending = Sending::new(&client, collection, most, Lines::new(shell, "acknowledged"));
    let sent = for_each_document(longest, shell, |number, document, shell| {
        match document {
            Ok((document, size)) => sending.send(number, size, document, shell)?,
            Err(failure) => sending.lines.fail(number, failure, shell),
        }
        // Who types hears of each line before the next.
        if shell.is_typed() {
            sending.settle(0, shell);
        }
        Ok(true)
    });
    // However the input ended, what is on its way comes to something.
    sending.settle(0, shell);
    let mut lines = sending.lines;
    lines.finish(shell);
    client.close();
    let (acknowledged, failed) = (lines.done, lines.failed);
    if shell.json {
        shell.json_line(&Summary { acknowledged, failed })?;
    } else {
        shell.line(format_args!("{acknowledged} of {} documents acknowledged", acknowledged + failed))?;
    }
    match sent {
        // What was lost before may have been stored: there is more to say than that nobody is there.
        Err(failure) if lines.worst.is_some() => Err(Failure { exit: Exit::Lost, ..failure }),
        sent => sent.and_then(|()| lines.conclude("stored")),
    }
}

/// Reads one document a line, each with its length, until `take` says `false` or the input ends.
pub(super) fn for_each_document(
    longest: usize,
    shell: &mut Shell<'_, '_>,
    mut take: impl FnMut(u64, Result<(Value, usize), Failure>, &mut Shell<'_, '_>) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    shell.invite(A_LINE_EACH);
    for number in 1.. {
        let line = read_line(&mut shell.streams.stdin, longest);
        let document = match line.map_err(|error| unreadable("standard input", &error))? {
            Line::End => return Ok(()),
            Line::TooLong => Err(format!("longer than {longest} bytes")),
            Line::Bytes(bytes) if bytes.trim_ascii().is_empty() => continue,
            Line::Bytes(bytes) => match parse_json(&bytes) {
                Ok(document) => Ok((document, bytes.len())),
                Err(error) => Err(format!("not JSON: {error}")),
            },
        };
        if !take(number, document.map_err(|problem| Failure::new(Exit::Document, problem)), shell)? {
            return Ok(());
        }
    }
    Ok(())
}

/// How the lines fare.
pub(super) struct Lines {
    progress: ProgressBar,
    done: u64,
    failed: u64,
    /// How the first line failed that did.
    worst: Option<Exit>,
    /// What was said last, and of which lines since it would have to be said again.
    repeated: Option<Repeated>,
}

/// A failure that was shown, and the lines that failed in the same way after it.
struct Repeated {
    failure: Failure,
    first: u64,
    last: u64,
    count: u64,
}

impl Lines {
    /// A bar on a terminal, nothing in a pipe, nor among lines that are typed.
    pub(super) fn new(shell: &Shell<'_, '_>, participle: &str) -> Self {
        let progress = if !shell.streams.terminals[2] || shell.is_typed() || shell.json {
            ProgressBar::hidden()
        } else {
            let template = format!("{{spinner}} {{human_pos}} {participle}, {{per_sec}}, {{elapsed}}");
            let style = ProgressStyle::with_template(&template).expect("the template is a constant but for a word");
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
        };
        Self { progress, done: 0, failed: 0, worst: None, repeated: None }
    }

    pub(super) fn done(&mut self) {
        self.done += 1;
        self.progress.inc(1);
    }

    pub(super) fn fail(&mut self, number: u64, failure: Failure, shell: &mut Shell<'_, '_>) {
        self.failed += 1;
        self.worst.get_or_insert(failure.exit);
        match self.repeated.as_mut().filter(|repeated| repeated.failure == failure && !shell.json) {
            Some(Repeated { first, last, count, .. }) => {
                *first = if *count == 0 { number } else { *first };
                (*last, *count) = (number, *count + 1);
            }
            None => {
                self.show_repeated(shell);
                self.progress.suspend(|| shell.complain(&failure, Some(number)));
                self.repeated = Some(Repeated { failure, first: number, last: number, count: 0 });
            }
        }
    }

    /// Names the lines that failed as the last one did that was shown: a thousand lines, when the disk is full, are one range.
    fn show_repeated(&mut self, shell: &mut Shell<'_, '_>) {
        let Some(Repeated { failure, first, last, count }) = self.repeated.take() else { return };
        let message = match count {
            0 => return,
            1 => format!("line {first}: {}", failure.message),
            _ => format!("{count} lines from {first} to {last}: {}", failure.message),
        };
        self.progress.suspend(|| shell.complain(&Failure { message, ..failure }, None));
    }

    /// Takes the bar away, when the last line has come to something.
    pub(super) fn finish(&mut self, shell: &mut Shell<'_, '_>) {
        self.show_repeated(shell);
        self.progress.finish_and_clear();
    }

    /// The failure of those that failed.
    pub(super) fn conclude(self, participle: &str) -> Result<(), Failure> {
        let Some(exit) = self.worst else { return Ok(()) };
        let problem = match self.failed {
            1 => format!("1 document was not {participle}; its line is named above"),
            failed => format!("{failed} documents were not {participle}; their lines are named above"),
        };
        Err(Failure::new(exit, problem))
    }
}

struct Sending<'a> {
    client: &'a Client,
    collection: &'a str,
    /// The most calls on their way.
    most: usize,
    /// The number of each line on its way, its length, and its call.
    window: VecDeque<(u64, usize, Pending<Appended>)>,
    bytes: usize,
    lines: Lines,
}

impl<'a> Sending<'a> {
    fn new(client: &'a Client, collection: &'a str, most: usize, lines: Lines) -> Self {
        Self { client, collection, most, window: VecDeque::with_capacity(most), bytes: 0, lines }
    }

    fn send(&mut self, number: u64, size: usize, document: Value, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
        while self.window.len() >= self.most || self.bytes > WINDOW_BYTES {
            self.settle(self.window.len() - 1, shell);
        }
        let request = Append { collection: self.collection.to_owned(), document };
        match self.client.start("records.append", &request, &CallOptions::new()) {
            Ok(pending) => {
                self.bytes += size;
                self.window.push_back((number, size, pending));
            }
            // Without a connection there is no point in going on.
            Err(CallError::Connect(error)) => {
                let failure = Failure::from(error);
                let message = format!("line {number} and what follows were not sent: {}", failure.message);
                return Err(Failure { message, ..failure });
            }
            Err(error) => self.lines.fail(number, error.into(), shell),
        }
        Ok(())
    }

    /// Waits until no more than `left` calls are on their way.
    fn settle(&mut self, left: usize, shell: &mut Shell<'_, '_>) {
        while self.window.len() > left {
            let Some((number, size, pending)) = self.window.pop_front() else { break };
            self.bytes -= size;
            match pending.wait() {
                Ok(_) => self.lines.done(),
                Err(error) => self.lines.fail(number, error.into(), shell),
            }
        }
    }
}
