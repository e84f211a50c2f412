//! The stock server, and Smile.

use std::process::ExitCode;

use bulla_codec_smile as _;

fn main() -> ExitCode {
    bulla_server::program::run(std::env::args_os())
}
