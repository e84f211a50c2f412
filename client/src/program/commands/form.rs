//! `bulla form`: asks a person for one document after the other.

use bulla_core::codec::{CodecName, CodecRegistry};
use bulla_core::text::escape;
use bulla_core::value::{Map, Value};
use clap::Args;

use super::send::show_stored;
use crate::program::cli::Options;
use crate::program::connect::{connect, connect_with};
use crate::program::exit::Failure;
use crate::program::field::FormField;
use crate::program::shell::Shell;
use crate::{Client, ConnectError, default_offer};

const EXAMPLES: &str = "\
Examples:
  bulla form people name email
  bulla form people name email? age:int    email may stay empty
  bulla form visits when? notes:text ok:bool --codec yaml
  printf 'Ada\\nada@example.org\\nn\\n' | bulla form people name email --codec json

Types: text (the default), int, number, bool, json. An answer that does not fit is asked for again. Ctrl-D ends the form.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The collection
    #[arg(value_name = "COLLECTION")]
    collection: String,
    /// What to ask for: name, name? for what may stay empty, name:TYPE
    #[arg(value_name = "FIELD", required = true)]
    fields: Vec<FormField>,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    // Before anything is typed: a dead server or a wrong key shows now.
    let mut client = connect(options)?;
    let mut chosen = !options.codec.is_empty();
    let mut stored = 0_u64;
    let outcome = loop {
        let Some(document) = ask_document(&arguments.fields, shell)? else { break Ok(()) };
        if !chosen {
            let Some(codec) = ask_codec(&client, shell)? else { break Ok(()) };
            client = switch(client, codec, options)?;
            chosen = true;
        }
        match client.records().append(&arguments.collection, document) {
            Ok(id) => {
                stored += 1;
                show_stored(&arguments.collection, id, shell)?;
                shell.flush()?;
            }
            // The connection, or what is left of it, is closed in order before the error is shown.
            Err(error) => break Err(error.into()),
        }
        if !ask_for_more(shell)? {
            break Ok(());
        }
    };
    client.close();
    if !shell.json {
        shell.note(format_args!("{stored} stored in {}", escape(&arguments.collection, 100)));
    }
    outcome
}

/// One document; `None` at the end of the input, when what was typed of it is dropped.
fn ask_document(fields: &[FormField], shell: &mut Shell<'_, '_>) -> Result<Option<Value>, Failure> {
    let mut map = Map::new();
    for field in fields {
        match ask_field(field, shell)? {
            None if map.is_empty() => return Ok(None),
            None => {
                shell.note("the input ended: the unfinished document is not sent");
                return Ok(None);
            }
            Some(Some(value)) => map.push(field.name.as_str(), value),
            Some(None) => {}
        }
    }
    Ok(Some(map.into()))
}

/// `None` at the end of the input, `Some(None)` for an optional field that stays empty.
fn ask_field(field: &FormField, shell: &mut Shell<'_, '_>) -> Result<Option<Option<Value>>, Failure> {
    let name = escape(&field.name, 60);
    let hint = match (field.kind.name(), field.optional) {
        ("text", false) => String::new(),
        ("text", true) => " (optional)".to_owned(),
        (kind, false) => format!(" ({kind})"),
        (kind, true) => format!(" ({kind}, optional)"),
    };
    loop {
        let Some(answer) = shell.ask(format_args!("{name}{hint}: "))? else { return Ok(None) };
        if answer.is_empty() {
            if field.optional {
                return Ok(Some(None));
            }
            shell.note(format_args!("{name} may not stay empty"));
            continue;
        }
        match field.kind.parse(&answer) {
            Ok(value) => return Ok(Some(Some(value))),
            Err(expected) => shell.note(format_args!("{name}: expected {expected}")),
        }
    }
}

/// A codec that both sides have, by number or by name; `None` at the end of the input.
fn ask_codec(client: &Client, shell: &mut Shell<'_, '_>) -> Result<Option<CodecName>, Failure> {
    let linked = default_offer(&CodecRegistry::discovered().map_err(ConnectError::from)?);
    // A server without the stock service does not say what it accepts: then it is tried.
    let accepted = client.info().map(|info| info.codecs).ok();
    let common =
        |name: &CodecName| accepted.as_ref().is_none_or(|accepted| accepted.iter().any(|a| a == name.as_str()));
    let codecs: Vec<CodecName> = linked.into_iter().filter(common).collect();
    if let [] | [_] = codecs[..] {
        return Ok(Some(client.session().codec));
    }
    if !shell.json {
        for (number, codec) in (1..).zip(&codecs) {
            shell.note(format_args!("  {number}) {codec}"));
        }
    }
    loop {
        let Some(answer) = shell.ask("codec [1]: ")? else { return Ok(None) };
        let number = if answer.is_empty() { Some(1) } else { answer.parse::<usize>().ok() };
        let by_number = number.and_then(|number| codecs.get(number.checked_sub(1)?));
        let found = by_number.or_else(|| codecs.iter().find(|codec| codec.as_str() == answer));
        match found {
            Some(codec) => return Ok(Some(*codec)),
            None => shell.note(format_args!("a number from 1 to {}, or a name", codecs.len())),
        }
    }
}

/// The same connection, or another one that speaks the codec.
fn switch(client: Client, codec: CodecName, options: &Options) -> Result<Client, Failure> {
    if client.session().codec == codec {
        return Ok(client);
    }
    client.close();
    connect_with(options, codec)
}

/// Enter is yes; the end of the input is no.
fn ask_for_more(shell: &mut Shell<'_, '_>) -> Result<bool, Failure> {
    loop {
        let Some(answer) = shell.ask("another one? [Y/n]: ")? else { return Ok(false) };
        match answer.to_ascii_lowercase().as_str() {
            "" | "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => shell.note("yes or no"),
        }
    }
}
