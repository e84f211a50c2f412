//! `bulla-server build`: programs with other codecs, and what is told when there is none to make.
//!
//! What compiles programs takes minutes, and is left out unless it is asked for:
//! `cargo test -p bulla-server --test build -- --ignored`.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use self::common::program::{BINARY, Program, finish, isolate};

/// The checkout that this test is part of.
fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A folder to build in.
struct Workshop {
    folder: TempDir,
}

impl Workshop {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a crate into a folder of its name, and gives its `--with`.
    fn write_crate(&self, name: &str, dependencies: &str, code: &str) -> String {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"1.2.3\"\nedition = \"2024\"\n[dependencies]\n{dependencies}\n"
        );
        fs::create_dir_all(self.at(name).join("src")).unwrap();
        fs::write(self.at(name).join("Cargo.toml"), manifest).unwrap();
        fs::write(self.at(name).join("src/lib.rs"), code).unwrap();
        format!("{name}={name}")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        isolate(&mut command, self.folder.path());
        // What is compiled for this test serves here, too; and what was fetched for it is all that is needed.
        command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap());
        command.env("CARGO_NET_OFFLINE", "true");
        command.args(["build", "--dir", "cache", "--profile", "dev"]).args(arguments);
        command
    }

    /// The same with the crates of this checkout: exit code, standard output and standard error.
    fn build(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).arg("--bulla").arg(checkout()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// What a build that fails says last.
    fn refusal(&self, arguments: &[&str]) -> (i32, String) {
        let (code, stdout, stderr) = self.build(arguments);
        assert_eq!(stdout, "", "{arguments:?}");
        let line = stderr.lines().last().unwrap_or_default();
        (code, line.strip_prefix("error: ").unwrap_or(line).to_owned())
    }
}

/// A codec of this name in its crate, over JSON.
fn codec(name: &str) -> String {
    format!(
        r#"
        use bulla_core::codec::{{Capabilities, Codec, CodecName, DecodeError, EncodeError}};
        use serde::{{Serialize, de::DeserializeSeed}};
        pub struct Mine;
        bulla_core::register_codec!(Mine);
        impl Codec for Mine {{
            const NAME: CodecName = CodecName::new("{name}");
            const MEDIA_TYPE: &'static str = "application/x-mine";
            fn capabilities(&self) -> Capabilities {{ Capabilities::all() }}
            fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {{
                serde_json::to_writer(out, value).map_err(EncodeError::new)
            }}
            fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {{
                seed.deserialize(&mut serde_json::Deserializer::from_slice(input)).map_err(DecodeError::new)
            }}
        }}
        "#
    )
}

const CORE: &str = "bulla-core = { version = \"0.1\", default-features = false }";

