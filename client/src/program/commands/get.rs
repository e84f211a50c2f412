//! `bulla get`: one document.

use anstyle::Style;
use bulla_core::text::escape;
use clap::Args;

use super::list::Shown;
use crate::program::cli::Options;
use crate::program::connect::connect;
use crate::program::exit::Failure;
use crate::program::json::{AsJson, to_json};
use crate::program::shell::Shell;

const EXAMPLES: &str = "\
Examples:
  bulla get people 7
  bulla get people 7 | jq .document";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The collection
    #[arg(value_name = "COLLECTION")]
    collection: String,
    /// The record's number
    #[arg(value_name = "ID")]
    id: u64,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let client = connect(options)?;
    let record = client.records().get(&arguments.collection, arguments.id)?;
    client.close();
    if !shell.is_for_people() {
        return shell.json_line(&Shown::new(&record));
    }
    let dimmed = shell.style(Style::new().dimmed());
    let sender = record.peer.as_ref().map(|peer| format!(" from {}", escape(peer, 80))).unwrap_or_default();
    let (at, codec) = (escape(&record.received_at, 40), escape(&record.codec, 40));
    let collection = escape(&record.collection, 100);
    shell.line(format_args!(
        "{dimmed}record {} of {collection}, received {at}{sender} as {codec}{dimmed:#}",
        record.id
    ))?;
    Ok(shell.line(to_json(&AsJson(&record.document), true)?)?)
}
