//! `bulla keygen`: makes a key file.

use std::path::PathBuf;

use bulla_core::key::{Key, write_key_file};
use bulla_core::text::escape;
use clap::Args;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::program::cli::Options;
use crate::program::exit::{Exit, Failure};
use crate::program::shell::Shell;

const EXAMPLES: &str = "\
Examples:
  bulla keygen                      writes bulla.key
  bulla keygen /etc/bulla/ada.key   writes another file
  bulla keygen --force              replaces the key

A server tells clients apart whose keys have names in its file, one a line:
  (umask 077; echo \"ada = $(cat ada.key)\" >> server.key)

Everybody who used a key that was replaced must get the new one. The file is for its owner alone (mode 0600). Both sides need it: copy it on a safe way, such as scp. It is a Fernet key, as Python's \
Fernet.generate_key() makes them.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The file [default: what --key says]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Replace a key file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Made<'a> {
    file: &'a str,
    key_id: String,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let path = arguments.file.as_ref().unwrap_or(&options.key);
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes)
        .map_err(|error| Failure::new(Exit::System, format!("the system gives no randomness: {error}")))?;
    let key = Key::from_bytes(*bytes);
    write_key_file(path, &key, arguments.force)?;
    let file = escape(&path.display(), 400);
    if shell.json {
        return shell.json_line(&Made { file: &file, key_id: key.id().to_string() });
    }
    Ok(shell.line(format_args!("wrote {file} (key id {}): the server needs the same file", key.id()))?)
}
