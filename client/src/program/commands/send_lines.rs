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
    let mut sending = Sending::new(&client, collection, most, progress(shell));
    let result = sending.send_all(shell).and_then(|()| sending.settle(0, shell));
    sending.progress.finish_and_clear();
    client.close();
    let Sending { acknowledged, failed, worst, .. } = sending;
    if shell.json {
        shell.json_line(&Summary { acknowledged, failed })?;
    } else {
        shell.line(format_args!("{acknowledged} of {} documents acknowledged", acknowledged + failed))?;
    }
    result?;
    match worst {
        None => Ok(()),
        Some(exit) => {
            Err(Failure::new(exit, format!("{failed} documents were not stored; their lines are named above")))
        }
    }
}

/// A bar on a terminal, nothing in a pipe.
fn progress(shell: &Shell<'_, '_>) -> ProgressBar {
    if !shell.streams.terminals[2] || shell.json {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} {human_pos} acknowledged, {per_sec}, {elapsed}");
    bar.with_style(style.expect("the template is a constant"))
}

struct Sending<'a> {
    client: &'a Client,
    collection: &'a str,
    /// The most calls on their way.
    most: usize,
    progress: ProgressBar,
    /// The number of each line on its way, its length, and its call.
    window: VecDeque<(u64, usize, Pending<Appended>)>,
    bytes: usize,
    acknowledged: u64,
    failed: u64,
    /// How the first line failed that did.
    worst: Option<Exit>,
}

impl<'a> Sending<'a> {
    fn new(client: &'a Client, collection: &'a str, most: usize, progress: ProgressBar) -> Self {
        let window = VecDeque::with_capacity(most);
        Self { client, collection, most, progress, window, bytes: 0, acknowledged: 0, failed: 0, worst: None }
    }

    fn send_all(&mut self, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
        let longest = self.client.session().limits.message as usize;
        for number in 1.. {
            let line = read_line(&mut shell.streams.stdin, longest);
            match line.map_err(|error| unreadable("standard input", &error))? {
                Line::End => return Ok(()),
                Line::TooLong => {
                    self.fail(number, Failure::new(Exit::Document, format!("longer than {longest} bytes")), shell);
                }
                Line::Bytes(bytes) if bytes.trim_ascii().is_empty() => {}
                Line::Bytes(bytes) => match parse_json(&bytes) {
                    Err(error) => self.fail(number, Failure::new(Exit::Document, format!("not JSON: {error}")), shell),
                    Ok(document) => self.send(number, bytes.len(), document, shell)?,
                },
            }
        }
        Ok(())
    }

    fn send(&mut self, number: u64, size: usize, document: Value, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
        while self.window.len() >= self.most || self.bytes > WINDOW_BYTES {
            self.settle(self.window.len() - 1, shell)?;
        }
        let request = Append { collection: self.collection.to_owned(), document };
        match self.client.start("records.append", &request, &CallOptions::new()) {
            Ok(pending) => {
                self.bytes += size;
                self.window.push_back((number, size, pending));
            }
            Err(error) => self.fail_call(number, error, shell)?,
        }
        Ok(())
    }

    /// Waits until no more than `left` calls are on their way.
    fn settle(&mut self, left: usize, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
        while self.window.len() > left {
            let Some((number, size, pending)) = self.window.pop_front() else { break };
            self.bytes -= size;
            match pending.wait() {
                Ok(_) => {
                    self.acknowledged += 1;
                    self.progress.inc(1);
                }
                Err(error) => self.fail_call(number, error, shell)?,
            }
        }
        Ok(())
    }

    /// A call that failed; without a connection there is no point in going on.
    fn fail_call(&mut self, number: u64, error: CallError, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
        if let CallError::Connect(error) = error {
            self.failed += 1;
            let failure = Failure::from(error);
            return Err(Failure { message: format!("at line {number}: {}", failure.message), ..failure });
        }
        self.fail(number, error.into(), shell);
        Ok(())
    }

    fn fail(&mut self, number: u64, failure: Failure, shell: &mut Shell<'_, '_>) {
        self.failed += 1;
        self.worst.get_or_insert(failure.exit);
        self.progress.suspend(|| shell.complain(&failure, Some(number)));
    }
}
