//! `bulla seal` and `bulla open`: round trips, refusals, and the exchange with Python.
#![cfg(feature = "program")]

mod common;

use std::process::Command;

use bulla_core::key::{Key, write_key_file};

use crate::common::bulla::Bulla;
use crate::common::key;

fn bulla() -> Bulla {
    Bulla::new("127.0.0.1:1", &key(7))
}

#[test]
fn what_is_sealed_opens() {
    let bulla = bulla();
    let token = bulla.run_with(&["seal"], "secret\n");
    assert_eq!((token.code, token.stderr.as_str()), (0, ""));
    assert!(token.stdout.starts_with("gAAAA") && token.stdout.lines().count() == 1, "{}", token.stdout);
    let opened = bulla.run_with(&["open", "--ttl", "1h"], &token.stdout);
    assert_eq!((opened.code, opened.stdout.as_str()), (0, "secret\n"));
}

#[test]
fn files_are_sealed_and_opened() {
    let bulla = bulla();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    bulla.write("in.bin", &bytes);
    assert_eq!(bulla.ok(&["seal", "in.bin", "-o", "token"]), "");
    assert_eq!(bulla.ok(&["open", "token", "--output", "out.bin"]), "");
    assert_eq!(std::fs::read(bulla.path().join("out.bin")).unwrap(), bytes);
}

#[test]
fn tokens_that_do_not_open_are_named() {
    let bulla = bulla();
    write_key_file(bulla.path().join("other.key"), &key(8), false).unwrap();
    let token = bulla.run_with(&["seal", "--key", "other.key"], "secret").stdout;
    let run = bulla.run_with(&["open"], &token);
    assert_eq!((run.code, run.stdout.as_str()), (10, ""));
    assert!(run.stderr.contains("sealed with another key"), "{}", run.stderr);
    let run = bulla.run_with(&["open"], "nonsense");
    assert_eq!(run.code, 10);
    // The token of the Fernet specification, from 1985, and its key.
    let specification = Key::parse("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=").unwrap();
    write_key_file(bulla.path().join("spec.key"), &specification, false).unwrap();
    let token = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
    let run = bulla.run_with(&["open", "--key", "spec.key"], token);
    assert_eq!((run.code, run.stdout.as_str()), (0, "hello"));
    let run = bulla.run_with(&["open", "--key", "spec.key", "--ttl", "1day"], token);
    assert_eq!(run.code, 10);
    assert!(run.stderr.contains("the token has expired"), "{}", run.stderr);
}

#[test]
fn python_opens_what_we_seal_and_we_open_what_python_seals() {
    let known = Command::new("python3").args(["-c", "import cryptography.fernet"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no python3 with the package cryptography");
        return;
    }
    let bulla = bulla();
    let python = |script: &str, argument: &str| {
        let script = format!("import sys\nfrom cryptography.fernet import Fernet\n{script}");
        let output =
            Command::new("python3").args(["-c", &script, argument]).current_dir(bulla.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let token = bulla.run_with(&["seal"], "from bulla").stdout;
    let opened = python("f = Fernet(open('bulla.key').read())\nprint(f.decrypt(sys.argv[1].strip()).decode())", &token);
    assert_eq!(opened, "from bulla\n");
    let token =
        python("f = Fernet(open('bulla.key').read())\nprint(f.encrypt(sys.argv[1].encode()).decode())", "from python");
    assert_eq!(bulla.run_with(&["open"], token).stdout, "from python");
    // A key that Python made, straight into a file.
    python("open('python.key', 'wb').write(Fernet.generate_key())\nimport os\nos.chmod('python.key', 0o600)", "");
    let token = bulla.run_with(&["seal", "--key", "python.key"], "again").stdout;
    let opened =
        python("f = Fernet(open('python.key').read())\nprint(f.decrypt(sys.argv[1].strip()).decode())", &token);
    assert_eq!(opened, "again\n");
}
