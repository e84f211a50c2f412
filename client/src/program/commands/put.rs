//! `bulla put`: files to the server.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use bulla_core::bytes::Digest;
use bulla_core::text::escape;
use clap::Args;
use indicatif::BinaryBytes;
use serde::Serialize;

use crate::Client;
use crate::files::{Stored, TransferOptions};
use crate::program::cli::Options;
use crate::program::connect::{close_after, connect_for_files};
use crate::program::exit::{Exit, Failure};
use crate::program::interrupt::cancel_on_interrupt;
use crate::program::shell::Shell;
use crate::program::transfer::{Meter, each};

const EXAMPLES: &str = "\
Examples:
  bulla put report.pdf                           to report.pdf on the server
  bulla put report.pdf --as reports/2026-q1.pdf
  bulla put *.pdf --into reports                 each under its own name
  bulla put report.pdf --replace                 in place of what is there
  tar cz src | bulla put - --as src.tar.gz

A file is on the server whole or not at all: its checksum is compared first. After a transfer that broke off, or Ctrl-C, the same command \
goes on where it ended. In a pipe the checksum and the name are written, as sha256sum does.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The files; - is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The name on the server, with / between folders [default: that of the file]
    #[arg(long = "as", value_name = "NAME", conflicts_with = "into")]
    name: Option<String>,
    /// A folder on the server
    #[arg(long, value_name = "FOLDER")]
    into: Option<String>,
    /// Replace a file that is there already
    #[arg(long)]
    replace: bool,
    /// Begin anew in place of going on
    #[arg(long)]
    restart: bool,
}

/// A file and the name that it will have.
struct Item<'a> {
    path: &'a Path,
    name: String,
}

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    size: u64,
    sha256: Digest,
    replaced: bool,
    resumed: u64,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let items = items(arguments)?;
    let client = connect_for_files(options)?;
    let interrupted = cancel_on_interrupt(&client, shell)?;
    let outcome = each(&items, shell, |item, shell| {
        let stored = put(item, arguments, (&client, &interrupted), shell)?;
        show(&stored, shell)?;
        Ok(shell.flush()?)
    });
    close_after(&client, outcome)
}

fn items(arguments: &Arguments) -> Result<Vec<Item<'_>>, Failure> {
    let usage = |reason: &str| Failure::new(Exit::Usage, reason);
    if arguments.name.is_some() && arguments.files.len() > 1 {
        return Err(usage("--as names one file: put several with --into, or one by one"));
    }
    let mut items = Vec::new();
    for path in &arguments.files {
        let name = match &arguments.name {
            Some(name) => name.clone(),
            None if is_standard_input(path) => return Err(usage("standard input has no name: give it one with --as")),
            None => own_name(path)?,
        };
        let name = arguments.into.iter().fold(name, |name, folder| match folder.strip_suffix('/').unwrap_or(folder) {
            "" => name,
            folder => format!("{folder}/{name}"),
        });
        items.push(Item { path, name });
    }
    Ok(items)
}

fn own_name(path: &Path) -> Result<String, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| {
        let path = escape(&path.display(), 200);
        Failure::new(Exit::Usage, format!("{path} has no name of its own in UTF-8: give it one with --as"))
    })
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

fn put(
    item: &Item<'_>,
    arguments: &Arguments,
    (client, interrupted): (&Client, &AtomicBool),
    shell: &mut Shell<'_, '_>,
) -> Result<Stored, Failure> {
    let mut options = TransferOptions::new();
    if arguments.replace {
        options = options.replace();
    }
    if arguments.restart {
        options = options.restart();
    }
    if is_standard_input(item.path) {
        shell.invite("what is to be put");
        let mut meter = Meter::new(&item.name, false, interrupted, shell);
        if shell.is_typed() {
            meter.hide();
        }
        let outcome =
            client.files().put(&item.name, &mut shell.streams.stdin, options, |progress| meter.show(progress));
        return meter.end(outcome);
    }
    let mut meter = Meter::new(&item.name, true, interrupted, shell);
    let outcome = client.files().put_file(&item.name, item.path, options, |progress| meter.show(progress));
    meter.end(outcome)
}

fn show(stored: &Stored, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let Stored { name, size, sha256, replaced, resumed } = stored;
    let (size, resumed, replaced) = (*size, *resumed, *replaced);
    if shell.json {
        return shell.json_line(&Shown { name, size, sha256: *sha256, replaced, resumed });
    }
    let name = escape(name, 1024);
    if !shell.is_for_people() {
        return Ok(shell.line(format_args!("{sha256}  {name}"))?);
    }
    let did = if replaced { "replaced" } else { "put" };
    let there = if resumed > 0 { format!(" ({} were there)", BinaryBytes(resumed)) } else { String::new() };
    Ok(shell.line(format_args!("{did} {name}: {}{there}, sha256 {sha256}", BinaryBytes(size)))?)
}
