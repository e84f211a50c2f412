//! The proof: the new program is asked for its codecs.

use std::path::Path;
use std::process::{Command, Stdio};

use bulla_core::text::escape;
use serde::{Deserialize, Serialize};

use super::BuildError;

/// The longest line of the new program that is shown, in characters.
const MAX_LINE: usize = 300;

/// What `codecs --json` says, of either program.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Listing {
    pub(crate) codecs: Vec<Listed>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Listed {
    pub(crate) name: String,
    #[serde(rename = "crate")]
    pub(crate) origin: String,
    pub(crate) version: Option<String>,
}

/// Runs the new program, and checks that each crate has registered a codec of its own.
pub(crate) fn prove<'a>(program: &Path, crates: impl IntoIterator<Item = &'a str>) -> Result<Listing, BuildError> {
    let mut command = Command::new(program);
    command.args(["codecs", "--json"]).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BULLA_")) {
        command.env_remove(name);
    }
    let output = command.output().map_err(|error| BuildError::Mute(error.to_string()))?;
    if !output.status.success() {
        return Err(complaint(&String::from_utf8_lossy(&output.stderr)));
    }
    let listing = serde_json::from_slice(&output.stdout).map_err(|error| BuildError::Mute(escape(&error, MAX_LINE)))?;
    check(listing, crates)
}

fn check<'a>(listing: Listing, crates: impl IntoIterator<Item = &'a str>) -> Result<Listing, BuildError> {
    let is_there = |name: &&str| listing.codecs.iter().any(|codec| codec.origin == *name);
    match crates.into_iter().find(|name| !is_there(name)) {
        Some(name) => Err(BuildError::Unregistered(name.to_owned())),
        None => Ok(listing),
    }
}

/// The client says it in JSON, the server in a line.
fn complaint(stderr: &str) -> BuildError {
    #[derive(Deserialize)]
    struct Complaint {
        message: String,
    }
    let line = stderr.lines().next().unwrap_or_default();
    let message = match serde_json::from_str(line) {
        Ok(Complaint { message }) => message,
        Err(_) => line.trim_start_matches("bulla-server: ").to_owned(),
    };
    let message = escape(&message, MAX_LINE);
    if message.starts_with("two codecs are named ") {
        BuildError::Duplicate(message)
    } else {
        BuildError::Mute(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing() -> Listing {
        serde_json::from_str(r#"{"codecs":[{"name":"a","crate":"codec-a","version":"1.0.0","opt_in":false}]}"#).unwrap()
    }

    #[test]
    fn each_crate_must_be_there_by_its_own_name() {
        assert!(check(listing(), ["codec-a"]).is_ok());
        assert_eq!(check(listing(), ["codec-a", "a"]), Err(BuildError::Unregistered("a".to_owned())));
    }

    #[test]
    fn complaints_of_both_programs_are_understood() {
        let words = "two codecs are named a: one from x 1.0.0, one from y 1.0.0; link only one of them";
        let duplicate = BuildError::Duplicate(words.to_owned());
        assert_eq!(complaint(&format!("bulla-server: {words}\n")), duplicate);
        assert_eq!(complaint(&format!("{{\"error\":\"codec\",\"message\":\"{words}\",\"exit_code\":5}}\n")), duplicate);
        assert_eq!(complaint(""), BuildError::Mute(String::new()));
    }
}
