//! The crate that is generated: its manifest and its `main`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use toml::{Table, Value};

use super::checkout::Checkout;
use super::spec::{Source, Spec};
use super::{BuildError, Kind};

/// The version of the crates of Bulla that is linked, if they come from the registry: our own.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The codecs that both programs link by default.
pub(crate) const STOCK: [&str; 7] = ["bincode", "cbor", "json", "msgpack", "postcard", "xml", "yaml"];

/// A program to make: paths are absolute and hold what they should.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Project {
    pub(crate) kind: Kind,
    pub(crate) with: Vec<Spec>,
    /// Names of [`STOCK`].
    pub(crate) without: BTreeSet<&'static str>,
    /// Where the crates of Bulla come from, if not from the registry.
    pub(crate) bulla: Option<Checkout>,
}

impl Project {
    /// The name of the package and of its program: one of its own for each set of codecs, so that builds share a target folder.
    pub(crate) fn name(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.body().hash(&mut hasher);
        format!("{}-{:016x}", self.kind.file_name(), hasher.finish())
    }

    /// Its Cargo.toml.
    pub(crate) fn manifest(&self) -> String {
        format!(
            "# Made by `bulla-server build`.\n[workspace]\n\n[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n{}",
            self.name(),
            self.body()
        )
    }

    /// Its `main.rs`, with the names by which its code links the crates.
    pub(crate) fn main(&self, libraries: &[&str]) -> String {
        let mut text = "//! Made by `bulla-server build`.\n\n".to_owned();
        for library in libraries {
            // Writing to a string does not fail.
            let _ = writeln!(text, "use {library} as _;");
        }
        let call = match self.kind {
            Kind::Server => "bulla_server::program::run(std::env::args_os())",
            Kind::Client => {
                "bulla_client::program::run(std::env::args_os(), &mut bulla_client::program::Streams::standard()).into()"
            }
        };
        let _ = write!(text, "\nfn main() -> std::process::ExitCode {{\n    {call}\n}}\n");
        text
    }

    /// The manifest from the dependencies on.
    fn body(&self) -> String {
        let mut text = "[dependencies]\n".to_owned();
        let mut line = |name: &str, items: &[(&str, Value)]| {
            let items: Vec<String> = items.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            let _ = writeln!(text, "{name} = {{ {} }}", items.join(", "));
        };
        // An exact version, and the same for all: every codec must link this core.
        line("bulla-core", &[self.ours("core"), ("default-features", false.into())]);
        line(self.kind.package(), &self.program());
        for spec in &self.with {
            line(&spec.name, &[source(&spec.source)]);
        }
        if let Some(checkout) = &self.bulla {
            let _ = write!(text, "\n[patch.crates-io]\nbulla-core = {{ path = {} }}\n", path(&checkout.folder("core")));
        }
        let _ = write!(text, "\n{}", self.profile());
        text
    }

    fn program(&self) -> Vec<(&'static str, Value)> {
        let mut items = vec![self.ours(self.kind.folder())];
        if !self.without.is_empty() {
            let features = ["program"].into_iter().chain(STOCK.into_iter().filter(|name| !self.without.contains(name)));
            items.push(("default-features", false.into()));
            items.push(("features", features.map(Value::from).collect::<Vec<_>>().into()));
        }
        items
    }

    /// Where one of our crates comes from.
    fn ours(&self, folder: &str) -> (&'static str, Value) {
        match &self.bulla {
            Some(checkout) => ("path", path(&checkout.folder(folder))),
            None => ("version", format!("={VERSION}").into()),
        }
    }

    fn profile(&self) -> String {
        let profile = self.bulla.as_ref().and_then(|checkout| checkout.profile.clone()).map(Value::Table);
        match profile {
            Some(profile) => toml::to_string(&Table::from_iter([("profile".to_owned(), profile)])).unwrap_or_default(),
            None => "[profile.release]\nlto = \"thin\"\n".to_owned(),
        }
    }
}

