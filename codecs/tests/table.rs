//! The tables of README.md say what the suite found.
//!
//! `BULLA_UPDATE=1 cargo test -p bulla-codecs --test table` writes them anew.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

use std::fmt::Write;
use std::path::Path;

use bulla_codec_pickle as _;
use bulla_codec_testkit::{Outcome, Property, properties_of};
use bulla_codecs as _;
use bulla_core::codec::{
    Capabilities, Capability, Codec, CodecName, CodecRegistry, DecodeError, DecodeLimits, EncodeError, SharedCodec,
};
use serde::{Serialize, de::DeserializeSeed};

const BEGIN: &str = "<!-- Written by `BULLA_UPDATE=1 cargo test -p bulla-codecs --test table`. -->\n";
const END: &str = "<!-- End of what was written. -->\n";

/// A codec that is known by name alone. So the suite is compiled once for all of them; each crate has it compiled for its own codec.
struct Erased(SharedCodec);

impl Codec for Erased {
    const NAME: CodecName = CodecName::new("erased");
    const MEDIA_TYPE: &'static str = "application/octet-stream";

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.0.encode(value, inner_limits().depth, out)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        self.0.decode_seed(input, seed, inner_limits())
    }
}

/// Of the two adaptors that a value passes here, the outer one keeps the usual limits, and makes two levels of one for codecs that do not
/// describe themselves.
fn inner_limits() -> DecodeLimits {
    let mut limits = DecodeLimits::DEFAULT;
    limits.depth *= 4;
    limits.elements *= 4;
    limits
}

/// One codec's cells, from top to bottom.
type Column = Vec<&'static str>;

fn capabilities(codec: &Erased) -> Column {
    let yes_or_no = |yes: bool| if yes { "yes" } else { "no" };
    let has = codec.capabilities();
    let all = Capability::ALL.into_iter().map(|capability| yes_or_no(has.has(capability)));
    all.chain([yes_or_no(has.is_opt_in())]).collect()
}

fn outcomes(codec: &Erased) -> Column {
    let outcome = |property: Property<Erased>| match (property.check)(codec) {
        // What is hostile is no value that could come back.
        Ok(_) if property.group == "hostile" => "holds",
        Ok(Outcome::Exact) => "exact",
        Ok(Outcome::Refused(_)) => "refused",
        Err(fault) => panic!("{}: {}: {fault}", codec.0.name(), property.name),
    };
    properties_of().into_iter().map(outcome).collect()
}

fn row(out: &mut String, cells: impl IntoIterator<Item = impl AsRef<str>>) {
    let cells: Vec<_> = cells.into_iter().map(|cell| cell.as_ref().to_owned()).collect();
    writeln!(out, "| {} |", cells.join(" | ")).unwrap();
}

/// A Markdown table with a codec in each column.
fn table(title: &str, names: &[String], rows: &[String], columns: &[Column]) -> String {
    let mut out = String::new();
    row(&mut out, [title].into_iter().chain(names.iter().map(String::as_str)));
    row(&mut out, vec!["---"; names.len() + 1]);
    for (at, name) in rows.iter().enumerate() {
        row(&mut out, [name.as_str()].into_iter().chain(columns.iter().map(|column| column[at])));
    }
    out
}

/// Each codec's column, found by a thread of its own.
fn columns(codecs: &[Erased], column: fn(&Erased) -> Column) -> Vec<Column> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = codecs.iter().map(|codec| scope.spawn(move || column(codec))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn tables() -> String {
    let codecs: Vec<_> =
        CodecRegistry::discovered().unwrap().iter().map(|entry| Erased(entry.codec().clone())).collect();
    let names: Vec<_> = codecs.iter().map(|codec| format!("`{}`", codec.0.name())).collect();
    let mut rows: Vec<_> = Capability::ALL.iter().map(|capability| format!("`{}`", capability.name())).collect();
    rows.push("has to be named (opt-in)".to_owned());
    let mut out = table("capability", &names, &rows, &columns(&codecs, capabilities));

    let outcomes = columns(&codecs, outcomes);
    let properties = properties_of::<Erased>();
    let mut done = 0;
    for group in properties.chunk_by(|one, next| one.group == next.group) {
        let rows: Vec<_> = group.iter().map(|property| property.name.replace('_', " ")).collect();
        let cells: Vec<_> = outcomes.iter().map(|column| column[done..done + rows.len()].to_vec()).collect();
        done += rows.len();
        out.push('\n');
        out += &table(&format!("**{}**", group[0].group), &names, &rows, &cells);
    }
    out
}

#[test]
fn the_readme_says_what_the_suite_found() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("a place for the tables");
    let (_, after) = rest.split_once(END).expect("an end of the tables");
    let current = format!("{before}{BEGIN}\n{}\n{END}{after}", tables());
    if std::env::var_os("BULLA_UPDATE").is_some() {
        std::fs::write(&path, &current).unwrap();
    } else {
        assert!(
            readme == current,
            "the tables are not current: BULLA_UPDATE=1 cargo test -p bulla-codecs --test table"
        );
    }
}
