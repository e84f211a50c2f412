//! What the program says when it has started.

use std::fmt::Write as _;
use std::io::Write as _;

use bulla_core::text::escape;

use crate::program::serve::{db_path, key_path};
use crate::program::{DEFAULT_KEY, DEFAULT_LISTEN, Options, Running};

/// The longest path that is shown, in characters.
const MAX_PATH: usize = 300;

/// Says on the standard output what was done and what to type next; in a log of JSON, one line.
pub(crate) fn print(running: &Running, options: &Options) {
    let handle = running.handle();
    let addresses: Vec<String> = handle.addresses().iter().map(ToString::to_string).collect();
    let codecs: Vec<String> = handle.facts().codecs.iter().map(ToString::to_string).collect();
    if options.json.unwrap_or_default() {
        tracing::info!(addresses = addresses.join(","), codecs = codecs.join(","), "listening");
        return;
    }
    let text = compose(running, options, &addresses, &codecs);
    let mut out = anstream::stdout();
    // Whoever closed the output does not want to read it; the server serves all the same.
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        tracing::warn!("cannot write to the standard output: {error}");
    }
}

fn compose(running: &Running, options: &Options, addresses: &[String], codecs: &[String]) -> String {
    let bold = anstyle::Style::new().bold();
    let key = escape(&key_path(options).display(), MAX_PATH);
    let db = escape(&db_path(options).display(), MAX_PATH);
    let mut text = String::new();
    if running.key_made() {
        text += &format!("made {key}: clients need a copy of it, and nobody else must have one\n");
    }
    let files = options.files.as_ref().map(|folder| format!(", files in {}", escape(&folder.display(), MAX_PATH)));
    text += &format!("keys from {key}, records in {db}{}\n", files.as_deref().unwrap_or_default());
    text += &format!("accepting {}\n", codecs.join(", "));
    for address in addresses {
        // Writing to a string does not fail.
        let _ = writeln!(text, "listening on {bold}{address}{bold:#}");
    }
    let mut client = "bulla".to_owned();
    if let Some(address) = addresses.first().filter(|address| *address != DEFAULT_LISTEN) {
        client += &format!(" --server {address}");
    }
    if key != DEFAULT_KEY {
        client += &format!(" --key {key}");
    }
    text += "next, in another terminal:\n";
    let put = files.is_some().then_some(("put report.pdf", "store a file; fetch gets it back"));
    let commands = [("ping", "is it there?"), ("send people name=Ada age:=36", "store a document")];
    for (command, why) in commands.into_iter().chain(put).chain([("list people", "read it back")]) {
        let _ = writeln!(text, "  {bold}{client} {command:30}{bold:#}# {why}");
    }
    text
}
