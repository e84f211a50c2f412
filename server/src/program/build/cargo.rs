//! Cargo, which resolves and compiles.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::BuildError;
use super::graph::Graph;
use super::spec::OURS;

/// The most that is kept of what cargo says, in bytes.
const MAX_WORDS: usize = 64 << 10;

/// Cargo, found and asked which machine it builds for.
pub(crate) struct Cargo {
    program: OsString,
    host: String,
    /// Whether a person looks on.
    terminal: bool,
    /// Where to compile, unless the environment says.
    target: Option<PathBuf>,
}

impl Cargo {
    /// The cargo of the environment: `$CARGO`, or the first on the path.
    pub(crate) fn find(target: PathBuf) -> Result<Self, BuildError> {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let missing = |reason: String| BuildError::NoCargo { reason };
        let output = Command::new(&program).arg("-vV").stdin(Stdio::null()).output();
        let output = output.map_err(|error| missing(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let host = text.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.ok_or_else(|| missing(format!("it does not say its version: {}", output.status)))?.to_owned();
        let target = std::env::var_os("CARGO_TARGET_DIR").is_none().then_some(target);
        Ok(Self { program, host, terminal: io::stderr().is_terminal(), target })
    }

    /// Settles the versions, fetches what is missing, and tells what would be linked.
    pub(crate) fn resolve(&self, manifest: &Path) -> Result<Graph, BuildError> {
        let mut command = self.command("metadata", manifest);
        command.args(["--format-version", "1", "--filter-platform", &self.host]).stderr(Stdio::piped());
        if self.terminal && anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never {
            command.env("CARGO_TERM_COLOR", "always");
        }
        let mut child = command.spawn().map_err(no_cargo)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let listener = std::thread::spawn(move || stderr.map(pass_on).unwrap_or_default());
        let mut json = Vec::new();
        let read = stdout.map_or(Ok(0), |mut stdout| stdout.read_to_end(&mut json));
        let words = listener.join().unwrap_or_default();
        let succeeded = child.wait().is_ok_and(|status| status.success()) && read.is_ok();
        if !succeeded {
            return Err(reason(&words));
        }
        Graph::parse(&json).map_err(|_| BuildError::Unresolved)
    }

    /// Compiles the program of this name, and gives its path.
    pub(crate) fn build(&self, manifest: &Path, profile: &str, name: &str) -> Result<PathBuf, BuildError> {
        let mut command = self.command("build", manifest);
        command.args(["--message-format", "json-render-diagnostics", "--profile", profile]);
        if let Some(target) = &self.target {
            command.arg("--target-dir").arg(target);
        }
        let output = command.output().map_err(no_cargo)?;
        let program = output.stdout.lines().map_while(Result::ok).find_map(|line| executable(&line, name));
        program.filter(|_| output.status.success()).ok_or(BuildError::NotCompiled)
    }

    /// Cargo speaks for itself on the standard error: with its progress bar on a terminal, else of failures only.
    fn command(&self, subcommand: &str, manifest: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(subcommand).arg("--manifest-path").arg(manifest);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        if !self.terminal {
            command.arg("--quiet");
        }
        command
    }
}

fn no_cargo(error: io::Error) -> BuildError {
    BuildError::NoCargo { reason: error.to_string() }
}

/// Passes on what cargo says, and keeps the beginning.
fn pass_on(stderr: impl Read) -> String {
    let mut kept = Vec::new();
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let mut out = io::stderr().lock();
        // Nobody is left to tell if this fails.
        let _ = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
        if kept.len() + line.len() < MAX_WORDS {
            kept.extend_from_slice(&line);
            kept.push(b'\n');
        }
    }
    anstream::adapter::strip_str(&String::from_utf8_lossy(&kept)).to_string()
}

/// What cargo failed of, as far as its words tell.
fn reason(words: &str) -> BuildError {
    let quoted = |before: &str| {
        let (_, rest) = words.split_once(before)?;
        rest.split_once('`').map(|(name, _)| name.to_owned())
    };
    if let Some(name) = quoted("no matching package named `").or_else(|| quoted("searched package name: `")) {
        return if OURS.contains(&&*name) { BuildError::NoBulla(name) } else { BuildError::NotFound(name) };
    }
    // Two of one version, from two places, do not go into one lock file.
    match words.split_once("package collision in the lockfile: ") {
        Some((_, rest)) if rest.starts_with("packages bulla-core ") => {
            let line = rest.lines().next().unwrap_or_default();
            BuildError::TwoCores(bulla_core::text::escape(line.split(" are ").next().unwrap_or(line), 400))
        }
        _ => BuildError::Unresolved,
    }
}

#[derive(Deserialize)]
struct Message {
    target: Target,
    executable: PathBuf,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// The path of the program, if this message of cargo tells of it.
fn executable(line: &str, name: &str) -> Option<PathBuf> {
    let message: Message = serde_json::from_str(line).ok()?;
    (message.target.name == name).then_some(message.executable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart() {
        let missing =
            |name: &str| format!("error: no matching package named `{name}` found\nlocation searched: crates.io\n");
        assert_eq!(reason(&missing("my-codec")), BuildError::NotFound("my-codec".to_owned()));
        assert_eq!(reason(&missing("bulla-core")), BuildError::NoBulla("bulla-core".to_owned()));
        let collision = "error: package collision in the lockfile: packages bulla-core v0.1.0 (/a) and bulla-core v0.1.0 (/b) are \
            different, but only one can be written to lockfile unambiguously\n";
        let cores = "packages bulla-core v0.1.0 (/a) and bulla-core v0.1.0 (/b)";
        assert_eq!(reason(collision), BuildError::TwoCores(cores.to_owned()));
        assert_eq!(reason("error: something else"), BuildError::Unresolved);
    }

    #[test]
    fn the_program_is_the_artifact_of_its_name() {
        let line = |name: &str, path: &str| {
            format!(r#"{{"reason":"compiler-artifact","target":{{"name":"{name}"}},"executable":{path},"fresh":true}}"#)
        };
        assert_eq!(executable(&line("a", "\"/t/a\""), "a"), Some("/t/a".into()));
        assert_eq!(executable(&line("a", "null"), "a"), None);
        assert_eq!(executable(&line("b", "\"/t/b\""), "a"), None);
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#, "a"), None);
    }
}
