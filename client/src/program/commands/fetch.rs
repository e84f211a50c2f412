//! `bulla fetch`: files from the server.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use bulla_core::bytes::Digest;
use bulla_core::text::escape;
use clap::Args;
use indicatif::BinaryBytes;
use serde::Serialize;

use crate::Client;
use crate::files::{Fetched, TransferOptions};
use crate::program::cli::Options;
use crate::program::connect::{close_after, connect_for_files};
use crate::program::exit::{Exit, Failure};
use crate::program::interrupt::cancel_on_interrupt;
use crate::program::shell::{NOT_SHOWN, Shell, steers_terminals};
use crate::program::transfer::{Meter, each};

const EXAMPLES: &str = "\
Examples:
  bulla fetch reports/2026-q1.pdf                to 2026-q1.pdf here
  bulla fetch reports/2026-q1.pdf -o report.pdf
  bulla fetch a.pdf b.pdf -o folder              into a folder that is there
  bulla fetch src.tar.gz -o - | tar xz
  bulla files -0 reports | xargs -0r bulla fetch

A file is here whole or not at all: its checksum is compared first. After a transfer that broke off, or Ctrl-C, the same command goes on \
where it ended; what is there of it waits in a hidden file beside. In a pipe the checksum and the path are written, as sha256sum does.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The names on the server
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Where it goes: a file, a folder, or - for standard output [default: the last part of the name, here]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Replace a file that is here already
    #[arg(long)]
    replace: bool,
    /// Begin anew in place of going on
    #[arg(long)]
    restart: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    path: Option<String>,
    size: u64,
    sha256: Digest,
    resumed: u64,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let to_stdout = arguments.output.as_deref() == Some(Path::new("-"));
    let several = arguments.names.len() > 1;
    let into = arguments.output.as_deref().filter(|path| path.is_dir());
    if several && (to_stdout || (arguments.output.is_some() && into.is_none())) {
        return Err(Failure::new(Exit::Usage, "several files go into a folder: name one that is there"));
    }
    let client = connect_for_files(options)?;
    let interrupted = cancel_on_interrupt(&client, shell)?;
    let outcome = each(&arguments.names, shell, |name, shell| {
        if to_stdout {
            return fetch_to_stdout(name, (&client, &interrupted), shell);
        }
        let path = match (&arguments.output, into) {
            (Some(path), None) => path.clone(),
            (_, into) => into.unwrap_or(Path::new("")).join(last_part(name)?),
        };
        let fetched = fetch(name, &path, arguments, (&client, &interrupted), shell)?;
        show(name, &path, &fetched, shell)?;
        Ok(shell.flush()?)
    });
    close_after(&client, outcome)
}

fn last_part(name: &str) -> Result<&Path, Failure> {
    let last = Path::new(name).file_name().filter(|last| name.ends_with(&*last.to_string_lossy()));
    last.map(Path::new).ok_or_else(|| {
        let problem = format!("{} names no file here: say where it goes with -o", escape(name, 200));
        Failure::new(Exit::Usage, problem)
    })
}

fn fetch(
    name: &str,
    path: &Path,
    arguments: &Arguments,
    (client, interrupted): (&Client, &AtomicBool),
    shell: &mut Shell<'_, '_>,
) -> Result<Fetched, Failure> {
    let mut options = TransferOptions::new();
    if arguments.replace {
        options = options.replace();
    }
    if arguments.restart {
        options = options.restart();
    }
    let mut meter = Meter::new(name, true, interrupted, shell);
    let outcome = client.files().fetch_file(name, path, options, |progress| meter.show(progress));
    meter.end(outcome)
}

/// The bytes are on the standard output, so what is said of them is not.
fn fetch_to_stdout(
    name: &str,
    (client, interrupted): (&Client, &AtomicBool),
    shell: &mut Shell<'_, '_>,
) -> Result<(), Failure> {
    let mut meter = Meter::new(name, false, interrupted, shell);
    let is_terminal = shell.streams.terminals[1];
    if is_terminal {
        meter.hide();
    }
    let mut output = Output { stream: &mut shell.streams.stdout, is_terminal, has_reader: true };
    let outcome = client.files().fetch(name, &mut output, |progress| meter.show(progress));
    let has_reader = output.has_reader;
    let outcome = meter.end(outcome);
    if !has_reader {
        return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
    }
    let fetched = outcome?;
    if shell.streams.terminals[2] && !shell.json {
        shell.note(format_args!("{}: {}, sha256 {}", escape(name, 1024), BinaryBytes(fetched.size), fetched.sha256));
    }
    Ok(())
}

/// The standard output, as long as somebody reads it, and what comes can do a terminal no harm.
struct Output<W> {
    stream: W,
    is_terminal: bool,
    has_reader: bool,
}

impl<W> Output<W> {
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.has_reader &= !matches!(&result, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
        result
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_terminal && steers_terminals(bytes) {
            return Err(io::Error::other(format!("{NOT_SHOWN}: name a file with -o")));
        }
        let written = self.stream.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.stream.flush();
        self.note(flushed)
    }
}

fn show(name: &str, path: &Path, fetched: &Fetched, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let Fetched { size, sha256, resumed } = *fetched;
    if shell.json {
        return shell.json_line(&Shown { name, path: path.to_str().map(str::to_owned), size, sha256, resumed });
    }
    let path = escape(&path.display(), 1024);
    if !shell.is_for_people() {
        return Ok(shell.line(format_args!("{sha256}  {path}"))?);
    }
    let there = if resumed > 0 { format!(" ({} were there)", BinaryBytes(resumed)) } else { String::new() };
    Ok(shell.line(format_args!("fetched {path}: {}{there}, sha256 {sha256}", BinaryBytes(size)))?)
}
