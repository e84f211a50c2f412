//! What can be said on the command line.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

use crate::program::{Options, build};

const AFTER: &str = "\
Examples:
  bulla-server                                 key, database, address by default
  bulla-server --print                         show each record as it comes
  bulla-server --listen unix:/run/bulla.sock   over a Unix socket
  bulla-server --accept json,yaml --append out.jsonl
  mkdir -m 700 files && bulla-server --files files
  bulla-server --allow '*=info,sensor=topics.publish,desk=>'
  bulla-server codecs                          what is linked here
  bulla-server build --with bulla-codec-smile  a server with one codec more

Settings:
  An option wins over a variable (BULLA_LISTEN for --listen, and so on), a
  variable over the file of --config, and the file over the default. The file is
  TOML with the names of the options:
    listen = [\"127.0.0.1:7411\", \"unix:/run/bulla.sock\"]
    files = \"/srv/bulla\"
    max-file = \"16GiB\"
    idle-timeout = \"90s\"
    deny = [\"sensor=records.>\"]
  BULLA_LOG filters the log, such as bulla_server=debug.

Signals:
  SIGTERM, Ctrl-C  drain: accept no more, answer the calls that run, end;
                   a second one ends at once
  SIGHUP           read the key file again: sessions go on, and a bad file
                   changes nothing

Exit codes:
   0  done
   1  the operating system failed us
   2  wrong usage, or a codec that is not linked
   3  the settings file is missing or wrong
   4  key file missing, unsafe or damaged
   5  cannot listen: the address is in use, or is none
   6  the database cannot be opened
   7  the file of --append cannot be opened
   8  ended before every call was answered
   9  to 13: see bulla-server build --help
  14  the folder of --files cannot be used";

const COMPLETIONS: &str = "\
Examples:
  bulla-server completions bash > ~/.local/share/bash-completion/completions/bulla-server
  bulla-server completions fish > ~/.config/fish/completions/bulla-server.fish
  bulla-server completions zsh > ~/.zfunc/_bulla-server     with ~/.zfunc in fpath";

/// Take sealed messages in any format, keep them or pass them on, and answer.
#[derive(Debug, Parser)]
#[command(name = "bulla-server", version, after_help = AFTER, max_term_width = 110)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    /// Read settings from this file
    #[arg(long, env = "BULLA_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Log more; twice, everything
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Log warnings only; twice, errors only
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "verbose")]
    pub(crate) quiet: u8,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a server, or a client, with other codecs linked
    Build(build::Arguments),
    /// List the codecs linked here
    Codecs {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
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
        let text = Cli::command().get_after_help().unwrap().to_string();
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn lists_may_be_said_at_once_or_one_by_one() {
        let line = ["bulla-server", "--listen", "a:1", "--listen", "b:2", "--accept", "json,xml", "--print"];
        let options = Cli::try_parse_from(line).unwrap().options;
        assert_eq!(options.listen.unwrap(), ["a:1", "b:2"]);
        assert_eq!(options.accept.unwrap(), ["json", "xml"]);
        assert_eq!(options.print, Some(true));
    }
}
