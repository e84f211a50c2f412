//! A server with a folder of files, and `bulla` in the same place.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bulla_client::program::{Streams, run};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::eventually;
use super::program::{Program, command, folder, isolate};

/// What the program is told when the test program stands in for it.
const STAND_IN: &str = "STAND_IN_FOR_BULLA";

/// A place with a key, a folder of files, and what is put and fetched.
pub struct Place {
    pub around: TempDir,
    pub server: Program,
}

/// How a run of `bulla` ended.
#[derive(Debug)]
pub struct Run {
    pub code: u8,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn new(arguments: &[&str]) -> Self {
        Self::listening("127.0.0.1:0", arguments)
    }

    pub fn listening(address: &str, arguments: &[&str]) -> Self {
        let around = folder();
        fs::create_dir(around.path().join("files")).unwrap();
        let server = serve(around.path(), address, arguments);
        Self { around, server }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.around.path().join(name)
    }

    /// Starts the server again, at another address.
    pub fn restart(&mut self) {
        self.server = serve(self.around.path(), "127.0.0.1:0", &[]);
    }

    fn line(&self, arguments: &[&str]) -> Vec<String> {
        let (address, key) = (self.server.addresses[0].to_string(), self.at("bulla.key").display().to_string());
        let globals = ["bulla", "--server", &address, "--key", &key];
        globals.iter().chain(arguments).map(ToString::to_string).collect()
    }

    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Run {
        let (mut stdout, mut stderr, input) = (Vec::new(), Vec::new(), std::io::Cursor::new(input.to_vec()));
        let code = run(self.line(arguments), &mut Streams::captured(input, &mut stdout, &mut stderr));
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Run { code, stdout: text(&stdout), stderr: text(&stderr) }
    }

    /// Runs it with this as its standard output: the exit code, and the standard error.
    pub fn run_into(&self, arguments: &[&str], mut stdout: impl Write) -> (u8, String) {
        let mut stderr = Vec::new();
        let code = run(self.line(arguments), &mut Streams::captured(std::io::empty(), &mut stdout, &mut stderr));
        (code, String::from_utf8(stderr).unwrap())
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, b"")
    }

    /// Runs it, and expects that it works.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments:?}: {}", run.stdout);
        run.stdout
    }

    /// As [`ok`](Self::ok), for what is written with `--json`.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Starts it as a program of its own. The test program has a test that stands in for it.
    pub fn spawn(&self, arguments: &[&str]) -> Bulla {
        let mut command = Command::new(std::env::current_exe().unwrap());
        isolate(&mut command, self.around.path());
        command.args(["--exact", "stand_in_for_bulla", "--nocapture"]).stdout(Stdio::null());
        command.env(STAND_IN, serde_json::to_string(&self.line(arguments)).unwrap());
        Bulla(command.spawn().unwrap())
    }

    /// The bytes in the one unfinished upload, as far as there is one.
    pub fn uploaded(&self) -> u64 {
        let parts = fs::read_dir(self.at("files/.bulla-parts")).unwrap();
        parts.filter_map(|part| part.ok()?.metadata().ok()).map(|found| found.len()).sum()
    }

    /// The bytes in the one unfinished download in a folder, as far as there is one.
    pub fn downloaded(&self, folder: &str) -> u64 {
        let entries = fs::read_dir(self.at(folder)).unwrap().filter_map(Result::ok);
        let parts = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".bulla-part-"));
        parts.filter_map(|part| part.metadata().ok()).map(|found| found.len()).sum()
    }
}

fn serve(around: &Path, address: &str, arguments: &[&str]) -> Program {
    let mut command = command(around);
    // Whatever is free on the machine that runs the tests.
    command.args(["--listen", address, "--files", "files", "--keep-free", "0"]).args(arguments);
    Program::spawn(&mut command)
}

/// To be called by the test `stand_in_for_bulla`: runs the program, if this process is to be it.
pub fn stand_in() {
    let Ok(line) = std::env::var(STAND_IN) else { return };
    let line: Vec<String> = serde_json::from_str(&line).unwrap();
    std::process::exit(run(line, &mut Streams::standard()).into());
}

/// `bulla` while it runs. Dropped, it is killed.
pub struct Bulla(Child);

impl Bulla {
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.0.id().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Waits until something holds, which has to be before the program ends.
    pub fn wait_until(&mut self, what: &str, mut holds: impl FnMut() -> bool) {
        eventually(what, || {
            let held = holds();
            assert!(held || self.0.try_wait().unwrap().is_none(), "ended before: {what}");
            held
        });
    }

    /// Waits for the end: the exit code, if it was not killed, and the standard error.
    pub fn wait(mut self) -> (Option<i32>, String) {
        let mut stderr = String::new();
        let mut stream = self.0.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut stream, &mut stderr).unwrap();
        (self.0.wait().unwrap().code(), stderr)
    }
}

impl Drop for Bulla {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bytes that are different everywhere.
pub fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}
