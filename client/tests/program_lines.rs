//! `bulla send COLLECTION -` when the server goes away: every line is accounted for.
#![cfg(feature = "program")]
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::sync::{Arc, OnceLock};

use bulla_client::records::{Append, Appended};
use bulla_core::key::KeyRing;
use bulla_server::{Context, Control, Server};

use crate::common::bulla::Bulla;
use crate::common::{codecs, key};

/// The numbers in a text.
fn numbers(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[test]
fn no_line_is_passed_over_when_the_server_goes_away() {
    let control = Arc::new(OnceLock::<Control>::new());
    let stop = Arc::clone(&control);
    let append = move |request: Append, _: &Context| {
        let id = request.document.as_integer().unwrap().try_into().unwrap();
        if id == 1000 {
            stop.wait().stop();
        }
        Ok(Appended { id })
    };
    let builder = Server::builder().listen("127.0.0.1:0").unwrap().keys(KeyRing::single(key(7))).codecs(codecs());
    let server = builder.route("records.append", append).spawn().unwrap();
    let _ = control.set(server.control());
    let bulla = Bulla::new(server.addresses()[0].to_string(), &key(7));
    let input: String = (1..=100_000).map(|number| format!("{number}\n")).collect();
    let run = bulla.run_with(&["send", "numbers", "-"], input);
    let (done, total) = match numbers(&run.stdout)[..] {
        [done, total] => (done, total),
        _ => panic!("{}", run.stdout),
    };
    assert!((1..100_000).contains(&done), "{}", run.stdout);
    let mut lines: Vec<&str> = run.stderr.lines().collect();
    let last = lines.pop().unwrap();
    // Each way to fail is named once, with its lines.
    let named: u64 = lines.iter().map(|line| if line.starts_with("error: line ") { 1 } else { numbers(line)[0] }).sum();
    assert_eq!(named, total - done, "{}", run.stderr);
    assert!(lines.len() <= 8, "{}", run.stderr);
    let expected = format!("error: line {} and what follows were not sent: no server at ", total + 1);
    assert!(last.starts_with(&expected), "{last}");
    let code = if done == total { 3 } else { 9 };
    assert_eq!(run.code, code, "what was lost may have been stored");
}
