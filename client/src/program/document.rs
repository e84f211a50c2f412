//! Documents from files, arguments and standard input, in any linked format.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bulla_core::codec::{CodecName, CodecRegistry, DecodeLimits};
use bulla_core::text::escape;
use bulla_core::value::Value;

use super::exit::{Exit, Failure};
use super::field::parse_fields;
use super::json::parse_json;
use super::shell::{Shell, unreadable};

/// The longest document that is read, in bytes: more than any message.
const MAX_DOCUMENT: u64 = 64 << 20;

/// Reads a whole file, or standard input for `-`.
pub(crate) fn read_all(path: &Path, shell: &mut Shell<'_, '_>) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        shell.invite("what is to be read");
        return read_bounded(&mut shell.streams.stdin, "standard input");
    }
    let name = escape(&path.display(), 200);
    let file = File::open(path);
    let mut file = file.map_err(|error| Failure::new(Exit::File, format!("cannot open {name}: {error}")))?;
    read_bounded(&mut file, &name)
}

fn read_bounded(input: &mut dyn Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    input.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).map_err(|error: io::Error| unreadable(name, &error))?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(Failure::new(Exit::Document, format!("{name} is longer than {} MiB", MAX_DOCUMENT >> 20)));
    }
    Ok(bytes)
}

/// Reads a document from a file; its format is `from`, or what its ending says.
pub(crate) fn read_document(path: &Path, from: Option<&str>, shell: &mut Shell<'_, '_>) -> Result<Value, Failure> {
    let codecs = CodecRegistry::discovered().map_err(crate::ConnectError::from)?;
    let format = format_of(path, from, &codecs)?;
    let bytes = read_all(path, shell)?;
    let name = if path == Path::new("-") { "standard input".to_owned() } else { escape(&path.display(), 200) };
    decode(&bytes, format, &codecs)
        .map_err(|error| Failure::new(Exit::Document, format!("{name} is no {format} document: {error}")))
}

fn decode(bytes: &[u8], format: CodecName, codecs: &CodecRegistry) -> Result<Value, String> {
    let codec = codecs.require(&format).map_err(|error| error.to_string())?;
    codec.decode_as(bytes, DecodeLimits::DEFAULT).map_err(|error| error.to_string())
}

/// The codec of a document: the name given, or the one that the file's ending stands for.
fn format_of(path: &Path, from: Option<&str>, codecs: &CodecRegistry) -> Result<CodecName, Failure> {
    let known = || codecs.names().map(|name| name.to_string()).collect::<Vec<_>>().join(", ");
    if let Some(from) = from {
        let found = from.parse().ok().filter(|name| codecs.find(name).is_some());
        let problem =
            || Failure::new(Exit::Codec, format!("no format {}: this program has {}", escape(from, 40), known()));
        return found.ok_or_else(problem);
    }
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    // The one ending in use that is no codec's name.
    let name = if ending == "yml" { "yaml" } else { &ending };
    name.parse().ok().filter(|name| codecs.find(name).is_some()).ok_or_else(|| {
        let path = escape(&path.display(), 200);
        Failure::new(Exit::Document, format!("the ending of {path} names no format: add --from, one of {}", known()))
    })
}

/// A document as an argument: JSON text, `@file`, or `-` for standard input.
pub(crate) fn parse_argument(text: &str, from: Option<&str>, shell: &mut Shell<'_, '_>) -> Result<Value, Failure> {
    match text.strip_prefix('@') {
        Some(path) => read_document(Path::new(path), from, shell),
        None if text == "-" => read_document(Path::new("-"), Some(from.unwrap_or("json")), shell),
        None => parse_json(text.as_bytes()).map_err(|error| {
            let problem = format!("the document is not JSON: {error}; quote it for the shell, or name a file with @");
            Failure::new(Exit::Document, problem)
        }),
    }
}

/// A document as several arguments: its fields, or one argument that is the whole of it.
pub(crate) fn parse_words(words: &[String], from: Option<&str>, shell: &mut Shell<'_, '_>) -> Result<Value, Failure> {
    match words {
        [whole] if whole.starts_with(['@', '{', '[', '"']) || parse_json(whole.as_bytes()).is_ok() => {
            parse_argument(whole, from, shell)
        }
        words if words.iter().any(|word| word == "-") => {
            Err(Failure::new(Exit::Usage, "- stands alone: a document and standard input are not mixed"))
        }
        fields => parse_fields(fields),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_or_the_option_names_the_format() {
        let codecs =
            CodecRegistry::empty().with(bulla_codecs::json::JSON).unwrap().with(bulla_codecs::yaml::YAML).unwrap();
        let format = |path: &str, from| format_of(Path::new(path), from, &codecs).map(|name| name.to_string());
        assert_eq!(format("a.json", None).unwrap(), "json");
        assert_eq!(format("a.YML", None).unwrap(), "yaml");
        assert_eq!(format("a.txt", Some("yaml")).unwrap(), "yaml");
        let message = format("a.txt", None).unwrap_err().message;
        assert_eq!(message, "the ending of a.txt names no format: add --from, one of json, yaml");
        let message = format("a.json", Some("cbor")).unwrap_err().message;
        assert_eq!(message, "no format cbor: this program has json, yaml");
    }
}
