//! `bulla stream`: every shape, as a person or a script would use it, and Ctrl-C.
#![cfg(feature = "program")]
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bulla_core::connection::Limits;
use bulla_core::status::Code;

use crate::common::bulla::Bulla;
use crate::common::streams::{Watch, serve_streams};
use crate::common::{TestServer, eventually, key, serve};

fn bulla() -> (TestServer, Arc<Watch>, Bulla) {
    let (server, watch) = serve_streams(Limits::default());
    let bulla = Bulla::new(server.address, &key(7));
    (server, watch, bulla)
}

fn spawn(bulla: &Bulla, arguments: &[&str]) -> Child {
    let mut command = bulla.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

fn until_cancelled(server: &TestServer) {
    eventually("the stream is cancelled", || {
        server.log.resets.lock().unwrap().iter().any(|status| status.code() == Code::Cancelled)
    });
}

#[test]
fn one_request_many_answers() {
    let (_server, _, bulla) = bulla();
    assert_eq!(bulla.ok(&["stream", "count", "3"]), "0\n1\n2\n");
    bulla.write("two.yaml", "2\n");
    assert_eq!(bulla.ok(&["stream", "count", "@two.yaml", "--codec", "yaml"]), "0\n1\n");
}

#[test]
fn many_requests_one_answer() {
    let (_server, _, bulla) = bulla();
    let run = bulla.run_with(&["stream", "sum"], "1\n2\n\n39");
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "42\n", ""));
    assert_eq!(bulla.ok(&["stream", "sum", "1", "2", "3"]), "6\n");
    let lines: String = (0..20_000).map(|number| format!("{number}\n")).collect();
    assert_eq!(bulla.run_with(&["stream", "sum", "-"], lines).stdout, "199990000\n");
}

#[test]
fn each_answer_is_there_at_once() {
    let (_server, _, bulla) = bulla();
    let mut child = spawn(&bulla, &["stream", "echo", "--codec", "yaml"]);
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for number in 0..5 {
        writeln!(stdin, "{{\"number\":{number}}}").unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, format!("{{\"number\":{number}}}\n"));
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_server_s_last_answer_ends_the_program() {
    let (server, _, bulla) = bulla();
    let mut child = spawn(&bulla, &["stream", "count"]);
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "2").unwrap();
    // Nothing says that the input is over.
    let mut shown = String::new();
    child.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
    assert_eq!((shown.as_str(), child.wait().unwrap().code()), ("0\n1\n", Some(0)));
    eventually("the connection ends", || !server.log.ends.lock().unwrap().is_empty());
    assert_eq!(*server.log.ends.lock().unwrap(), ["closed by the other side"]);
}

#[test]
fn what_goes_wrong_is_named() {
    let (server, _, bulla) = bulla();
    let run = bulla.run(&["stream", "fail", "0"]);
    assert_eq!((run.code, run.stderr.as_str()), (6, "error: the server refused fail: NOT_FOUND: no more of them\n"));
    let run = bulla.run_with(&["stream", "echo"], "1\nnot json\n3\n");
    assert_eq!(run.code, 7);
    assert_eq!(run.stderr, "error: line 2: not JSON: expected ident at column 2\n");
    until_cancelled(&server);
    let run = bulla.run(&["stream", "echo", "{\"bytes\": 1}", "-"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    let run = bulla.run(&["stream", "die", "2"]);
    assert_eq!((run.code, run.stdout.as_str()), (9, "0\n1\n"), "what came before is shown");
    let run = bulla.run(&["stream", "silent", "null", "--deadline", "60ms"]);
    assert_eq!(run.code, 9);
    assert_eq!(run.stderr, "error: no answer to silent from the server within 60ms; it may have run\n");
}

#[test]
fn the_details_of_a_status_are_shown() {
    let server = serve(&["json"], |_| {
        let status = bulla_core::status::Status::new(Code::NotFound, "no such record");
        common::Reply::Refuse(status.with_detail("collection", "people").with_detail("id", 7))
    });
    let bulla = Bulla::new(server.address, &key(7));
    let run = bulla.run(&["call", "r"]);
    let expected = "error: the server refused r: NOT_FOUND: no such record (collection: people, id: 7)\n";
    assert_eq!((run.code, run.stderr.as_str()), (6, expected));
    let run = bulla.run(&["call", "r", "--json"]);
    assert!(
        run.stderr.contains(r#""status":"NOT_FOUND","details":{"collection":"people","id":"7"}"#),
        "{}",
        run.stderr
    );
}

#[test]
fn ctrl_c_tells_the_server() {
    for arguments in [["stream", "silent"], ["stream", "endless"], ["call", "silent"]] {
        let (server, watch, bulla) = bulla();
        let mut child = spawn(&bulla, &arguments);
        let mut stdout = child.stdout.take().unwrap();
        let stdin = child.stdin.take().unwrap();
        eventually("the stream is opened", || watch.opened.load(Ordering::SeqCst) > 0);
        interrupt(&child);
        std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(130), "error: interrupted\n"));
        until_cancelled(&server);
        drop(stdin);
    }
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let (_server, _, bulla) = bulla();
    // Nobody reads what it writes: it does not come back by itself.
    let mut child = spawn(&bulla, &["stream", "endless", "0"]);
    let mut first = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let begin = Instant::now();
    interrupt(&child);
    while child.try_wait().unwrap().is_none() {
        interrupt(&child);
        std::thread::yield_now();
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[test]
fn a_reader_that_goes_away_ends_the_stream() {
    let (server, _, bulla) = bulla();
    let mut child = spawn(&bulla, &["stream", "endless", "0"]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
    until_cancelled(&server);
}