#[test]
fn what_is_said_wrongly_is_refused_before_cargo_is_asked() {
    let shop = Workshop::new();
    shop.write_crate("other", "", "");
    fs::create_dir(shop.at("folder")).unwrap();
    for (arguments, code, words) in [
        (&["--with", "a=nowhere"][..], 10, "no crate a in nowhere: No such file"),
        (&["--with", "a=other"], 10, "the crate there is \"other\""),
        (&["--with", "a=folder"], 10, "folder: Cargo.toml: No such file"),
        (&["--with", "a", "--with", "a@1"], 2, "a is asked for twice"),
        (&["--without", "ron"], 2, "no codec ron to leave out: linked without asking are bincode, cbor, "),
        (&["--with", "other=other", "-o", "folder"], 13, "cannot write folder: is a directory"),
        (&["--with", "other=other", "-o", "no/where"], 13, "cannot write no/where: No such file"),
    ] {
        let (found, line) = shop.refusal(arguments);
        assert_eq!(found, code, "{arguments:?}: {line}");
        assert!(line.contains(words), "{arguments:?}: {line}");
    }
    for arguments in [&[][..], &["--with", "no name"], &["--with", "a@new"], &["--with", "bulla-core"]] {
        assert_eq!(shop.build(arguments).0, 2, "{arguments:?}");
    }
    let (code, _, stderr) = finish(shop.command(&["--with", "other=other"]).arg("--bulla").arg("other"));
    assert_eq!((code, stderr.contains("no crate bulla-core in ")), (10, true), "{stderr}");
    let (code, _, stderr) = finish(shop.command(&["--with", "other=other"]).env("CARGO", "no-such-cargo"));
    assert_eq!((code, stderr.contains("cannot run cargo")), (9, true), "{stderr}");
    assert_eq!(fs::read_dir(shop.at("folder")).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_linked_is_refused_before_it_is_compiled() {
    let shop = Workshop::new();
    shop.write_crate("bulla-core", "", "");
    fs::write(shop.at("bulla-core/Cargo.toml"), "[package]\nname = \"bulla-core\"\nversion = \"9.9.9\"\n").unwrap();
    let far = shop.write_crate("far", "bulla-core = { path = \"../bulla-core\" }", "");
    let plain = shop.write_crate("plain", "", "");
    let program = shop.write_crate("program", CORE, "");
    fs::rename(shop.at("program/src/lib.rs"), shop.at("program/src/main.rs")).unwrap();
    let absent = shop.write_crate("absent", "no-such-crate-anywhere = \"1\"", "");
    for (with, code, words) in [
        (&far, 10, "more than one bulla-core would be linked, and codecs of one are invisible to the other: "),
        (&far, 10, "9.9.9 for far"),
        (&plain, 12, "plain is no codec: it does not depend on bulla-core"),
        (&program, 12, "program has no library"),
        (&absent, 10, "the registry has no crate no-such-crate-anywhere"),
    ] {
        let (found, line) = shop.refusal(&["--with", with]);
        assert_eq!(found, code, "{with}: {line}");
        assert!(line.contains(words), "{with}: {line}");
    }
    // Of the same version, but from elsewhere.
    let copy = format!("[package]\nname = \"bulla-core\"\nversion = \"{}\"\n", env!("CARGO_PKG_VERSION"));
    fs::write(shop.at("bulla-core/Cargo.toml"), copy).unwrap();
    let (code, line) = shop.refusal(&["--with", &far]);
    assert!(code == 10 && line.starts_with("more than one bulla-core would be linked"), "{line}");
}

#[test]
#[ignore = "compiles programs"]
fn what_has_no_codec_to_offer_is_found_out() {
    let shop = Workshop::new();
    let both = format!("{CORE}\nserde = \"1\"\nserde_json = \"1\"");
    let broken = shop.write_crate("broken", CORE, "compile_error!(\"not today\");");
    let (code, _, stderr) = shop.build(&["--with", &broken]);
    assert_eq!(code, 11, "{stderr}");
    assert!(stderr.contains("not today") && stderr.ends_with("cargo's words stand above\n"), "{stderr}");
    let silent = shop.write_crate("silent", CORE, "pub use bulla_core::codec::Codec;");
    let words = "silent is linked, but registers no codec: does it say bulla_core::register_codec!(…)?";
    assert_eq!(shop.refusal(&["--with", &silent]), (12, words.to_owned()));
    let mine = shop.write_crate("my-json", &both, &codec("json"));
    let (code, line) = shop.refusal(&["--with", &mine, "--client"]);
    assert_eq!(code, 12);
    let words = "two codecs are named json: one from bulla-codec-json 0.1.0, one from my-json 1.2.3";
    assert!(line.starts_with(words) && line.ends_with("--without"), "{line}");
    assert!(!shop.at("bulla").exists() && !shop.at("bulla-server").exists(), "nothing was put anywhere");
    // Its library may have another name, and the stock codec may make room.
    let manifest = fs::read_to_string(shop.at("my-json/Cargo.toml")).unwrap();
    fs::write(shop.at("my-json/Cargo.toml"), manifest + "[lib]\nname = \"renamed\"\n").unwrap();
    let (code, stdout, stderr) =
        shop.build(&["--with", &mine, "--client", "--without", "json,xml", "--json", "-o", "b"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let made: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let names: Vec<_> =
        made["codecs"].as_array().unwrap().iter().map(|codec| codec["name"].as_str().unwrap()).collect();
    assert_eq!(
        (made["program"].as_str(), names),
        (Some("b"), vec!["bincode", "cbor", "json", "msgpack", "postcard", "yaml"])
    );
}

/// What the README of the codecs says to write, word for word: it keeps the contract without any feature that this workspace switches on.
#[test]
#[ignore = "compiles programs"]
fn the_codec_of_the_readme_passes_the_suite_and_is_linked() {
    let shop = Workshop::new();
    let readme = fs::read_to_string(checkout().join("codecs/README.md")).unwrap();
    let block = |language: &str| {
        let (_, rest) = readme.split_once(&format!("\n```{language}\n")).unwrap();
        rest.split_once("\n```").unwrap().0.to_owned()
    };
    fs::create_dir_all(shop.at("mine/src")).unwrap();
    fs::create_dir_all(shop.at("mine/tests")).unwrap();
    let manifest = block("toml").replace("../bulla", checkout().to_str().unwrap());
    fs::write(shop.at("mine/Cargo.toml"), manifest).unwrap();
    fs::write(shop.at("mine/src/lib.rs"), block("rust")).unwrap();
    fs::write(shop.at("mine/tests/conformance.rs"), block("rust,ignore")).unwrap();

    let mut cargo = Command::new(env!("CARGO"));
    isolate(&mut cargo, &shop.at("mine"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let suite = cargo.arg("test").env("CARGO_TARGET_DIR", target).env("CARGO_NET_OFFLINE", "true").output().unwrap();
    let words = String::from_utf8_lossy(&suite.stdout);
    assert!(suite.status.success(), "{words}\n{}", String::from_utf8_lossy(&suite.stderr));
    assert!(words.contains("test truncation ... ok"), "{words}");

    let (code, stdout, stderr) = shop.build(&["--with", "bulla-codec-mine=mine"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.ends_with("\nmine from bulla-codec-mine 0.1.0\n"), "{stdout}");
}

/// The codec crate that lies outside of the workspace.
#[test]
#[ignore = "compiles programs"]
fn both_programs_speak_a_codec_from_outside() {
    let shop = Workshop::new();
    let with = format!("bulla-codec-smile={}", checkout().join("codecs/outside/smile").display());
    let (code, stdout, stderr) = shop.build(&["--with", &with]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with("made ./bulla-server with bincode, cbor, json, msgpack, postcard, smile, "), "{stdout}");
    assert!(stdout.ends_with("\nsmile from bulla-codec-smile 0.1.0\n"), "{stdout}");
    let (code, _, stderr) = shop.build(&["--with", &with, "--client", "-o", "my-bulla"]);
    assert_eq!((code, stderr.as_str()), (0, ""));

    let place = tempfile::tempdir().unwrap();
    let run = |program: &str| {
        let mut command = Command::new(shop.at(program));
        isolate(&mut command, place.path());
        command
    };
    let mut server = Program::spawn(run("bulla-server").args(["--listen", "127.0.0.1:0"]));
    assert!(server.greeting[0].starts_with("made bulla.key"), "a fresh key: {:?}", server.greeting);
    let address = server.addresses[0].to_string();
    let call =
        |arguments: &[&str]| finish(run("my-bulla").args(["--server", &address, "--codec", "smile"]).args(arguments));
    let document = r#"{"name":"Ada","ratio":0.1,"big":18446744073709551615,"list":[null,true,-1]}"#;
    assert_eq!(call(&["call", "echo", document]), (0, document.to_owned(), String::new()));
    let line = server.wait_for_log("session opened");
    assert!(line.contains("codec=smile"), "{line}");
    assert_eq!(call(&["send", "people", "name=Ada"]).0, 0);
    let (_, listed, _) = call(&["list", "people"]);
    assert!(listed.contains(r#""codec":"smile""#) && listed.contains(r#""document":{"name":"Ada"}"#), "{listed}");
    // A program without the codec is told so.
    let (code, _, words) = finish(run("my-bulla").args(["--server", &address, "--codec", "ron", "ping"]));
    assert_eq!((code, words.contains("this client cannot offer ron")), (5, true), "{words}");
    server.stop();
}
