//! `bulla list`: the documents of a collection, page by page underneath, or as they come.

use std::borrow::Cow;

use bulla_core::text::escape;
use bulla_core::value::Value;
use clap::Args;
use serde::Serialize;

use super::follow::follow;
use crate::program::cli::Options;
use crate::program::connect::{close_after, connect};
use crate::program::exit::Failure;
use crate::program::json::AsJson;
use crate::program::shell::Shell;
use crate::records::Record;
use crate::{CallError, Client};

/// The most records in one table: its columns are as wide as the widest of them.
const TABLE: usize = 1000;

/// The most fields that get columns of their own.
const MAX_COLUMNS: usize = 8;

/// The longest text in a cell, in characters.
const MAX_CELL: usize = 200;

const EXAMPLES: &str = "\
Examples:
  bulla list                   the collections and their numbers of records
  bulla list people            the documents of one
  bulla list people --after 100 --limit 10
  bulla list people --follow   all of them, then each one as it is stored
  bulla list people | jq .document.name

A table on a terminal, one JSON object a line in a pipe. Ctrl-C ends --follow in order, with exit code 0.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The collection [default: list the collections]
    #[arg(value_name = "COLLECTION")]
    collection: Option<String>,
    /// Only records after this number
    #[arg(long, value_name = "ID", requires = "collection")]
    after: Option<u64>,
    /// At most so many records
    #[arg(long, value_name = "NUMBER", requires = "collection")]
    limit: Option<usize>,
    /// Go on with each record as it is stored
    #[arg(long, requires = "collection")]
    follow: bool,
}

/// A record in JSON.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    id: u64,
    collection: &'a str,
    received_at: &'a str,
    codec: &'a str,
    peer: Option<&'a str>,
    document: AsJson<'a>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(record: &'a Record) -> Self {
        Self {
            id: record.id,
            collection: &record.collection,
            received_at: &record.received_at,
            codec: &record.codec,
            peer: record.peer.as_deref(),
            document: AsJson(&record.document),
        }
    }
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let client = connect(options)?;
    let limit = arguments.limit.unwrap_or(usize::MAX);
    let listed = match &arguments.collection {
        None => list_collections(&client, shell),
        Some(collection) if arguments.follow => follow(&client, collection, arguments.after, limit, shell),
        Some(collection) => list_records(&client, collection, arguments.after, limit, shell),
    };
    close_after(&client, listed)
}

fn list_records(
    client: &Client,
    collection: &str,
    after: Option<u64>,
    limit: usize,
    shell: &mut Shell<'_, '_>,
) -> Result<(), Failure> {
    let mut records = client.records().iter_after(collection, after).take(limit);
    if shell.is_for_people() {
        return show_tables(records, shell);
    }
    records.try_for_each(|record| shell.json_line(&Shown::new(&record?)))
}

fn list_collections(client: &Client, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let collections = client.records().collections()?;
    if !shell.is_for_people() {
        return collections.iter().try_for_each(|collection| shell.json_line(collection));
    }
    if collections.is_empty() {
        shell.note("no collections: bulla send makes one");
        return Ok(());
    }
    let mut table = shell.table(&["collection", "records"]);
    for collection in collections {
        table.add_row([escape(&collection.name, MAX_CELL), collection.records.to_string()]);
    }
    Ok(shell.line(table)?)
}

fn show_tables(
    mut records: impl Iterator<Item = Result<Record, CallError>>,
    shell: &mut Shell<'_, '_>,
) -> Result<(), Failure> {
    let mut count = 0;
    loop {
        let page = records.by_ref().take(TABLE).collect::<Result<Vec<_>, _>>()?;
        count += page.len();
        if page.is_empty() {
            break;
        }
        show_table(&page, shell)?;
    }
    shell.note(match count {
        0 => "no records".to_owned(),
        1 => "1 record".to_owned(),
        _ => format!("{count} records"),
    });
    Ok(())
}

/// A column for each field if the documents are flat enough, else one for the whole.
fn show_table(records: &[Record], shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let fields = common_fields(records);
    let mut heads = vec!["id".to_owned(), "received".to_owned()];
    match &fields {
        Some(fields) => heads.extend(fields.iter().map(|field| escape(*field, 40))),
        None => heads.push("document".to_owned()),
    }
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let mut table = shell.table(&heads);
    for record in records {
        let mut row = vec![record.id.to_string(), escape(&whole_seconds(&record.received_at), 40)];
        match &fields {
            Some(fields) => row.extend(fields.iter().map(|field| field_cell(&record.document, field))),
            None => row.push(cell(&record.document)),
        }
        table.add_row(row);
    }
    Ok(shell.line(table)?)
}

/// The fields of all documents in order of appearance; `None` if there are too many, or a document is no map with keys of text.
fn common_fields(records: &[Record]) -> Option<Vec<&str>> {
    let mut fields = Vec::new();
    for record in records {
        for (key, _) in record.document.as_map()? {
            let key = key.as_str()?;
            if !fields.contains(&key) {
                fields.push(key);
            }
        }
        if fields.len() > MAX_COLUMNS {
            return None;
        }
    }
    Some(fields)
}

/// A time without its fraction, which nobody reads in a table: those who do have JSON.
fn whole_seconds(time: &str) -> Cow<'_, str> {
    match time.strip_suffix('Z').and_then(|time| time.split_once('.')) {
        Some((seconds, _)) => format!("{seconds}Z").into(),
        None => time.into(),
    }
}

fn field_cell(document: &Value, field: &str) -> String {
    document.as_map().and_then(|map| map.get(field)).map(cell).unwrap_or_default()
}

/// Text stands without quotes in a table.
fn cell(value: &Value) -> String {
    match value.as_str() {
        Some(text) => escape(text, MAX_CELL),
        None => escape(value, MAX_CELL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_tables_are_whole_seconds() {
        assert_eq!(whole_seconds("2026-01-02T03:04:05.678Z"), "2026-01-02T03:04:05Z");
        assert_eq!(whole_seconds("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z");
        assert_eq!(whole_seconds("yesterday."), "yesterday.");
    }
}
