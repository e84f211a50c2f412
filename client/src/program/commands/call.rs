//! `bulla call`: any route with any document.

use bulla_core::value::Value;
use clap::Args;

use crate::program::cli::Options;
use crate::program::connect::{close_after, connect};
use crate::program::document::parse_argument;
use crate::program::exit::Failure;
use crate::program::interrupt::cancel_on_interrupt;
use crate::program::json::{AsJson, to_json};
use crate::program::shell::Shell;

const EXAMPLES: &str = "\
Examples:
  bulla call info
  bulla call echo '{\"name\": \"Ada\"}'
  bulla call echo @ada.yaml --codec xml
  echo '[1, 2]' | bulla call echo -

The answer is shown as JSON. With a codec that does not describe itself, such as bincode, only routes that take and give documents of any \
shape can be called.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The route
    #[arg(value_name = "ROUTE")]
    route: String,
    /// JSON text, @FILE, or - for standard input
    #[arg(value_name = "DOCUMENT", default_value = "null")]
    document: String,
    /// The format of the file, if its ending does not say
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let document = parse_argument(&arguments.document, arguments.from.as_deref(), shell)?;
    let client = connect(options)?;
    cancel_on_interrupt(&client, shell)?;
    let answer = client.call(&arguments.route, &document).map_err(Failure::from);
    let answer: Value = close_after(&client, answer)?;
    let text = to_json(&AsJson(&answer), shell.is_for_people())?;
    Ok(shell.line(text)?)
}
