//! A peer in Python: what another implementation reads from our bytes, and what it writes for us.

use std::io::Write;
use std::process::{Command, Stdio};

/// Runs a script in `python3` with `input` on its standard input, and gives its standard output.
///
/// `None` if there is no `python3`, or it lacks one of the `modules`: then the standard error says that the test is skipped.
///
/// # Panics
/// If the script fails: what it said is on the standard error.
#[must_use]
pub fn run(modules: &[&str], script: &str, input: &[u8]) -> Option<Vec<u8>> {
    if let Some(missing) = missing(modules) {
        eprintln!("skipped: no {missing} here");
        return None;
    }
    let mut python = Command::new("python3")
        .args(["-I", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 started a moment ago");
    let mut stdin = python.stdin.take().expect("the standard input is piped");
    // Python reads all of it before it writes, so neither waits for the other. One that fails early breaks the pipe: its status tells.
    drop(stdin.write_all(input));
    drop(stdin);
    let output = python.wait_with_output().expect("python3 ends");
    assert!(output.status.success(), "the script failed: {}", output.status);
    Some(output.stdout)
}

fn missing<'a>(modules: &[&'a str]) -> Option<&'a str> {
    let imports = |module: &str| {
        let mut python = Command::new("python3");
        python.args(["-I", "-c", &format!("import {module}")]).stderr(Stdio::null());
        python.status().is_ok_and(|status| status.success())
    };
    if !imports("sys") {
        return Some("python3");
    }
    modules.iter().copied().find(|module| !imports(module))
}
