//! The program `bulla-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bulla_server::program::run(std::env::args_os())
}
