//! The program `bulla`, callable: arguments and streams go in, an exit code comes out.
//!
//! ```
//! use bulla_client::program::{Streams, run};
//!
//! let mut stdout = Vec::new();
//! let code = run(["bulla", "codecs", "--json"], &mut Streams::captured(std::io::empty(), &mut stdout, &mut std::io::sink()));
//! assert_eq!(code, 0);
//! ```

mod cli;
mod commands;
mod connect;
mod document;
mod exit;
mod field;
mod interrupt;
mod json;
mod lines;
mod shell;
mod transfer;

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Write};

use clap::{CommandFactory, FromArgMatches};

use self::cli::{Cli, Command};
use self::exit::{Exit, Failure};
use self::shell::Shell;

/// Where the program reads and writes, and what it may assume of it.
pub struct Streams<'a> {
    /// Standard input: a thread may be left behind that waits for it.
    pub stdin: Box<dyn BufRead + Send>,
    /// Standard output.
    pub stdout: Box<dyn Write + 'a>,
    /// Standard error.
    pub stderr: Box<dyn Write + 'a>,
    /// Whether each of the three is a terminal: tables and progress bars are for people.
    pub terminals: [bool; 3],
    /// Whether standard output and standard error take colours.
    pub colours: [bool; 2],
    /// Whether Ctrl-C is this program's to handle.
    pub signals: bool,
}

impl Streams<'static> {
    /// The streams of this process; colours as the terminal and the environment want them.
    #[must_use]
    pub fn standard() -> Self {
        let takes_colour = |choice| choice != anstream::ColorChoice::Never;
        // A person sees each line when it is there; a pipe takes them by the block.
        let stdout: Box<dyn Write> =
            if io::stdout().is_terminal() { Box::new(io::stdout()) } else { Box::new(BufWriter::new(io::stdout())) };
        Self {
            stdin: Box::new(BufReader::new(io::stdin())),
            stdout,
            stderr: Box::new(io::stderr()),
            terminals: [io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal()],
            colours: [
                takes_colour(anstream::AutoStream::choice(&io::stdout())),
                takes_colour(anstream::AutoStream::choice(&io::stderr())),
            ],
            signals: true,
        }
    }
}

impl<'a> Streams<'a> {
    /// Streams that are no terminals: files, pipes, buffers. Signals are left alone.
    pub fn captured(
        stdin: impl BufRead + Send + 'static,
        stdout: &'a mut (impl Write + ?Sized),
        stderr: &'a mut (impl Write + ?Sized),
    ) -> Self {
        Self {
            stdin: Box::new(stdin),
            stdout: Box::new(stdout),
            stderr: Box::new(stderr),
            terminals: [false; 3],
            colours: [false; 2],
            signals: false,
        }
    }
}

/// Runs the program with these arguments, the first of which is its name. Gives the exit code, as `bulla --help` lists them.
pub fn run<I>(arguments: I, streams: &mut Streams<'_>) -> u8
where
    I: IntoIterator<Item: Into<OsString>>,
{
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let parsed = Cli::command().try_get_matches_from(arguments).and_then(|matches| {
        let server_given = commands::codecs::is_server_given(&matches);
        Cli::from_arg_matches(&matches).map(|cli| (cli, server_given))
    });
    let (cli, server_given) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return show_usage(&error, json, streams),
    };
    let mut shell = Shell::new(streams, cli.options.json);
    let result = dispatch(&cli, server_given, &mut shell);
    // What was done before a failure is shown before the failure.
    let flushed = shell.flush();
    match result.and(flushed.map_err(Failure::from)) {
        Ok(()) => Exit::Ok.code(),
        Err(failure) => shell.report(&failure).code(),
    }
}

fn dispatch(cli: &Cli, server_given: bool, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let options = &cli.options;
    match &cli.command {
        Command::Keygen(arguments) => commands::keygen::run(arguments, options, shell),
        Command::Ping(arguments) => commands::ping::run(arguments, options, shell),
        Command::Codecs => commands::codecs::run(server_given, options, shell),
        Command::Send(arguments) => commands::send::run(arguments, options, shell),
        Command::List(arguments) => commands::list::run(arguments, options, shell),
        Command::Get(arguments) => commands::get::run(arguments, options, shell),
        Command::Put(arguments) => commands::put::run(arguments, options, shell),
        Command::Fetch(arguments) => commands::fetch::run(arguments, options, shell),
        Command::Files(arguments) => commands::files::run(arguments, options, shell),
        Command::Remove(arguments) => commands::remove::run(arguments, options, shell),
        Command::Form(arguments) => commands::form::run(arguments, options, shell),
        Command::Call(arguments) => commands::call::run(arguments, options, shell),
        Command::Stream(arguments) => commands::stream::run(arguments, options, shell),
        Command::Bench(arguments) => commands::bench::run(arguments, options, shell),
        Command::Publish(arguments) => commands::publish::run(arguments, options, shell),
        Command::Subscribe(arguments) => commands::subscribe::run(arguments, options, shell),
        Command::Seal(arguments) => commands::seal::run(arguments, options, shell),
        Command::Open(arguments) => commands::open::run(arguments, options, shell),
        Command::Completions { shell: kind } => {
            let mut script = Vec::new();
            clap_complete::generate(*kind, &mut Cli::command(), "bulla", &mut script);
            Ok(shell.write(&script)?)
        }
    }
}

/// Help and version go to standard output, usage errors to standard error.
fn show_usage(error: &clap::Error, json: bool, streams: &mut Streams<'_>) -> u8 {
    if json && error.use_stderr() {
        let text = error.render().to_string();
        // The first paragraph: below are hints and the usage.
        let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
        let problem = lines.collect::<Vec<_>>().join(" ");
        let problem = bulla_core::text::escape(problem.trim_start_matches("error: "), 400);
        let failure = Failure::new(Exit::Usage, problem);
        return Shell::new(streams, true).report(&failure).code();
    }
    let (stream, coloured) = if error.use_stderr() {
        (&mut streams.stderr, streams.colours[1])
    } else {
        (&mut streams.stdout, streams.colours[0])
    };
    let text = error.render();
    // Nobody is left to tell if this fails.
    let _ = if coloured { write!(stream, "{}", text.ansi()) } else { write!(stream, "{text}") };
    let _ = stream.flush();
    if error.use_stderr() { Exit::Usage.code() } else { Exit::Ok.code() }
}
