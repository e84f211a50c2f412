//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};

use super::commands::{
    bench, call, fetch, files, form, get, keygen, list, open, ping, publish, put, remove, seal, send, stream, subscribe,
};
use super::field::parse_time;
use crate::DEFAULT_SERVER;

const AFTER: &str = "\
Examples:
  bulla keygen                                  make bulla.key, for both sides
  bulla ping                                    is it there, and how far away?
  bulla send people name=Ada age:=36            store a document
  bulla form people name email? age:int         ask a person for them
  bulla list people                             read them back
  bulla put report.pdf                          store a file; fetch gets it back
  bulla subscribe 'sensors.>'                   show messages as they come
  bulla publish sensors.kitchen celsius:=21.5   send one to whoever listens
  bulla call echo '{\"hello\": \"world\"}'          call any route
  bulla stream words < lines.jsonl              a route that streams
  bulla bench --codec json,bincode              how fast is it here?
  bulla --server unix:/run/bulla.sock ping      over a Unix socket

Exit codes:
   0  done
   1  the operating system failed us
   2  wrong usage
   3  cannot connect: no server there, no answer in time, or it is busy
   4  handshake refused: wrong key, another version, or not a Bulla server
   5  no common codec, or a codec that is not linked
   6  the server refused the call; its code and reason are shown
   7  bad document: it does not parse, or the codec cannot carry it
   8  key file missing, unsafe or damaged
   9  the connection or the time ran out during a call
  10  a token does not open
  11  a file here: missing, unreadable, in the way, or no ordinary one
  12  a file did not arrive as it was sent: the checksums differ
 130  interrupted by Ctrl-C: the server was told, a file can be gone on with";

const CODECS: &str = "\
Examples:
  bulla codecs
  bulla codecs --server 127.0.0.1:7411   and what that server would choose
  bulla codecs --json";

const COMPLETIONS: &str = "\
Examples:
  bulla completions bash > ~/.local/share/bash-completion/completions/bulla
  bulla completions fish > ~/.config/fish/completions/bulla.fish
  bulla completions zsh > ~/.zfunc/_bulla     with ~/.zfunc in fpath";

/// Send and fetch sealed messages in any format.
#[derive(Debug, Parser)]
#[command(name = "bulla", version, after_help = AFTER, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes, before or after its name.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Options {
    /// The server: host:port or unix:/path; of several, each as good as the others, the first that takes us
    #[arg(long, global = true, env = "BULLA_SERVER", default_value = DEFAULT_SERVER, value_delimiter = ',', value_name = "ADDRESS,…")]
    pub(crate) server: Vec<String>,
    /// The key file shared with the server; its first key is used
    #[arg(long, global = true, env = "BULLA_KEY", default_value = "bulla.key", value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The codecs to offer, the preferred one first [default: all that are linked and do not ask to be named]
    #[arg(long, global = true, value_delimiter = ',', value_parser = NonEmptyStringValueParser::new(), value_name = "NAME,…")]
    pub(crate) codec: Vec<String>,
    /// Write JSON, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How long to wait for each answer, such as 500ms or 2m
    #[arg(long, global = true, value_parser = parse_time, default_value = "30s", value_name = "TIME")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key file
    Keygen(keygen::Arguments),
    /// Measure the way to the server and back
    Ping(ping::Arguments),
    /// List the codecs linked here, and those that --server accepts
    #[command(after_help = CODECS)]
    Codecs,
    /// Store documents in a collection
    Send(send::Arguments),
    /// Show the documents of a collection, or the collections
    List(list::Arguments),
    /// Show one document
    Get(get::Arguments),
    /// Put files on the server
    Put(put::Arguments),
    /// Fetch files from the server
    Fetch(fetch::Arguments),
    /// List the files on the server
    Files(files::Arguments),
    /// Take files off the server
    Remove(remove::Arguments),
    /// Ask for the fields of a document, send it, and ask again
    Form(form::Arguments),
    /// Call a route with a document, and show what it answers
    Call(call::Arguments),
    /// Send documents to a route, and show the answers as they come
    Stream(stream::Arguments),
    /// Measure how fast a server answers
    Bench(bench::Arguments),
    /// Publish documents under a topic, for whoever listens
    Publish(publish::Arguments),
    /// Show the documents of topics as they are published
    Subscribe(subscribe::Arguments),
    /// Seal bytes into a text token, as Python's Fernet does
    Seal(seal::Arguments),
    /// Open a text token
    Open(open::Arguments),
    /// Write the completions of a shell
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Help is read on terminals of 80 columns: what is aligned there must not be wrapped.
    #[test]
    fn examples_and_tables_fit_a_terminal() {
        let mut command = Cli::command();
        command.build();
        let texts = command.get_subcommands().chain([&command]).filter_map(clap::Command::get_after_help);
        let texts: String = texts.map(|text| format!("{text}\n")).collect();
        for line in texts.lines().filter(|line| line.starts_with(' ')) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for about in command.get_subcommands().filter_map(clap::Command::get_about) {
            assert!(about.to_string().chars().count() <= 65, "{about}");
        }
    }

    #[test]
    fn options_stand_before_or_after_the_command() {
        for line in [
            ["bulla", "--server", "a:1", "--timeout", "2s", "--json", "ping"],
            ["bulla", "ping", "--server", "a:1", "--timeout", "2s", "--json"],
        ] {
            let options = Cli::try_parse_from(line).unwrap().options;
            assert_eq!(
                (&options.server[..], options.timeout, options.json),
                (&["a:1".to_owned()][..], Duration::from_secs(2), true)
            );
        }
    }

    #[test]
    fn codecs_and_servers_are_lists() {
        let line = ["bulla", "ping", "--codec", "yaml,json", "--server", "a:1,b:2", "--server", "c:3"];
        let options = Cli::try_parse_from(line).unwrap().options;
        assert_eq!(options.codec, ["yaml", "json"]);
        assert_eq!(options.server, ["a:1", "b:2", "c:3"]);
    }
}
