//! `bulla seal`: bytes into a text token, without any server.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use bulla_core::key::KeyRing;
use bulla_core::text::escape;
use bulla_core::token;
use clap::Args;

use crate::program::cli::Options;
use crate::program::document::read_all;
use crate::program::exit::{Exit, Failure};
use crate::program::shell::Shell;

const EXAMPLES: &str = "\
Examples:
  echo secret | bulla seal > secret.token
  bulla seal report.pdf -o report.token
  bulla open report.token -o report.pdf --ttl 1day

The token is sealed with the first key of the key file. Python opens it: Fernet(key).decrypt(token).";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What to seal; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Where the token goes [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let ring = KeyRing::load(&options.key)?;
    let plaintext = zeroize::Zeroizing::new(read_all(&arguments.file, shell)?);
    let mut token = token::seal(ring.current().key(), &plaintext, unix_time());
    token.push('\n');
    write_out(arguments.output.as_ref(), token.as_bytes(), shell)
}

pub(crate) fn write_out(path: Option<&PathBuf>, bytes: &[u8], shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(shell.write(bytes)?) };
    let name = escape(&path.display(), 200);
    std::fs::write(path, bytes).map_err(|error| Failure::new(Exit::System, format!("cannot write {name}: {error}")))
}

/// Seconds since 1970.
pub(crate) fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
