//! `bulla-server build`: a server, or a client, with other codecs linked.
//!
//! A small crate is generated that names the codec crates; cargo compiles it; then the new program is asked for its codecs, so that it is
//! proven and not hoped that each of them is there.

mod cargo;
mod checkout;
mod error;
mod graph;
mod output;
mod project;
mod proof;
mod spec;

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use bulla_core::text::escape;
use clap::Args;

use self::cargo::Cargo;
use self::checkout::{Checkout, absolute, require_crate};
pub use self::error::BuildError;
use self::output::Output;
use self::project::{Project, parse_without};
use self::proof::{Listed, Listing, prove};
use self::spec::{Source, Spec};
use crate::program::Failure;
use crate::program::failure::MAX_PATH;

const AFTER: &str = "\
Examples:
  bulla-server build --with bulla-codec-smile             a server that speaks Smile, too
  bulla-server build --with bulla-codec-smile --client    a client that does
  bulla-server build --with a@1.2 --with b=../b --without xml -o /usr/local/bin/bulla-server

The crate that is generated, its lock file and what cargo compiles stay in --dir, so that the next
build takes seconds. CARGO, CARGO_TARGET_DIR and the other variables of cargo hold.

Exit codes:
   0  done: every crate of --with has registered a codec in the new program
   1  the operating system failed us
   2  wrong usage: no crate to link, not a codec to leave out
   9  cargo is not there
  10  a crate is not there, the versions do not fit together, or there would be two of bulla-core
  11  it does not compile
  12  a crate registers no codec, or two codecs have one name
  13  the program cannot be written where it should go";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Arguments {
    /// Link this crate: the newest from the registry, one that fits a version, or the one in a folder; may be repeated
    #[arg(long, required_unless_present = "without", value_name = "CRATE[@VERSION|=PATH]")]
    with: Vec<Spec>,
    /// Leave this stock codec out; may be repeated
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    without: Vec<String>,
    /// Where to put the program [default: ./bulla-server or ./bulla]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Make the client `bulla` instead of the server
    #[arg(long)]
    client: bool,
    /// Take Bulla and its codecs from this checkout, not from the registry
    #[arg(long, value_name = "FOLDER")]
    bulla: Option<PathBuf>,
    /// Compile with this profile of cargo
    #[arg(long, default_value = "release", value_name = "NAME")]
    profile: String,
    /// Build in this folder [default: bulla in the user's cache folder]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Write JSON: the path of the program and its codecs
    #[arg(long)]
    json: bool,
}

/// Which program is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Server,
    Client,
}

impl Kind {
    /// The name of the program.
    fn file_name(self) -> &'static str {
        match self {
            Self::Server => "bulla-server",
            Self::Client => "bulla",
        }
    }

    /// The name of its crate.
    fn package(self) -> &'static str {
        match self {
            Self::Server => "bulla-server",
            Self::Client => "bulla-client",
        }
    }

    /// The folder of its crate in a checkout.
    fn folder(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// Builds the program, proves its codecs, puts it in its place and says so.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let project = plan(arguments)?;
    let path = arguments.output.clone().unwrap_or_else(|| Path::new(".").join(project.kind.file_name()));
    let output = Output::at(path)?;
    let dir = arguments.dir.clone().or_else(cache).ok_or(BuildError::NoCache)?;
    let (program, listing) = build(&project, &dir, &arguments.profile)?;
    let path = output.install(&program)?;
    let text = if arguments.json { json(&path, &listing) } else { text(&path, &listing, &project) };
    let mut out = anstream::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

/// What is asked for, checked as far as that goes without cargo.
fn plan(arguments: &Arguments) -> Result<Project, BuildError> {
    let bulla = arguments.bulla.as_deref().map(Checkout::open).transpose()?;
    let mut names = HashSet::new();
    if let Some(twice) = arguments.with.iter().find(|spec| !names.insert(&spec.name)) {
        return Err(BuildError::Twice(twice.name.clone()));
    }
    let with: Result<_, _> = arguments.with.iter().map(|spec| settle(spec, bulla.as_ref())).collect();
    let kind = if arguments.client { Kind::Client } else { Kind::Server };
    Ok(Project { kind, with: with?, without: parse_without(&arguments.without)?, bulla })
}

/// A crate by the full path of its folder, if it has one. The codecs of a checkout come from there, unless a version is asked for.
fn settle(spec: &Spec, bulla: Option<&Checkout>) -> Result<Spec, BuildError> {
    let name = &spec.name;
    let folder = match &spec.source {
        Source::Path(folder) => Some(absolute(folder, name)?),
        Source::Newest => bulla.and_then(|checkout| checkout.codec(name)),
        Source::Version(_) => None,
    };
    let Some(folder) = folder else { return Ok(spec.clone()) };
    require_crate(&folder, name)?;
    Ok(Spec { name: name.clone(), source: Source::Path(folder) })
}

/// The folder of the user for what can be made again.
fn cache() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let root = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
    Some(root.join("bulla").join("build"))
}

