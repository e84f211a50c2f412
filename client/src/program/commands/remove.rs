//! `bulla remove`: files off the server.

use bulla_core::text::escape;
use clap::Args;
use serde::Serialize;

use crate::program::cli::Options;
use crate::program::connect::{close_after, connect};
use crate::program::exit::Failure;
use crate::program::shell::Shell;
use crate::program::transfer::each;

const EXAMPLES: &str = "\
Examples:
  bulla remove reports/2026-q1.pdf
  bulla files -0 'old/**' | xargs -0r bulla remove

A folder goes with the last file in it.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The names on the server
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

#[derive(Serialize)]
struct Removed<'a> {
    name: &'a str,
    size: u64,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let client = connect(options)?;
    let outcome = each(&arguments.names, shell, |name, shell| {
        let size = client.files().remove(name)?;
        if shell.json {
            return shell.json_line(&Removed { name, size });
        }
        let name = escape(name, 1024);
        Ok(if shell.is_for_people() { shell.line(format_args!("removed {name}")) } else { shell.line(name) }?)
    });
    close_after(&client, outcome)
}
