//! `bulla bench` against a real server: what it counts and how it says so. How fast it was is nobody's business here.
#![cfg(feature = "program")]
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};

use bulla_core::key::KeyRing;
use bulla_core::status::{Code, Status};
use bulla_core::value::Value;
use bulla_server::services::Echo;
use bulla_server::{Context, Server, ServerHandle};
use serde_json::Value as Json;

use crate::common::bulla::Bulla;
use crate::common::{codecs, key};

/// A server with the routes `echo`, `told` (says so on the channel) and `moody` (refuses every second call after the first).
fn server() -> (ServerHandle, Bulla, Receiver<()>) {
    let (tell, told) = channel();
    let asked = AtomicU64::new(0);
    let server = Server::builder()
        .listen("127.0.0.1:0")
        .unwrap()
        .keys(KeyRing::single(key(7)))
        .codecs(codecs())
        .service(Echo)
        .route("told", move |document: Value, _: &Context| {
            // The test may have heard enough.
            let _ = tell.send(());
            Ok(document)
        })
        .route("moody", move |document: Value, _: &Context| match asked.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Ok(document),
            _ => Err(Status::new(Code::ResourceExhausted, "not now")),
        })
        .spawn()
        .unwrap();
    let bulla = Bulla::new(&server.addresses()[0], &key(7));
    (server, bulla, told)
}

fn parse(line: &str) -> Json {
    serde_json::from_str(line).unwrap()
}

#[test]
fn a_number_of_calls_is_made_in_each_codec() {
    let (server, bulla, _told) = server();
    let text = bulla.ok(&[
        "bench",
        "--json",
        "--codec",
        "json,bincode",
        "-c",
        "3",
        "-i",
        "8",
        "--count",
        "1000",
        "--warm-up",
        "0s",
    ]);
    let reports: Vec<Json> = text.lines().map(parse).collect();
    assert_eq!(reports.len(), 2, "{text}");
    for (report, (codec, bytes)) in reports.iter().zip([("json", 125), ("bincode", 118)]) {
        assert_eq!(report["codec"], codec, "{report}");
        assert_eq!(report["calls"], 1000, "{report}");
        assert_eq!((&report["connections"], &report["in_flight"]), (&3.into(), &8.into()), "{report}");
        assert_eq!(report["request_bytes"], bytes, "{report}");
        assert_eq!(report["refused"], Json::Object(serde_json::Map::new()), "{report}");
        assert_eq!(report["interrupted"], false, "{report}");
        let at = |name: &str| report["latency_us"][name].as_f64().unwrap();
        let steps = ["min", "p50", "p90", "p99", "p99.9", "max"].map(at);
        // No call goes through two programs within a microsecond.
        assert!(steps[0] >= 1.0 && steps.is_sorted() && at("mean") > 0.0, "{report}");
        assert!(report["seconds"].as_f64().unwrap() > 0.0 && report["calls_per_second"].as_f64().unwrap() > 0.0);
    }
    // Beside the calls that are counted, one shows whether route and document are right.
    assert_eq!(server.metrics().calls.values().sum::<u64>(), 2002);
}

#[test]
fn one_in_flight_and_a_time_give_an_answer_too() {
    let (_server, bulla, _told) = server();
    let text = bulla.ok(&["bench", "-i", "1", "-d", "50ms", "--warm-up", "10ms", "-p", "1k", "--codec", "xml"]);
    let names: Vec<&str> = text.lines().filter_map(|line| line.split('\t').next()).collect();
    let expected = [
        "codec",
        "calls",
        "seconds",
        "calls_per_second",
        "megabytes_per_second",
        "min_us",
        "mean_us",
        "p50_us",
        "p90_us",
        "p99_us",
        "p99.9_us",
        "max_us",
    ];
    assert_eq!(names, expected, "{text}");
    assert!(text.starts_with("codec\txml\n"), "{text}");
}

#[test]
fn what_is_due_is_made_however_late() {
    let (_server, bulla, _told) = server();
    let text = bulla.ok(&["bench", "--json", "--rate", "500", "-c", "2", "-d", "200ms", "--warm-up", "0s", "-i", "1"]);
    let report = parse(&text);
    assert_eq!((&report["calls"], &report["rate"]), (&100.into(), &500.into()), "{report}");
    assert!(report["latency_us"]["max"].as_f64().unwrap() > 0.0, "{report}");
}

#[test]
fn a_document_of_ones_own_goes_to_any_route() {
    let (_server, bulla, told) = server();
    bulla.write("order.json", r#"{"pieces": 3}"#);
    let text = bulla.ok(&["bench", "told", "--json", "-p", "@order.json", "--count", "5", "--warm-up", "0s"]);
    let report = parse(&text);
    assert_eq!((&report["route"], &report["calls"]), (&"told".into(), &5.into()), "{report}");
    assert_eq!(told.iter().take(6).count(), 6);
}

#[test]
fn refusals_are_counted_and_end_with_their_own_code() {
    let (_server, bulla, _told) = server();
    let run = bulla.run(&["bench", "moody", "--json", "-i", "4", "--count", "99", "--warm-up", "0s"]);
    let report = parse(&run.stdout);
    assert_eq!((&report["calls"], &report["refused"]["RESOURCE_EXHAUSTED"]), (&49.into(), &50.into()), "{report}");
    assert_eq!(run.code, 6);
    assert!(run.stderr.contains("the server refused 50 calls of moody"), "{}", run.stderr);
}

#[test]
fn what_cannot_work_is_said_before_anything_is_measured() {
    let (_server, bulla, _told) = server();
    for (arguments, code, problem) in [
        (&["bench", "nowhere"][..], 6, "UNIMPLEMENTED"),
        (&["bench", "-p", "5m"], 7, "the longest message here is 4194304"),
        (&["bench", "-p", "70m"], 2, "at most 64m"),
        (&["bench", "-p", "1m", "-i", "1024", "-c", "2"], 2, "more than 1024 MiB"),
        (&["bench", "-c", "5000"], 2, "1..=1024"),
        (&["bench", "-d", "1ms"], 2, "between 10ms and 24h"),
        (&["bench", "-p", "@none.json"], 11, "cannot open none.json"),
        (&["bench", "--codec", "nonsense"], 5, "nonsense"),
    ] {
        let run = bulla.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(problem), "{arguments:?}: {}", run.stderr);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_shows_what_was_measured_so_far() {
    let (_server, bulla, told) = server();
    let mut command = bulla.command(&["bench", "told", "--json", "--codec", "json,xml", "-d", "1h", "--warm-up", "0s"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(told.iter().take(200).count(), 200);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let status = child.wait().unwrap();
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
    let report = parse(&stdout);
    assert_eq!((&report["interrupted"], &report["codec"]), (&true.into(), &"json".into()), "{report}");
    assert!(report["calls"].as_u64().unwrap() > 0, "{report}");
}
