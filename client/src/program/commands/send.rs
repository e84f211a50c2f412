//! `bulla send`: documents into a collection.

use std::path::PathBuf;

use bulla_core::text::escape;
use bulla_core::value::Value;
use clap::Args;
use serde::Serialize;

use super::send_lines;
use crate::program::cli::Options;
use crate::program::connect::connect;
use crate::program::document::{parse_words, read_document};
use crate::program::exit::Failure;
use crate::program::shell::Shell;

const EXAMPLES: &str = "\
Examples:
  bulla send people name=Ada email=ada@example.org    fields of text
  bulla send people name=Ada age:=36 tags:='[\"a\"]'    := takes JSON
  bulla send people '{\"name\": \"Ada\"}'               a whole document
  bulla send people @ada.yaml                         in any linked format
  bulla send people --file ada --from xml             in one that is named
  bulla send people - < people.jsonl                  one a line, many at once

The number of each stored record is printed. With -, each refused line is named with its number, and the count of acknowledged ones is \
printed at the end: an acknowledged document is on the server's disk.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The collection
    #[arg(value_name = "COLLECTION")]
    collection: String,
    /// Fields of one document, one JSON document, @FILE, or - for one JSON document a line from standard input
    #[arg(value_name = "KEY=VALUE|DOCUMENT", required_unless_present = "file", conflicts_with = "file")]
    document: Vec<String>,
    /// Send this file; may be given more than once
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// The format of the files, if their endings do not say
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// With -: one document at a time, so that the records keep the order of the lines
    #[arg(long, conflicts_with = "file")]
    in_order: bool,
}

#[derive(Serialize)]
pub(super) struct Stored<'a> {
    pub(super) collection: &'a str,
    pub(super) id: u64,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    if arguments.document == ["-"] {
        return send_lines::run(&arguments.collection, arguments.in_order, options, shell);
    }
    // Everything is read before anything is sent.
    let documents = documents(arguments, shell)?;
    let client = connect(options)?;
    for document in documents {
        let id = client.records().append(&arguments.collection, document)?;
        show_stored(&arguments.collection, id, shell)?;
    }
    client.close();
    Ok(())
}

fn documents(arguments: &Arguments, shell: &mut Shell<'_, '_>) -> Result<Vec<Value>, Failure> {
    let from = arguments.from.as_deref();
    if arguments.file.is_empty() {
        return Ok(vec![parse_words(&arguments.document, from, shell)?]);
    }
    arguments.file.iter().map(|path| read_document(path, from, shell)).collect()
}

/// The number alone in a pipe.
pub(super) fn show_stored(collection: &str, id: u64, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    if shell.json {
        return shell.json_line(&Stored { collection, id });
    }
    if shell.is_for_people() {
        return Ok(shell.line(format_args!("stored in {} as record {id}", escape(collection, 100)))?);
    }
    Ok(shell.line(id)?)
}
