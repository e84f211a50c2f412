//! The settings file.

use std::path::Path;

use bulla_core::text::escape;

use crate::program::{Failure, Options};

/// The longest text about a wrong file that is shown, in characters.
const MAX_REASON: usize = 300;

/// The options, and where they leave something open, what the file says.
pub(crate) fn complete(options: Options, file: Option<&Path>) -> Result<Options, Failure> {
    let Some(path) = file else { return Ok(options) };
    let refused =
        |reason: &dyn std::fmt::Display| Failure::Config { path: path.to_owned(), reason: escape(reason, MAX_REASON) };
    let text = std::fs::read_to_string(path).map_err(|error| refused(&error))?;
    let from_file = toml::from_str(&text).map_err(|error| {
        let line = error.span().map(|span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        refused(&format_args!("{place}{}", error.message()))
    })?;
    Ok(options.or(from_file))
}