fn build(project: &Project, dir: &Path, profile: &str) -> Result<(PathBuf, Listing), BuildError> {
    let cargo = Cargo::find(dir.join("target"))?;
    let name = project.name();
    let folder = dir.join(&name);
    let manifest = folder.join("Cargo.toml");
    let main = folder.join("src").join("main.rs");
    fs::create_dir_all(folder.join("src")).map_err(unwritable(&folder))?;
    write(&manifest, &project.manifest())?;
    if !main.exists() {
        // Cargo wants to see one before it tells how the libraries are called.
        write(&main, &project.main(&[]))?;
    }
    start_lock_file(project, &folder.join("Cargo.lock"))?;
    let graph = cargo.resolve(&manifest)?;
    graph.require_one_core()?;
    let libraries: Result<Vec<&str>, _> = project.with.iter().map(|spec| graph.library_of(&spec.name)).collect();
    write(&main, &project.main(&libraries?))?;
    let program = cargo.build(&manifest, profile, &name)?;
    let listing = prove(&program, project.with.iter().map(|spec| &*spec.name))?;
    Ok((program, listing))
}

/// The versions that a checkout was tested with, or none: then cargo takes the newest that fit.
fn start_lock_file(project: &Project, path: &Path) -> Result<(), BuildError> {
    let tested = project.bulla.as_ref().map(Checkout::lock_file).filter(|file| file.is_file());
    let result = match tested {
        Some(file) => fs::read(file).and_then(|content| fs::write(path, content)),
        None if path.exists() => fs::remove_file(path),
        None => Ok(()),
    };
    result.map_err(unwritable(path))
}

fn write(path: &Path, content: &str) -> Result<(), BuildError> {
    // What is the same stays: cargo compiles anew what is younger than its program.
    if fs::read_to_string(path).is_ok_and(|found| found == content) {
        return Ok(());
    }
    fs::write(path, content).map_err(unwritable(path))
}

fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> BuildError {
    move |error| BuildError::Folder { path: path.to_owned(), reason: error.to_string() }
}

fn text(path: &Path, listing: &Listing, project: &Project) -> String {
    let bold = anstyle::Style::new().bold();
    let names: Vec<String> = listing.codecs.iter().map(|codec| escape(&codec.name, 40)).collect();
    let mut text = format!("made {bold}{}{bold:#} with {}\n", escape(&path.display(), MAX_PATH), names.join(", "));
    let is_asked_for = |codec: &&Listed| project.with.iter().any(|spec| spec.name == codec.origin);
    for codec in listing.codecs.iter().filter(is_asked_for) {
        let version = codec.version.as_deref().unwrap_or_default();
        text += &format!("{} from {} {}\n", escape(&codec.name, 40), codec.origin, escape(version, 40));
    }
    text
}

fn json(path: &Path, listing: &Listing) -> String {
    format!("{}\n", serde_json::json!({ "program": path.to_string_lossy(), "codecs": listing.codecs }))
}
