//! `bulla list COLLECTION --follow`: the records that there are, then those that come.

use anstyle::Style;
use bulla_core::text::escape;
use serde::Serialize;

use super::list::Shown;
use super::live::{conclude_endless, of_listening, show_each};
use crate::Client;
use crate::program::exit::Failure;
use crate::program::interrupt::cancel_on_interrupt;
use crate::program::shell::Shell;
use crate::records::{Followed, Record};

/// The longest document on a terminal, in characters.
const MAX_LINE: usize = 2000;

/// A record that does not come, in JSON.
#[derive(Serialize)]
struct Skipped<'a> {
    skipped: u64,
    reason: &'a str,
}

/// Shows up to `limit` records, a line each: the columns of a table could not be known.
pub(super) fn follow(
    client: &Client,
    collection: &str,
    after: Option<u64>,
    limit: usize,
    shell: &mut Shell<'_, '_>,
) -> Result<(), Failure> {
    if limit == 0 {
        return Ok(());
    }
    cancel_on_interrupt(client, shell)?;
    let mut records = client.records().follow(collection, after)?;
    let mut left = limit;
    let mut show = |followed, shell: &mut Shell<'_, '_>| {
        match followed {
            Followed::Record(record) => {
                show(&record, shell)?;
                left -= 1;
            }
            Followed::Skipped { id, reason } => show_skipped(id, &reason, shell)?,
            Followed::Live if shell.is_for_people() => shell.note("… and now those that come; Ctrl-C ends it"),
            Followed::Live => {}
        }
        Ok(left > 0)
    };
    let shown = show_each(|timeout| records.next_timeout(timeout).map_err(of_listening), shell, &mut show);
    conclude_endless(shown, limit < usize::MAX)
}

fn show(record: &Record, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    if !shell.is_for_people() {
        return shell.json_line(&Shown::new(record));
    }
    let (bold, dim) = (shell.style(Style::new().bold()), shell.style(Style::new().dimmed()));
    let (received, document) = (escape(&record.received_at, 40), escape(&record.document, MAX_LINE));
    Ok(shell.line(format_args!("{bold}#{}{bold:#} {dim}{received}{dim:#} {document}", record.id))?)
}

fn show_skipped(id: u64, reason: &str, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    if !shell.is_for_people() {
        return shell.json_line(&Skipped { skipped: id, reason });
    }
    shell.note(format_args!("record {id} is not shown: {}", escape(reason, MAX_LINE)));
    Ok(())
}
