//! How the program `bulla` fails: one clear line, and the exit code that its help promises.
#![cfg(feature = "program")]

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bulla_core::key::write_key_file;

use crate::common::bulla::Bulla;
use crate::common::store::store;
use crate::common::{Reply, key, serve};

/// One line, in text and as JSON, both with the same code.
fn expect(bulla: &Bulla, arguments: &[&str], code: i32, message: &str) {
    let run = bulla.run(arguments);
    assert_eq!(
        (run.code, run.stderr.as_str(), run.stdout.as_str()),
        (code, format!("error: {message}\n").as_str(), "")
    );
    let run = bulla.run(&[&["--json"], arguments].concat());
    assert_eq!(run.code, code);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.starts_with("{\"error\":\"") && run.stderr.ends_with("}\n"), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("\"exit_code\":{code}")), "{}", run.stderr);
}

#[test]
fn a_wrong_key_is_named_within_a_second() {
    let server = serve(&["json"], store(&["json"]));
    let bulla = Bulla::new(server.address, &key(7));
    write_key_file(bulla.path().join("other.key"), &key(8), false).unwrap();
    let begin = Instant::now();
    let run = bulla.run(&["--key", "other.key", "ping"]);
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(run.code, 4);
    let message = format!(
        "{}: wrong key: the server does not hold this key; this client showed key id {}: use the server's key file with --key or BULLA_KEY",
        server.address,
        key(8).id()
    );
    expect(&bulla, &["ping", "--key", "other.key"], 4, &message);
}

#[test]
fn a_dead_server_is_named_at_once() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bulla = Bulla::new(address, &key(7));
    let message = format!("no server at {address}: start one, or check the address with --server or BULLA_SERVER");
    let begin = Instant::now();
    expect(&bulla, &["ping"], 3, &message);
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_silent_port_ends_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let held: Vec<_> = listener.incoming().take(2).collect();
        let _ = receiver.recv();
        drop(held);
    });
    let bulla = Bulla::new(address, &key(7));
    let message = format!("{address}: the handshake was not done in time; is it a Bulla server that listens there?");
    expect(&bulla, &["ping", "--timeout", "100ms"], 3, &message);
    drop(sender);
}

#[test]
fn a_port_that_speaks_http_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let bulla = Bulla::new(address, &key(7));
    let message = format!("{address}: the other side speaks HTTP, not Bulla; check the port");
    expect(&bulla, &["ping"], 4, &message);
}

#[test]
fn without_a_common_codec_both_lists_are_shown() {
    let server = serve(&["json", "yaml"], store(&["json", "yaml"]));
    let bulla = Bulla::new(server.address, &key(7));
    let message = format!(
        "{}: no common codec: the server accepts json, yaml; the client offered bincode; offer one that the server accepts with --codec",
        server.address
    );
    expect(&bulla, &["ping", "--codec", "bincode"], 5, &message);
    let run = bulla.run(&["ping", "--codec", "morse"]);
    assert_eq!(run.code, 5);
    assert!(run.stderr.starts_with("error: this client cannot offer morse: it has bincode, cbor, "), "{}", run.stderr);
}

#[test]
fn bad_documents_are_named_before_anything_is_sent() {
    let server = serve(&["json"], store(&["json"]));
    let bulla = Bulla::new(server.address, &key(7));
    bulla.write("bad.json", "{\"a\": }");
    bulla.write("data.txt", "a");
    let run = bulla.run(&["send", "people", "--file", "bad.json"]);
    assert_eq!(run.code, 7);
    assert!(run.stderr.starts_with("error: bad.json is no json document: "), "{}", run.stderr);
    assert_eq!(bulla.run(&["send", "people", "--file", "data.txt"]).code, 7);
    assert_eq!(bulla.run(&["call", "echo", "{"]).code, 7);
    assert_eq!(bulla.run(&["send", "people", "a:=b"]).code, 7);
    bulla.write("bytes.yaml", "data: !!binary AP8=\n");
    let run = bulla.run(&["send", "people", "--file", "bytes.yaml", "--codec", "json"]);
    assert_eq!(run.code, 7);
    let message = "error: this client cannot write the request to records.append as json: this codec cannot carry bytes in a document\n";
    assert_eq!(run.stderr, message);
    assert_eq!(bulla.ok(&["list"]), "");
}