/// Finds the names to leave out among those that are there.
pub(crate) fn parse_without(names: &[String]) -> Result<BTreeSet<&'static str>, BuildError> {
    let find = |name: &String| {
        let missing = || BuildError::NotStock { name: bulla_core::text::escape(name, 40), stock: STOCK.join(", ") };
        STOCK.into_iter().find(|stock| stock == name).ok_or_else(missing)
    };
    names.iter().map(find).collect()
}

fn source(source: &Source) -> (&'static str, Value) {
    match source {
        Source::Newest => ("version", "*".into()),
        Source::Version(version) => ("version", version.clone().into()),
        Source::Path(folder) => ("path", path(folder)),
    }
}

fn path(folder: &Path) -> Value {
    Value::from(folder.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(with: &[&str], without: &[&str]) -> Project {
        let without: Vec<String> = without.iter().map(|name| (*name).to_owned()).collect();
        Project {
            kind: Kind::Server,
            with: with.iter().map(|spec| spec.parse().unwrap()).collect(),
            without: parse_without(&without).unwrap(),
            bulla: None,
        }
    }

    #[test]
    fn from_the_registry() {
        let project = project(&["my-codec@1.2", "other=/a/\"b\""], &[]);
        let expected = format!(
            r#"# Made by `bulla-server build`.
[workspace]

[package]
name = "{}"
version = "0.0.0"
edition = "2024"
publish = false

[dependencies]
bulla-core = {{ version = "=0.1.0", default-features = false }}
bulla-server = {{ version = "=0.1.0" }}
my-codec = {{ version = "1.2" }}
other = {{ path = '/a/"b"' }}

[profile.release]
lto = "thin"
"#,
            project.name()
        );
        assert_eq!(project.manifest(), expected);
        assert!(project.manifest().parse::<Table>().is_ok());
    }

    #[test]
    fn from_a_checkout_and_without_some() {
        let mut project = project(&["my-codec"], &["xml", "json", "cbor", "xml"]);
        let checkout = Checkout::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
        let (core, client) = (path(&checkout.folder("core")), path(&checkout.folder("client")));
        (project.kind, project.bulla) = (Kind::Client, Some(checkout));
        let expected = format!(
            r#"[dependencies]
bulla-core = {{ path = {core}, default-features = false }}
bulla-client = {{ path = {client}, default-features = false, features = ["program", "bincode", "msgpack", "postcard", "yaml"] }}
my-codec = {{ version = "*" }}

[patch.crates-io]
bulla-core = {{ path = {core} }}

[profile."#
        );
        let manifest = project.manifest();
        assert!(manifest.contains(&expected), "{manifest}");
        let table: Table = manifest.parse().unwrap();
        assert_eq!(table["profile"]["release"]["lto"].as_str(), Some("thin"), "built as the checkout builds");
    }

    #[test]
    fn main_links_each_library() {
        let server = project(&[], &[]);
        let expected = "//! Made by `bulla-server build`.\n\nuse a as _;\nuse b_c as _;\n\n\
            fn main() -> std::process::ExitCode {\n    bulla_server::program::run(std::env::args_os())\n}\n";
        assert_eq!(server.main(&["a", "b_c"]), expected);
        let client = Project { kind: Kind::Client, ..server };
        assert!(client.main(&[]).contains("bulla_client::program::run("));
    }

    #[test]
    fn each_set_of_codecs_has_a_name_of_its_own() {
        let one = project(&["a"], &[]);
        assert_eq!(one.name(), one.clone().name());
        assert_ne!(one.name(), project(&["a"], &["xml"]).name());
        assert_ne!(one.name(), Project { kind: Kind::Client, ..one.clone() }.name());
        assert!(one.name().starts_with("bulla-server-"));
    }

    #[test]
    fn what_is_stock_is_what_both_programs_link_by_default() {
        for folder in ["../server", "../client"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("Cargo.toml");
            let manifest: Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
            let default = manifest["features"]["default"].as_array().unwrap();
            let names: Vec<_> = default.iter().filter_map(Value::as_str).filter(|name| *name != "program").collect();
            assert_eq!(names, STOCK);
        }
        let refused = parse_without(&["xlm".to_owned()]).unwrap_err();
        assert!(refused.to_string().starts_with("no codec xlm to leave out: linked without asking are bincode, "));
    }
}
