//! The program `bulla` against a small server: every command, as a person or a script would call it.
#![cfg(feature = "program")]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::common::bulla::Bulla;
use crate::common::store::store;
use crate::common::{ALL, TestServer, key, serve};

fn bulla() -> (TestServer, Bulla) {
    let server = serve(&ALL, store(&ALL));
    let bulla = Bulla::new(server.address, &key(7));
    (server, bulla)
}

#[test]
fn keygen_makes_a_key_and_spares_one_that_is_there() {
    let (_server, bulla) = bulla();
    let made = bulla.ok(&["keygen", "--key", "new.key"]);
    assert!(made.starts_with("wrote new.key (key id "), "{made}");
    let before = std::fs::read(bulla.path().join("new.key")).unwrap();
    let run = bulla.run(&["keygen", "new.key"]);
    assert_eq!(run.code, 8);
    assert!(run.stderr.contains("exists already: it was left as it is; --force replaces it"), "{}", run.stderr);
    assert_eq!(std::fs::read(bulla.path().join("new.key")).unwrap(), before);
    bulla.ok(&["keygen", "new.key", "--force", "--json"]);
    assert_ne!(std::fs::read(bulla.path().join("new.key")).unwrap(), before);
}

#[test]
fn ping_measures_and_shows_what_was_agreed() {
    let (_server, bulla) = bulla();
    let text = bulla.ok(&["ping", "-c", "3"]);
    assert!(text.contains("is test-server/1, codec cbor\n3 pings: min "), "{text}");
    let json = bulla.ok(&["--json", "--codec", "yaml,json", "ping"]);
    assert!(json.contains(r#""agent":"test-server/1","codec":"yaml","count":5,"min_us":"#), "{json}");
}

#[test]
fn codecs_are_listed_with_what_the_server_accepts() {
    let server = serve(&["json", "yaml"], store(&["json", "yaml"]));
    let bulla = Bulla::new(server.address, &key(7));
    let text = bulla.ok(&["codecs"]);
    assert!(text.contains("json\tapplication/json\tbulla-codec-json\t0.1.0\tself-describing"), "{text}");
    assert!(!text.contains("accepts"), "{text}");
    let address = server.address.to_string();
    let text = bulla.ok(&["codecs", "--server", &address, "--codec", "yaml"]);
    assert!(text.ends_with(&format!("{address} accepts json, yaml\nchosen: yaml\n")), "{text}");
    let run = bulla.run(&["codecs", "--server", &address, "--codec", "bincode"]);
    assert_eq!(run.code, 5);
    assert!(run.stdout.ends_with(&format!("{address} accepts json, yaml\nchosen: none\n")), "{}", run.stdout);
    let json = bulla.ok(&["codecs", "--server", &address, "--json"]);
    assert!(json.contains(r#""accepts":["json","yaml"],"chosen":"json"}"#), "{json}");
}

#[test]
fn documents_are_sent_listed_and_fetched_in_every_codec() {
    for codec in ALL {
        let (_server, bulla) = bulla();
        assert_eq!(bulla.ok(&["send", "people", "name=Ada", "age:=36", "--codec", codec]), "1\n");
        let expected = format!(
            r#"{{"id":1,"collection":"people","received_at":"2026-01-02T03:04:05Z","codec":"{codec}","peer":"ada","document":{{"name":"Ada","age":36}}}}"#
        );
        assert_eq!(bulla.ok(&["get", "people", "1", "--codec", codec]).trim_end(), expected);
        assert_eq!(bulla.ok(&["list", "people", "--codec", codec]).trim_end(), expected);
        assert_eq!(bulla.ok(&["list", "--codec", codec]), "{\"name\":\"people\",\"records\":1}\n");
    }
}

#[test]
fn files_of_any_linked_format_are_sent() {
    let (_server, bulla) = bulla();
    bulla.write("ada.json", r#"{"name": "Ada"}"#);
    bulla.write("bob.yml", "name: Bob\n");
    bulla.write("cyd", "name: Cyd\n");
    assert_eq!(bulla.ok(&["send", "people", "--file", "ada.json", "--file", "bob.yml"]), "1\n2\n");
    assert_eq!(
        bulla.ok(&["--json", "send", "people", "-f", "cyd", "--from", "yaml"]),
        "{\"collection\":\"people\",\"id\":3}\n"
    );
    assert_eq!(bulla.ok(&["send", "people", "@bob.yml"]), "4\n");
    assert_eq!(bulla.ok(&["send", "people", "@cyd", "--from", "yaml"]), "5\n");
    assert_eq!(bulla.ok(&["send", "people", "{\"name\": \"a=b\"}"]), "6\n");
    assert!(bulla.ok(&["get", "people", "6"]).contains(r#""document":{"name":"a=b"}"#));
    let run = bulla.run(&["send", "people", "{\"name\": \"a=b\""]);
    assert_eq!(run.code, 7, "half a document is no field: {}", run.stderr);
    assert!(bulla.ok(&["get", "people", "3"]).contains(r#""document":{"name":"Cyd"}"#));
}

#[test]
fn a_list_goes_over_all_pages() {
    let (_server, bulla) = bulla();
    let lines: String = (1..=10).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    let run = bulla.run_with(&["send", "numbers", "-"], &lines);
    assert_eq!((run.code, run.stdout.as_str()), (0, "10 of 10 documents acknowledged\n"), "{}", run.stderr);
    let ids = |text: String| -> Vec<String> {
        text.lines().map(|line| line["{\"id\":".len()..].split(',').next().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(bulla.ok(&["list", "numbers"])).len(), 10);
    assert_eq!(ids(bulla.ok(&["list", "numbers", "--after", "4", "--limit", "5"])), ["5", "6", "7", "8", "9"]);
    assert_eq!(bulla.ok(&["list", "nothing"]), "");
}

#[test]
fn a_stream_names_the_lines_that_are_refused() {
    let (_server, bulla) = bulla();
    let input = "{\"a\":1}\n\nnot json\n{\"refuse\":1}\n{\"a\":2}";
    let run = bulla.run_with(&["send", "things", "-"], input);
    assert_eq!((run.code, run.stdout.as_str()), (7, "2 of 4 documents acknowledged\n"));
    assert!(run.stderr.contains("error: line 3: not JSON: expected ident at column 2\n"), "{}", run.stderr);
    let refused = "error: line 4: the server refused records.append: INVALID_ARGUMENT: told to refuse\\u{1b}[31m\n";
    assert!(run.stderr.contains(refused), "{}", run.stderr);
    assert!(
        run.stderr.ends_with("error: 2 documents were not stored; their lines are named above\n"),
        "{}",
        run.stderr
    );
    let run = bulla.run_with(&["send", "things", "-", "--json"], "{\"refuse\":1}");
    assert_eq!((run.code, run.stdout.as_str()), (6, "{\"acknowledged\":0,\"failed\":1}\n"));
    assert!(run.stderr.contains(r#""exit_code":6,"status":"INVALID_ARGUMENT","line":1}"#), "{}", run.stderr);
}

#[test]
fn lines_that_fail_in_one_way_are_one_range() {
    let (_server, bulla) = bulla();
    let run = bulla.run_with(&["send", "things", "-"], "no\nno\n1\n\nno\nnull\nyes\nno\nno\n");
    assert_eq!((run.code, run.stdout.as_str()), (7, "2 of 8 documents acknowledged\n"));
    let lines: Vec<&str> = run.stderr.lines().map(|line| line.split(" not JSON").next().unwrap()).collect();
    let last = "error: 6 documents were not stored; their lines are named above";
    let named =
        ["error: line 1:", "error: 2 lines from 2 to 5:", "error: line 7:", "error: line 8:", "error: line 9:", last];
    assert_eq!(lines, named, "{}", run.stderr);
    let run = bulla.run_with(&["send", "things", "-", "--json"], "no\nno\nno\n");
    assert_eq!(run.stderr.matches("\"line\":").count(), 3, "{}", run.stderr);
}

#[test]
fn thousands_of_lines_are_on_their_way_at_once() {
    let (_server, bulla) = bulla();
    let lines: String =
        (1..=5000).map(|number| format!("{{\"n\":{number},\"text\":\"{}\"}}\n", "x".repeat(100))).collect();
    let run = bulla.run_with(&["send", "numbers", "-", "--codec", "bincode"], lines);
    assert_eq!((run.code, run.stdout.as_str()), (0, "5000 of 5000 documents acknowledged\n"), "{}", run.stderr);
}

#[test]
fn any_route_is_called_with_any_document() {
    let (_server, bulla) = bulla();
    bulla.write("list.yaml", "[1, 2.5, ~]\n");
    assert_eq!(bulla.ok(&["call", "echo", r#"{"b": 1, "a": "ü\u001b"}"#]), "{\"b\":1,\"a\":\"ü\\u001b\"}\n");
    assert_eq!(bulla.ok(&["call", "echo", "@list.yaml"]), "[1,2.5,null]\n");
    assert_eq!(bulla.ok(&["call", "echo"]), "null\n");
    let run = bulla.run_with(&["call", "echo", "-", "--codec", "bincode"], "[true]");
    assert_eq!((run.code, run.stdout.as_str()), (0, "[true]\n"));
    let run = bulla.run(&["call", "nowhere"]);
    assert_eq!(run.code, 6);
    assert_eq!(run.stderr, "error: the server refused nowhere: UNIMPLEMENTED: no route nowhere\n");
}

#[test]
fn a_form_asks_again_chooses_a_codec_and_ends_politely() {
    let (server, bulla) = bulla();
    let fields = ["form", "people", "name", "email?", "age:int"];
    // An empty name and an age that is none are asked for again; yaml is the fifth codec.
    let run = bulla.run_with(&fields, "\nAda\n\nold\n36\n9\n5\nperhaps\ny\nBob\nbob@example.org\n7\nn\n");
    assert_eq!((run.code, run.stdout.as_str()), (0, "1\n2\n"), "{}", run.stderr);
    for remark in
        ["name: ", "email (optional): ", "age (int): ", "name may not stay empty", "expected a whole number", "5) yaml"]
    {
        assert!(run.stderr.contains(remark), "{remark}: {}", run.stderr);
    }
    assert!(run.stderr.ends_with("2 stored in people\n"), "{}", run.stderr);
    let first = bulla.ok(&["get", "people", "1"]);
    assert!(first.contains(r#""codec":"yaml","peer":"ada","document":{"name":"Ada","age":36}"#), "{first}");
    assert!(bulla.ok(&["get", "people", "2"]).contains(r#"{"name":"Bob","email":"bob@example.org","age":7}"#));
    let ends = server.log.ends.lock().unwrap();
    assert!(ends.iter().all(|end| end == "closed by the other side"), "{ends:?}");
}

#[test]
fn a_form_ends_at_the_end_of_the_input() {
    let (_server, bulla) = bulla();
    let run = bulla.run_with(&["form", "people", "name", "--codec", "json"], "Ada\n\nBob\n");
    assert_eq!((run.code, run.stdout.as_str()), (0, "1\n2\n"), "{}", run.stderr);
    let run = bulla.run_with(&["form", "people", "name", "age", "--codec", "json"], "Cyd\n");
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert!(run.stderr.contains("the unfinished document is not sent"), "{}", run.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (_server, bulla) = bulla();
    let lines: String =
        (0..3000).map(|number| format!("{{\"n\":{number},\"pad\":\"{}\"}}\n", "x".repeat(200))).collect();
    assert_eq!(bulla.run_with(&["send", "numbers", "-"], lines).code, 0);
    let mut child = bulla.command(&["list", "numbers"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn completions_name_the_commands() {
    let (_server, bulla) = bulla();
    for shell in ["bash", "zsh", "fish"] {
        assert!(bulla.ok(&["completions", shell]).contains("keygen"));
    }
}

#[test]
fn every_command_teaches_by_example() {
    let (_server, bulla) = bulla();
    let commands = [
        "keygen",
        "ping",
        "codecs",
        "send",
        "list",
        "get",
        "put",
        "fetch",
        "files",
        "remove",
        "form",
        "call",
        "publish",
        "subscribe",
        "stream",
        "bench",
        "seal",
        "open",
        "completions",
    ];
    for command in commands {
        let help = bulla.ok(&[command, "--help"]);
        assert!(help.contains("Example") && help.contains(&format!("bulla {command}")), "{command}: {help}");
    }
    assert!(bulla.ok(&["--help"]).contains("Exit codes:"));
}
