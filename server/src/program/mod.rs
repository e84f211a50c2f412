//! What the program `bulla-server` is made of. It uses nothing but the public parts of this crate.
//!
//! [`run`] is the whole program. [`serve`] is what it does without a command, for programs that want the stock server and nothing
//! else:
//!
//! ```no_run
//! use bulla_server::program::{Options, serve};
//!
//! let options = Options { listen: Some(vec!["127.0.0.1:0".to_owned()]), ..Options::default() };
//! let running = serve(&options)?;
//! println!("listening on {}", running.handle().addresses()[0]);
//! running.shutdown();
//! # Ok::<(), bulla_server::program::Failure>(())
//! ```

mod build;
mod cli;
mod codecs;
mod config;
mod failure;
mod greeting;
mod logging;
mod options;
mod screen;
mod serve;
mod signals;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use self::build::BuildError;
use self::cli::{Cli, Command};
pub use self::failure::Failure;
pub use self::options::Options;
pub use self::serve::{DEFAULT_DB, DEFAULT_KEY, DEFAULT_LISTEN, Running, serve};

/// Runs the program with these arguments, the first of which is its own name.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way, too, and end well.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { failure::USAGE } else { 0 });
        }
    };
    let done = match cli.command {
        Some(Command::Build(arguments)) => build::run(&arguments),
        Some(Command::Codecs { json }) => codecs::print(json),
        Some(Command::Completions { shell }) => print_completions(shell),
        None => match config::complete(cli.options, cli.config.as_deref()) {
            Ok(options) => {
                let json = options.json.unwrap_or_default();
                logging::start(cli.verbose, cli.quiet, json);
                return serve_until_told(&options).map_or_else(|failure| failure.report(json), |()| ExitCode::SUCCESS);
            }
            Err(failure) => Err(failure),
        },
    };
    done.map_or_else(|failure| failure.report(false), |()| ExitCode::SUCCESS)
}

fn print_completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "bulla-server", &mut script);
    Failure::of_output(std::io::stdout().write_all(&script))
}

/// Serves until a signal says to stop, and every call that runs is answered.
fn serve_until_told(options: &Options) -> Result<(), Failure> {
    let running = serve(options)?;
    let signals = signals::watch(&running, options)?;
    greeting::print(&running, options);
    let drained = running.join();
    signals.end();
    if drained != crate::Drained::Complete {
        return Err(Failure::CutOff);
    }
    tracing::info!("ended: every call is answered");
    Ok(())
}
