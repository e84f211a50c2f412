//! `bulla open`: a text token back into its bytes.

use std::path::PathBuf;
use std::time::Duration;

use bulla_core::key::KeyRing;
use bulla_core::token;
use clap::Args;

use super::seal::{unix_time, write_out};
use crate::program::cli::Options;
use crate::program::document::read_all;
use crate::program::exit::{Exit, Failure};
use crate::program::field::parse_time;
use crate::program::shell::Shell;

const EXAMPLES: &str = "\
Examples:
  bulla open secret.token
  bulla open secret.token --ttl 1h      only if it is younger than that
  bulla open report.token -o report.pdf

Any key of the key file may have sealed it; so may Python: Fernet(key).encrypt(bytes).";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The token; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Where the bytes go [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The greatest age of the token, such as 90s or 1day [default: any]
    #[arg(long, value_parser = parse_time, value_name = "TIME")]
    ttl: Option<Duration>,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let ring = KeyRing::load(&options.key)?;
    let bytes = read_all(&arguments.file, shell)?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| Failure::new(Exit::Token, "not a Fernet token: it is not text"))?;
    let ttl = arguments.ttl.map(|ttl| ttl.as_secs());
    let (plaintext, _) = token::open_with_ring(&ring, text, ttl, unix_time())?;
    write_out(arguments.output.as_deref(), &plaintext, shell)
}
