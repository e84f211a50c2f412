//! The program `bulla`: see `bulla --help`.

use std::process::ExitCode;

use bulla_client::program::{Streams, run};

fn main() -> ExitCode {
    run(std::env::args_os(), &mut Streams::standard()).into()
}
