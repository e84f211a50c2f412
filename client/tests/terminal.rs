//! What the program shows to a person: tables, colours where they are wanted, and nothing that could steer the terminal.
#![cfg(feature = "program")]
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::io::Cursor;

use bulla_client::program::{Streams, run};
use bulla_core::connection::Limits;
use bulla_core::key::write_key_file;

use crate::common::store::store;
use crate::common::streams::serve_streams;
use crate::common::{key, serve};

/// A terminal, with or without colours, and what is typed there.
struct Person {
    folder: tempfile::TempDir,
    server: String,
    colours: bool,
}

impl Person {
    fn new(server: impl ToString) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_key_file(folder.path().join("bulla.key"), &key(7), false).unwrap();
        Self { folder, server: server.to_string(), colours: false }
    }

    /// The exit code, and what stood on the two outputs.
    fn run(&self, arguments: &[&str], typed: &str) -> (u8, String, String) {
        let key = self.folder.path().join("bulla.key");
        let options = ["bulla", "--server", &self.server, "--key", key.to_str().unwrap()];
        let (stdin, mut stdout, mut stderr) = (Cursor::new(typed.to_owned()), Vec::new(), Vec::new());
        let mut streams = Streams::captured(stdin, &mut stdout, &mut stderr);
        streams.terminals = [true; 3];
        streams.colours = [self.colours; 2];
        let code = run(options.iter().chain(arguments), &mut streams);
        drop(streams);
        (code, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

fn columns(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn a_list_is_a_table_with_a_column_for_each_field() {
    let server = serve(&["json"], store(&["json"]));
    let person = Person::new(server.address);
    assert_eq!(person.run(&["list"], "").2, "no collections: bulla send makes one\n");
    assert_eq!(person.run(&["send", "people", "name=Ada", "age:=36"], "").1, "stored in people as record 1\n");
    person.run(&["send", "people", "name=Bob", "tags:=[1]"], "");
    let (code, stdout, stderr) = person.run(&["list", "people"], "");
    assert_eq!((code, stderr.as_str()), (0, "2 records\n"));
    let lines: Vec<_> = stdout.lines().map(columns).collect();
    assert_eq!(lines[0], ["id", "received", "name", "age", "tags"]);
    assert_eq!(lines[1], ["1", "2026-01-02T03:04:05Z", "Ada", "36"]);
    assert_eq!(lines[2], ["2", "2026-01-02T03:04:05Z", "Bob", "[1]"]);
    let (_, stdout, _) = person.run(&["list"], "");
    assert_eq!(stdout.lines().map(columns).collect::<Vec<_>>(), [["collection", "records"], ["people", "2"]]);
    let (_, stdout, _) = person.run(&["get", "people", "1"], "");
    let expected = "record 1 of people, received 2026-01-02T03:04:05Z from ada as json\n{\n  \"name\": \"Ada\",\n  \"age\": 36\n}\n";
    assert_eq!(stdout, expected);
}

#[test]
fn documents_without_fields_in_common_are_shown_whole() {
    let server = serve(&["json"], store(&["json"]));
    let person = Person::new(server.address);
    person.run(&["send", "mixed", "-"], "[1, 2]\n{\"a\": null}\n");
    let (_, stdout, _) = person.run(&["list", "mixed"], "");
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(columns(lines[0]), ["id", "received", "document"]);
    assert!(lines[1].contains("[1, 2]") && lines[2].contains("{\"a\": null}"), "{stdout}");
}

#[test]
fn json_is_asked_for_on_a_terminal_too() {
    let server = serve(&["json"], store(&["json"]));
    let person = Person::new(server.address);
    assert_eq!(person.run(&["--json", "send", "people", "a=1"], "").1, "{\"collection\":\"people\",\"id\":1}\n");
    assert!(person.run(&["list", "people", "--json"], "").1.starts_with("{\"id\":1,"));
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let server = serve(&["json"], store(&["json"]));
    let mut person = Person::new(server.address);
    person.run(&["send", "people", "a=1"], "");
    for colours in [false, true] {
        person.colours = colours;
        for arguments in [&["list", "people"][..], &["get", "people", "1"], &["get", "people", "9"], &["--help"]] {
            let (_, stdout, stderr) = person.run(arguments, "");
            assert_eq!((stdout + &stderr).contains('\u{1b}'), colours, "{arguments:?}");
        }
    }
}

#[test]
fn what_others_stored_cannot_steer_the_terminal() {
    let server = serve(&["json"], store(&["json"]));
    let person = Person::new(server.address);
    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\r";
    person.run(&["send", hostile, &format!("{hostile}={hostile}"), "ok=1"], "");
    person.run(&["send", "people", &format!("{hostile}={hostile}")], "");
    person.run(&["send", "people", &format!("list:=[\"{}\"]", "\\u001b[2J\\u202e")], "");
    for arguments in [
        &["list"][..],
        &["list", "people"],
        &["get", "people", "2"],
        &["list", "people", "--json"],
        &["get", hostile, "1"],
        &["get", hostile, "77"],
    ] {
        let (_, stdout, stderr) = person.run(arguments, "");
        let shown = stdout + &stderr;
        let harmless = |c: char| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(shown.chars().all(harmless), "{arguments:?}: {}", shown.escape_debug());
    }
}

#[test]
fn a_person_types_and_ends_with_ctrl_d() {
    let server = serve(&["json", "yaml"], store(&["json", "yaml"]));
    let person = Person::new(server.address);
    let (code, stdout, stderr) = person.run(&["form", "people", "name", "age:int?"], "Ada\n\n2\n");
    assert_eq!((code, stdout.as_str()), (0, "stored in people as record 1\n"));
    let asked =
        "name: age (int, optional):   1) json\n  2) yaml\ncodec [1]: another one? [Y/n]: \n1 stored in people\n";
    assert_eq!(stderr, asked);
}

#[test]
fn what_was_sealed_is_shown_only_if_it_is_text() {
    let person = Person::new("127.0.0.1:1");
    for (secret, code) in [("Grüße,\tAda\r\n", 0), ("\u{1b}[2J", 2), ("\u{9b}2J", 2), ("\0", 2)] {
        let (_, token, _) = person.run(&["seal"], secret);
        let (found, stdout, stderr) = person.run(&["open"], &token);
        assert_eq!((found, stdout.as_str()), (code, if code == 0 { secret } else { "" }), "{stderr}");
        assert!(code == 0 || stderr.contains("no plain text, and could steer the terminal"), "{stderr}");
    }
}

#[test]
fn who_types_is_told_what_is_waited_for() {
    let server = serve(&["json"], store(&["json"]));
    let person = Person::new(server.address);
    let lines = "type one JSON document a line; Ctrl-D ends the input\n";
    let (code, stdout, stderr) = person.run(&["send", "people", "-"], "{\"a\":1}\nno\n{\"refuse\":1}\n");
    assert_eq!((code, stdout.as_str()), (7, "1 of 3 documents acknowledged\n"));
    assert!(stderr.starts_with(&format!("{lines}error: line 2: not JSON: ")), "{stderr}");
    let document = "type what is to be read; Ctrl-D ends the input\n";
    assert_eq!(person.run(&["call", "echo", "-"], "[1]").2, document);
    assert_eq!(person.run(&["seal"], "secret").2, document);
    assert_eq!(person.run(&["seal", "--json"], "secret").2, "");
    let (streams, _) = serve_streams(Limits::default());
    assert_eq!(Person::new(streams.address).run(&["stream", "sum"], "1\n2\n"), (0, "3\n".to_owned(), lines.to_owned()));
}

#[test]
fn a_bench_shows_a_table_and_bars() {
    let server = serve(&["json"], store(&["json"]));
    let person = Person::new(server.address);
    let (code, stdout, _) = person.run(&["bench", "--count", "50", "--warm-up", "0s"], "");
    assert_eq!(code, 0);
    let lines: Vec<_> = stdout.lines().collect();
    assert!(lines[0].starts_with(&format!("echo at {}: json, 125 bytes a request, ", server.address)), "{stdout}");
    assert!(lines[0].contains("1 connection × 64 in flight: 50 calls in "), "{stdout}");
    assert_eq!(columns(lines[1]), ["calls", "a", "second", "MB/s", "p50", "p90", "p99", "p99.9", "max"], "{stdout}");
    assert!(lines[3..].iter().any(|line| line.contains("% ") && line.contains('█')), "{stdout}");
}
