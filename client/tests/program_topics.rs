//! `bulla publish`, `bulla subscribe` and `bulla list --follow` against the stock services, as people and scripts would use them.
#![cfg(feature = "program")]
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use bulla_core::key::KeyRing;
use bulla_server::services::records::Records;
use bulla_server::services::topics::Topics;
use bulla_server::{Server, ServerHandle};
use tempfile::TempDir;

use crate::common::bulla::Bulla;
use crate::common::{ALL, codecs, eventually, key};

struct Stock {
    server: ServerHandle,
    topics: Topics,
    bulla: Bulla,
    _folder: TempDir,
}

fn stock() -> Stock {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path().join("records.db"), Vec::new()).unwrap();
    let topics = Topics::default();
    let builder = Server::builder().listen("127.0.0.1:0").unwrap().keys(KeyRing::single(key(7)));
    let builder = builder.codecs(codecs()).accept(ALL).service(records).service(topics.clone());
    let server = builder.spawn().unwrap();
    let bulla = Bulla::new(server.addresses()[0].to_string(), &key(7));
    Stock { server, topics, bulla, _folder: folder }
}

impl Stock {
    fn count(&self, what: &str) -> u64 {
        let summary = self.topics.summary();
        summary.as_map().unwrap().get(what).unwrap().as_integer().unwrap().try_into().unwrap()
    }

    /// Starts `bulla subscribe` with these arguments, and waits until it holds.
    fn subscribe(&self, arguments: &[&str]) -> Running {
        let before = self.count("subscriptions");
        let running = Running::start(&self.bulla, &[&["subscribe"], arguments].concat());
        eventually("it is subscribed", || self.count("subscriptions") == before + 1);
        running
    }
}

/// The program while it runs.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(bulla: &Bulla, arguments: &[&str]) -> Self {
        let mut command = bulla.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn interrupt(&self) {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits for the end: exit code, the rest of the output, and the errors.
    fn finish(mut self) -> (Option<i32>, String, String) {
        drop(self.child.stdin.take());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap().code(), stdout, stderr)
    }
}

fn ended(code: i32, stdout: &str) -> (Option<i32>, String, String) {
    (Some(code), stdout.to_owned(), String::new())
}

