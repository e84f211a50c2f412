//! `bulla seal`: bytes into a text token, without any server.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bulla_core::key::KeyRing;
use bulla_core::text::escape;
use bulla_core::token;
use clap::Args;

use crate::program::cli::Options;
use crate::program::document::read_all;
use crate::program::exit::{Exit, Failure};
use crate::program::shell::{NOT_SHOWN, Shell, steers_terminals};

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
    write_out(arguments.output.as_deref(), token.as_bytes(), shell)
}

/// Writes to standard output, or to a file, which is for its owner alone if it is new: what was sealed is a secret.
pub(crate) fn write_out(path: Option<&Path>, bytes: &[u8], shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let Some(path) = path else {
        if shell.streams.terminals[1] && steers_terminals(bytes) {
            return Err(Failure::new(Exit::Usage, format!("{NOT_SHOWN}: write it to a file with -o, or into a pipe")));
        }
        return Ok(shell.write(bytes)?);
    };
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .map_err(|error| Failure::new(Exit::File, format!("cannot write {}: {error}", escape(&path.display(), 200))))
}

/// Seconds since 1970.
pub(crate) fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
