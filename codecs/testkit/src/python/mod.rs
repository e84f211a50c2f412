//! A peer in Python: what another implementation reads from our bytes, and what it writes for us.

mod cases;
mod peer;

use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

pub use self::peer::Peer;

/// The exit code of a script that lacks a module.
const LACKS_A_MODULE: i32 = 77;

/// Runs a script in `python3` with `input` on its standard input, and gives its standard output.
///
/// `None` if there is no `python3`, or it lacks one of the `modules`: then the standard error says that the test is skipped.
///
/// # Panics
/// If the script fails: what it said is on the standard error.
#[must_use]
pub fn run(modules: &[&str], script: &str, input: &[u8]) -> Option<Vec<u8>> {
    let mut python = Command::new("python3");
    python.args(["-I", "-c", &after_imports(modules, script)]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = match python.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Not by `eprintln!`, which a test that passes keeps to itself.
            drop(writeln!(std::io::stderr(), "skipped: no python3 here"));
            return None;
        }
        python => python.expect("python3 starts"),
    };
    let mut stdin = python.stdin.take().expect("the standard input is piped");
    // Python reads all of it before it writes, so neither waits for the other. One that fails early breaks the pipe: its status tells.
    drop(stdin.write_all(input));
    drop(stdin);
    let output = python.wait_with_output().expect("python3 ends");
    if output.status.code() == Some(LACKS_A_MODULE) {
        return None;
    }
    assert!(output.status.success(), "the script failed: {}", output.status);
    Some(output.stdout)
}

fn after_imports(modules: &[&str], script: &str) -> String {
    let imports: String = modules.iter().map(|module| format!("    import {module}\n")).collect();
    format!(
        "import sys\ntry:\n    import sys\n{imports}except ImportError as error:\n    print('skipped:', error, file=sys.stderr)\n    \
         sys.exit({LACKS_A_MODULE})\n{script}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_the_script_writes() {
        let echo = "sys.stdout.buffer.write(sys.stdin.buffer.read() + b'!')";
        // Either there is no Python at all, or it answers.
        assert!(run(&["json"], echo, b"\0\xff").is_none_or(|output| output == b"\0\xff!"));
    }

    #[test]
    fn a_module_that_is_not_there_skips() {
        assert_eq!(run(&["json", "no_module_has_this_name"], "", b""), None);
    }
}
