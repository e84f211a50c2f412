//! What commands write through: plain text, JSON, tables, colours; and the lines they ask for.

use std::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use bulla_core::status::Status;
use comfy_table::{Attribute, Cell, ContentArrangement, Table, presets};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Serialize, Serializer};

use super::Streams;
use super::exit::{Exit, Failure};
use super::json::to_json;
use super::lines::{Line, read_line};

/// The longest line that is read from a person, in bytes.
const MAX_ANSWER: usize = 64 << 10;

/// The width of a terminal that does not say, and the least that is believed.
const DEFAULT_WIDTH: u16 = 100;
const MIN_WIDTH: u16 = 20;

/// The streams, and whether JSON was asked for.
pub(crate) struct Shell<'s, 'io> {
    pub(crate) streams: &'s mut Streams<'io>,
    pub(crate) json: bool,
}

impl<'s, 'io> Shell<'s, 'io> {
    pub(crate) fn new(streams: &'s mut Streams<'io>, json: bool) -> Self {
        Self { streams, json }
    }

    // Standard output

    /// Whether a person reads the output as it comes.
    pub(crate) fn is_for_people(&self) -> bool {
        self.streams.terminals[1] && !self.json
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.streams.stdout.write_all(bytes)
    }

    pub(crate) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.streams.stdout, "{text}")
    }

    /// One line of JSON.
    pub(crate) fn json_line(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
        let text = to_json(value, false)?;
        Ok(self.line(text)?)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.streams.stdout.flush()
    }

    /// Whether the reader of the output has gone, of which a program that writes nothing hears nothing.
    pub(crate) fn is_unread(&self) -> bool {
        // Streams that are not this process's own are left alone.
        if !self.streams.signals {
            return false;
        }
        let stdout = io::stdout();
        let mut output = [PollFd::new(&stdout, PollFlags::empty())];
        poll(&mut output, Some(&Timespec::default())).is_ok()
            && output[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
    }

    /// A table for a terminal: bold heads, no frame, cut to its width.
    pub(crate) fn table(&self, heads: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        // Some terminals do not know how wide they are.
        if table.width().is_none_or(|width| width < MIN_WIDTH) {
            table.set_width(DEFAULT_WIDTH);
        }
        let bold = self.streams.colours[0];
        if bold {
            table.enforce_styling();
        }
        let head = |head: &&str| if bold { Cell::new(head).add_attribute(Attribute::Bold) } else { Cell::new(head) };
        table.set_header(heads.iter().map(head));
        table
    }

    /// The style on standard output, if that takes colours.
    pub(crate) fn style(&self, style: Style) -> Style {
        if self.streams.colours[0] { style } else { Style::new() }
    }

    // Standard error

    /// A remark that is no result. Nobody needs to see it.
    pub(crate) fn note(&mut self, text: impl Display) {
        let _ = writeln!(self.streams.stderr, "{text}");
    }

    /// Whether a person types the input.
    pub(crate) fn is_typed(&self) -> bool {
        self.streams.terminals[0] && !self.json
    }

    /// Tells whoever is to type what is waited for.
    pub(crate) fn invite(&mut self, what: &str) {
        if self.is_typed() && self.streams.terminals[2] {
            self.note(format_args!("type {what}; Ctrl-D ends the input"));
        }
    }

    /// Says what went wrong: one line, or with `--json` one object.
    pub(crate) fn report(&mut self, failure: &Failure) -> Exit {
        if !failure.is_silent() {
            self.complain(failure, None);
        }
        failure.exit
    }

    /// As [`report`](Self::report), for one line of the input.
    pub(crate) fn complain(&mut self, failure: &Failure, line: Option<u64>) {
        if self.json {
            let complaint = Complaint {
                error: failure.exit.name(),
                message: &failure.message,
                exit_code: failure.exit.code(),
                status: failure.status.as_ref().map(|status| status.code().name()),
                details: failure.status.as_ref().map(Details).filter(|details| !details.0.details().is_empty()),
                line,
            };
            let text = to_json(&complaint, false).unwrap_or_default();
            return self.note(text);
        }
        let style = if self.streams.colours[1] { AnsiColor::Red.on_default().bold() } else { Style::new() };
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        self.note(format_args!("{style}error:{style:#} {place}{}", failure.message));
    }

    // Standard input

    /// Asks a person, on standard error, so that the results stay apart; `None` at the end of the input.
    pub(crate) fn ask(&mut self, question: impl Display) -> Result<Option<String>, Failure> {
        if !self.json {
            let _ = write!(self.streams.stderr, "{question}");
            let _ = self.streams.stderr.flush();
        }
        let line =
            read_line(&mut self.streams.stdin, MAX_ANSWER).map_err(|error| unreadable("standard input", &error))?;
        if (!self.streams.terminals[0] || line == Line::End) && !self.json {
            // A person ends the line; a pipe does not show it, and neither does Ctrl-D.
            self.note("");
        }
        match line {
            Line::End => Ok(None),
            Line::TooLong => Err(Failure::new(
                Exit::Document,
                format!("an answer of more than {MAX_ANSWER} bytes: send it with --file"),
            )),
            Line::Bytes(bytes) => {
                let text =
                    String::from_utf8(bytes).map_err(|_| Failure::new(Exit::Document, "an answer is not UTF-8"))?;
                Ok(Some(text.trim().to_owned()))
            }
        }
    }
}

#[derive(Serialize)]
struct Complaint<'a> {
    error: &'static str,
    message: &'a str,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

/// The details of a status, as an object.
struct Details<'a>(&'a Status);

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.details().iter().map(|(key, value)| (key, value)))
    }
}

/// Why bytes are not written to a terminal.
pub(crate) const NOT_SHOWN: &str = "this is no plain text, and could steer the terminal";

/// Whether a terminal would take some of these bytes for orders, or for noise: control characters other than blanks and ends of lines,
/// also those of two bytes in UTF-8.
pub(crate) fn steers_terminals(bytes: &[u8]) -> bool {
    let single = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r');
    bytes.iter().any(single) || bytes.windows(2).any(|pair| pair[0] == 0xc2 && (0x80..=0x9f).contains(&pair[1]))
}

/// Input that could not be read.
pub(crate) fn unreadable(what: impl Display, error: &io::Error) -> Failure {
    Failure::new(Exit::File, format!("cannot read {what}: {error}"))
}
