//! The real program in a folder of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use bulla_core::key::{Key, write_key_file};
use bulla_server::Address;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Client, PATIENCE, key};

pub const BINARY: &str = env!("CARGO_BIN_EXE_bulla-server");

/// A folder with a key file in it.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_key_file(folder.path().join("bulla.key"), &key(), false).unwrap();
    folder
}

/// The program, with nothing of ours in its environment.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(BINARY);
    isolate(&mut command, folder);
    command
}

pub fn isolate(command: &mut Command, folder: &Path) {
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ours = std::env::vars_os().map(|(name, _)| name);
    ours.filter(|name| name.to_string_lossy().starts_with("BULLA_")).for_each(|name| {
        command.env_remove(name);
    });
}

/// The program while it runs. Dropped, it is killed.
pub struct Program {
    child: Child,
    pub addresses: Vec<Address>,
    pub greeting: Vec<String>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    pub log: Vec<String>,
}

impl Program {
    /// Starts it on a port of its own, and waits until it listens.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn(command(folder).args(["--listen", "127.0.0.1:0"]).args(arguments))
    }

    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        let (addresses, greeting, log) = (Vec::new(), Vec::new(), Vec::new());
        let mut program = Self { child, addresses, greeting, stdout, stderr, log };
        program.read_greeting();
        program
    }

    fn read_greeting(&mut self) {
        loop {
            let line = self.next_line();
            if let Some(address) = line.strip_prefix("listening on ") {
                self.addresses.extend(Address::parse(address).unwrap());
            }
            let last = line.contains("list people");
            self.greeting.push(line);
            if last {
                return;
            }
        }
    }

    /// The next line of the standard output.
    pub fn next_line(&mut self) -> String {
        self.stdout.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no more output; the log: {:?}", self.read_log()))
    }

    /// Waits for a line of the log that contains this text.
    pub fn wait_for_log(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.stderr.recv_timeout(left) else { panic!("no {text:?} in the log: {:#?}", self.log) };
            self.log.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    fn read_log(&mut self) -> &[String] {
        self.log.extend(self.stderr.try_iter());
        &self.log
    }

    pub fn client(&self, codec: &str) -> Client {
        self.client_with(key(), codec)
    }

    pub fn client_with(&self, key: Key, codec: &str) -> Client {
        Client::connect(&self.addresses[0], key, &[codec]).unwrap()
    }

    /// Its id in the system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Waits for the end.
    pub fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let (status, [_, rest]) = wait(&mut self.child, [&self.stdout, &self.stderr]);
        self.log.extend(rest);
        (status, std::mem::take(&mut self.log))
    }

    /// Ends it as a terminal does, and checks that it ends well.
    pub fn stop(self) -> Vec<String> {
        self.signal(Signal::INT);
        let (status, log) = self.wait();
        assert!(status.success(), "{status}: {log:#?}");
        log
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the end of the program: its output ends with it.
fn wait(child: &mut Child, outputs: [&Receiver<String>; 2]) -> (ExitStatus, [Vec<String>; 2]) {
    let deadline = Instant::now() + PATIENCE;
    let rest = outputs.map(|output| {
        let mut rest = Vec::new();
        loop {
            match output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => return rest,
                Err(RecvTimeoutError::Timeout) => panic!("the program does not end"),
            }
        }
    });
    (child.wait().unwrap(), rest)
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Runs the program to its end: exit code, standard output and standard error.
pub fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    finish(command(folder).args(arguments))
}

pub fn finish(command: &mut Command) -> (i32, String, String) {
    let mut child = command.spawn().unwrap();
    let stdout = lines(child.stdout.take().unwrap());
    let stderr = lines(child.stderr.take().unwrap());
    let (status, [stdout, stderr]) = wait(&mut child, [&stdout, &stderr]);
    (status.code().unwrap(), stdout.join("\n"), stderr.join("\n"))
}