#[test]
fn documents_of_every_kind_are_shown_as_they_come() {
    let stock = stock();
    let mut all = stock.subscribe(&["sensors.>", "alarms"]);
    let one = stock.subscribe(&["sensors.*.c", "--count", "2", "--codec", "xml"]);
    assert_eq!(stock.bulla.ok(&["publish", "sensors.kitchen.c", "celsius:=21.5", "by=Ada", "--codec", "yaml"]), "2\n");
    assert_eq!(all.line(), r#"{"topic":"sensors.kitchen.c","sequence":1,"value":{"celsius":21.5,"by":"Ada"}}"#);
    assert_eq!(
        stock.bulla.ok(&["publish", "alarms", "[1, \"two\"]", "--json"]),
        "{\"messages\":1,\"delivered\":1,\"missed\":0}\n"
    );
    assert_eq!(all.line(), r#"{"topic":"alarms","sequence":2,"value":[1,"two"]}"#);
    stock.bulla.write("note.yaml", "a: ~\n");
    assert_eq!(stock.bulla.ok(&["publish", "sensors.cellar.c", "@note.yaml", "--codec", "bincode"]), "2\n");
    assert_eq!(all.line(), r#"{"topic":"sensors.cellar.c","sequence":3,"value":{"a":null}}"#);
    let shown = concat!(
        r#"{"topic":"sensors.kitchen.c","sequence":1,"value":{"celsius":21.5,"by":"Ada"}}"#,
        "\n",
        r#"{"topic":"sensors.cellar.c","sequence":3,"value":{"a":null}}"#,
        "\n"
    );
    assert_eq!(one.finish(), ended(0, shown));
    assert_eq!(stock.bulla.ok(&["publish", "nobody.listens"]), "0\n");
    all.interrupt();
    assert_eq!(all.finish(), ended(0, ""), "Ctrl-C is how it ends");
    eventually("both are forgotten", || stock.count("subscriptions") == 0);
}

#[test]
fn lines_are_published_in_order_and_bad_ones_are_named() {
    let stock = stock();
    let numbers = stock.subscribe(&["numbers", "--count", "3000"]);
    let lines: String = (1..=3000).map(|number| format!("{number}\n")).collect();
    let input = format!("\nnot json\n{lines}");
    let run = stock.bulla.run_with(&["publish", "numbers", "-", "--codec", "bincode"], input);
    assert_eq!((run.code, run.stdout.as_str()), (7, "3000\n"));
    assert!(run.stderr.starts_with("error: line 2: not JSON: expected ident at column 2\n"), "{}", run.stderr);
    assert!(run.stderr.ends_with("error: 1 document was not published; its line is named above\n"), "{}", run.stderr);
    let (code, stdout, stderr) = numbers.finish();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let shown = (1..=3000).map(|n| format!("{{\"topic\":\"numbers\",\"sequence\":{n},\"value\":{n}}}"));
    assert!(stdout.lines().eq(shown), "{stdout:.1000}");
}

#[test]
fn each_line_goes_out_when_it_comes() {
    let stock = stock();
    let mut subscriber = stock.subscribe(&["chat.*"]);
    let mut publisher = Running::start(&stock.bulla, &["publish", "chat.ada", "-"]);
    for word in ["one", "two"] {
        writeln!(publisher.child.stdin.as_mut().unwrap(), "\"{word}\"").unwrap();
        assert!(subscriber.line().contains(&format!("\"value\":\"{word}\"")));
    }
    assert_eq!(publisher.finish(), ended(0, "2\n"));
}

#[test]
fn ctrl_c_ends_a_publisher_that_waits_for_its_input() {
    let stock = stock();
    let mut subscriber = stock.subscribe(&["chat"]);
    let mut publisher = Running::start(&stock.bulla, &["publish", "chat", "-"]);
    writeln!(publisher.child.stdin.as_mut().unwrap(), "1").unwrap();
    subscriber.line();
    publisher.interrupt();
    let mut stderr = String::new();
    publisher.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((publisher.child.wait().unwrap().code(), stderr.as_str()), (Some(130), "error: interrupted\n"));
}

#[test]
fn a_reader_that_goes_away_ends_what_waits() {
    let stock = stock();
    stock.bulla.ok(&["send", "people", "name=Ada"]);
    let follower = Running::start(&stock.bulla, &["list", "people", "--follow"]);
    let subscriber = stock.subscribe(&["chat"]);
    stock.bulla.ok(&["publish", "chat", "1"]);
    for mut waiting in [follower, subscriber] {
        waiting.line();
        let Running { mut child, stdout } = waiting;
        drop(stdout);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn what_cannot_come_is_told_in_its_place() {
    let stock = stock();
    let mut json = stock.subscribe(&["odd", "--codec", "json"]);
    let client = common_client(&stock, "bincode");
    let published = client.topics().publish("odd", &bulla_core::value::Value::from(vec![0_u8])).unwrap();
    assert_eq!((published.delivered, published.missed), (0, 1));
    let gap = r#"{"gap":{"cause":"codec","count":1,"topic":"odd","sequence":1,"reason":"as json: this codec cannot carry bytes in a document"}}"#;
    assert_eq!(json.line(), gap);
}

fn common_client(stock: &Stock, codec: &str) -> bulla_client::Client {
    let address = stock.server.addresses()[0].to_string();
    bulla_client::Client::builder().server(address).key(key(7)).codecs(codecs()).offer([codec]).connect().unwrap()
}

#[test]
fn what_is_refused_is_said_and_ends_have_exit_codes() {
    let stock = stock();
    let run = stock.bulla.run(&["publish", "a..b", "1"]);
    assert_eq!(run.code, 6);
    let expected =
        "error: the server refused topics.publish: INVALID_ARGUMENT: no topic \"a..b\": a segment is empty\n";
    assert_eq!(run.stderr, expected);
    let run = stock.bulla.run_with(&["publish", "*", "-"], "1\n2\n");
    assert_eq!((run.code, run.stdout.as_str()), (6, ""), "{}", run.stderr);
    assert!(run.stderr.contains("no topic \"*\""), "{}", run.stderr);
    assert_eq!(stock.bulla.run(&["subscribe", ">.a"]).code, 6);
    assert_eq!(stock.bulla.run(&["subscribe"]).code, 2);
    let run = stock.bulla.run(&["publish", "a", "1", "x=2"]);
    assert_eq!((run.code, run.stderr.contains("1 is no field")), (2, true), "{}", run.stderr);

    let short = stock.subscribe(&["a", "--count", "2"]);
    short.interrupt();
    assert_eq!(short.finish().0, Some(130), "it has not come so far");
    let left = stock.subscribe(&["a"]);
    let Stock { server, .. } = stock;
    server.drain(std::time::Duration::from_secs(30));
    let gone = "error: the server has ended it: it is going away\n".to_owned();
    assert_eq!(left.finish(), (Some(9), String::new(), gone));
}

#[test]
fn a_collection_is_followed() {
    let stock = stock();
    let send = |name: &str| stock.bulla.ok(&["send", "people", &format!("name={name}")]);
    send("Ada");
    let mut follow = Running::start(&stock.bulla, &["list", "people", "--follow"]);
    let name = |line: String| line.rsplit_once("\"document\":").unwrap().1.to_owned();
    assert_eq!(name(follow.line()), r#"{"name":"Ada"}}"#);
    send("Bob");
    assert_eq!(name(follow.line()), r#"{"name":"Bob"}}"#);
    let later = Running::start(&stock.bulla, &["list", "people", "--follow", "--after", "1", "--limit", "2"]);
    send("Cyd");
    assert_eq!(name(follow.line()), r#"{"name":"Cyd"}}"#);
    follow.interrupt();
    assert_eq!(follow.finish(), ended(0, ""));
    let (code, stdout, _) = later.finish();
    let ids: Vec<&str> = stdout.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!((code, ids), (Some(0), vec![r#"{"id":2"#, r#"{"id":3"#]));
    assert_eq!(stock.bulla.run(&["list", "--follow"]).code, 2);
}
