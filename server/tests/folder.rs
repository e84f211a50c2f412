//! Both programs as a person uses them: in an empty folder, over TCP and over a Unix socket.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::time::{Duration, Instant};

use bulla_client::program::{Streams, run};
use common::program::{Program, command};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

/// What a server accepts to which nobody says what to accept.
const CODECS: [&str; 7] = ["xml", "json", "yaml", "bincode", "cbor", "msgpack", "postcard"];

/// A server started with no settings but the address, so that tests do not meet on the usual port.
fn server(folder: &TempDir, address: &str) -> Program {
    Program::spawn(command(folder.path()).env("BULLA_LISTEN", address))
}

/// `bulla` in the same folder: exit code, standard output and standard error.
fn bulla(folder: &TempDir, server: &Program, key: &str, arguments: &[&str]) -> (u8, String, String) {
    let (address, key) = (server.addresses[0].to_string(), folder.path().join(key).display().to_string());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let globals = ["bulla", "--server", &address, "--key", &key];
    let line = globals.iter().chain(arguments).copied();
    let code = run(line, &mut Streams::captured(std::io::empty(), &mut stdout, &mut stderr));
    (code, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The documents of the collection, and the codecs that brought them.
fn listed(folder: &TempDir, server: &Program) -> (Vec<Value>, Vec<String>) {
    let (code, stdout, stderr) = bulla(folder, server, "bulla.key", &["list", "people", "--json"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let records = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.map(|record| (record["document"].clone(), record["codec"].as_str().unwrap().to_owned())).unzip()
}

fn in_an_empty_folder(address: impl Fn(&TempDir) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let first = server(&folder, &address(&folder));
    for codec in CODECS {
        let send = ["send", "people", "first_name=Ada", "last_name=Lovelace", "--codec", codec];
        let (code, _, stderr) = bulla(&folder, &first, "bulla.key", &send);
        assert_eq!((code, stderr.as_str()), (0, ""), "{codec}");
    }
    let before = listed(&folder, &first);
    let ada = serde_json::json!({"first_name": "Ada", "last_name": "Lovelace"});
    assert_eq!(before, (vec![ada; CODECS.len()], CODECS.map(str::to_owned).to_vec()));

    first.signal(Signal::KILL);
    first.wait();
    let second = server(&folder, &address(&folder));
    assert_eq!(listed(&folder, &second), before, "still there after a kill");
    second.stop();
}

#[test]
fn every_codec_one_collection_and_a_kill_over_tcp() {
    in_an_empty_folder(|_| "127.0.0.1:0".to_owned());
}

#[test]
fn every_codec_one_collection_and_a_kill_over_a_unix_socket() {
    in_an_empty_folder(|folder| format!("unix:{}", folder.path().join("bulla.sock").display()));
}

#[test]
fn a_wrong_key_fails_at_once_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder, "127.0.0.1:0");
    assert_eq!(bulla(&folder, &server, "other.key", &["keygen"]).0, 0);
    let begin = Instant::now();
    let (code, _, stderr) = bulla(&folder, &server, "other.key", &["ping"]);
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!((code, stderr.lines().count()), (4, 1), "{stderr}");
    assert!(stderr.contains("the server does not hold this key"), "{stderr}");
    server.stop();
}