#[test]
fn wrong_usage_is_2() {
    let server = serve(&["json"], store(&["json"]));
    let bulla = Bulla::new(server.address, &key(7));
    let lines: [&[&str]; 7] = [
        &[],
        &["nonsense"],
        &["send", "people"],
        &["send", "people", "name"],
        &["send", "people", "a=1", "-"],
        &["form", "people", "age:integer"],
        &["ping", "--server", "nonsense"],
    ];
    for line in lines {
        let run = bulla.run(line);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{line:?}: {}", run.stderr);
    }
    let run = bulla.run(&["--json", "nonsense"]);
    assert_eq!(run.code, 2);
    assert_eq!(
        run.stderr,
        "{\"error\":\"usage\",\"message\":\"unrecognized subcommand 'nonsense'\",\"exit_code\":2}\n"
    );
}

#[test]
fn usage_errors_say_in_json_what_is_missing() {
    let bulla = Bulla::new("127.0.0.1:1", &key(7));
    let run = bulla.run(&["--json", "send"]);
    let missing = "the following required arguments were not provided: <COLLECTION> <KEY=VALUE|DOCUMENT>...";
    assert_eq!(run.stderr, format!("{{\"error\":\"usage\",\"message\":\"{missing}\",\"exit_code\":2}}\n"));
    let run = bulla.run(&["--json", "--timeout", "5", "ping"]);
    assert!(run.stderr.contains("expected a number and its unit, such as 500ms, 90s or 2m"), "{}", run.stderr);
}

#[test]
fn the_key_file_s_faults_are_8() {
    let server = serve(&["json"], store(&["json"]));
    let bulla = Bulla::new(server.address, &key(7));
    let message = "key file none.key does not exist: make one with `bulla keygen none.key`, copy the server's there, or name another with --key or BULLA_KEY";
    expect(&bulla, &["ping", "--key", "none.key"], 8, message);
    bulla.write("open.key", "x");
    let run = bulla.run(&["ping", "--key", "open.key"]);
    assert_eq!(run.code, 8);
    assert!(run.stderr.contains("is open to other users (mode 0644): chmod 600 open.key"), "{}", run.stderr);
}

#[test]
fn a_file_here_that_cannot_be_used_is_11() {
    let server = serve(&["json"], store(&["json"]));
    let bulla = Bulla::new(server.address, &key(7));
    bulla.write("plain", "x");
    let missing = "cannot open missing.json: No such file or directory (os error 2)";
    let lines: [&[&str]; 6] = [
        &["put", "missing.json"],
        &["send", "people", "--file", "missing.json"],
        &["call", "echo", "@missing.json"],
        &["bench", "--payload", "@missing.json"],
        &["seal", "missing.json"],
        &["open", "missing.json"],
    ];
    lines.iter().for_each(|line| expect(&bulla, line, 11, missing));
    expect(&bulla, &["put", "."], 2, ". has no name of its own in UTF-8: give it one with --as");
    expect(&bulla, &["put", "/"], 2, "/ has no name of its own in UTF-8: give it one with --as");
    expect(&bulla, &["put", ".", "--as", "a"], 11, ". is not an ordinary file");
    expect(&bulla, &["seal", "."], 11, "cannot read .: Is a directory (os error 21)");
    for arguments in [["seal", "plain", "-o", "none/x"], ["fetch", "a", "-o", "none/x"], ["fetch", "a", "-o", "plain"]]
    {
        let run = bulla.run(&arguments);
        assert_eq!(run.code, 11, "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn the_server_s_refusal_is_6_and_a_lost_answer_9() {
    let server = serve(&["json"], |request| match request.open.route.as_str() {
        "slow" => Reply::Silence,
        "die" => Reply::HangUp,
        route => common::refuse(bulla_core::status::Code::NotFound, route),
    });
    let bulla = Bulla::new(server.address, &key(7));
    expect(&bulla, &["call", "other"], 6, "the server refused other: NOT_FOUND: other");
    expect(
        &bulla,
        &["call", "slow", "--timeout", "60ms"],
        9,
        "no answer to slow from the server within 60ms; it may have run",
    );
    let run = bulla.run(&["call", "die"]);
    assert_eq!(run.code, 9);
    assert!(run.stderr.contains("the server may have run it, so look before you repeat it"), "{}", run.stderr);
}
