//! Key files, offline tokens and records against Python's cryptography, both ways. Skipped where it is not installed.
#![cfg(feature = "protocol")]
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use bulla_core::key::{Key, KeyRing, write_key_file};
use bulla_core::record::{LENGTH_PREFIX, Opener, Sealer, SessionKey};
use bulla_core::token::{TokenError, open, open_with_ring, seal};

const NOW: u64 = 1_800_000_000;

/// Each plaintext around the ends of blocks, and one long one.
fn plaintexts() -> Vec<Vec<u8>> {
    [0, 1, 7, 8, 15, 16, 17, 31, 32, 5000].map(|length| (0..length).map(|byte| byte as u8).collect()).to_vec()
}

/// Whether Python's Fernet is there; says so if not.
fn has_python() -> bool {
    let there = Command::new("python3").args(["-c", "import cryptography.fernet"]).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    if !there {
        eprintln!("skipped: python3 with the package cryptography is not installed");
    }
    there
}

/// Runs a script on lines of input and returns its lines of output.
fn python(script: &str, arguments: &[&Path], input: &[String]) -> Vec<String> {
    let script = format!("import sys, base64\nfrom cryptography.fernet import Fernet, InvalidToken\n{script}");
    let mut child = Command::new("python3")
        .arg("-c")
        .arg(script)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The scripts read all of their input before they write.
    child.stdin.take().unwrap().write_all(input.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn texts(plaintexts: &[Vec<u8>]) -> Vec<String> {
    plaintexts.iter().map(|plaintext| URL_SAFE.encode(plaintext)).collect()
}

const SEAL: &str = "
fernet = Fernet(open(sys.argv[1], 'rb').read())
for line in sys.stdin.read().split('\\n'):
    print(fernet.encrypt_at_time(base64.urlsafe_b64decode(line), 1800000000).decode())
";

const OPEN: &str = "
fernet = Fernet(open(sys.argv[1], 'rb').read())
for line in sys.stdin.read().split('\\n'):
    print(base64.urlsafe_b64encode(fernet.decrypt_at_time(line.encode(), 60, 1800000060)).decode())
    try:
        fernet.decrypt_at_time(line.encode(), 60, 1800000061)
        sys.exit('opened an expired token')
    except InvalidToken:
        pass
";

#[test]
fn its_keys_and_tokens_are_ours() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bulla.key");
    python("open(sys.argv[1], 'wb').write(Fernet.generate_key())", &[&path], &[]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let ring = KeyRing::load(&path).unwrap();
    let plaintexts = plaintexts();
    let tokens = python(SEAL, &[&path], &texts(&plaintexts));
    assert_eq!(tokens.len(), plaintexts.len());
    for (token, plaintext) in tokens.iter().zip(&plaintexts) {
        assert_eq!(*open(ring.current().key(), token, Some(60), NOW + 60).unwrap(), *plaintext);
        assert_eq!(*open_with_ring(&ring, token, None, NOW).unwrap().0, *plaintext);
        let expired = Err(TokenError::Expired { age: 61, ttl: 60 });
        assert_eq!(open(ring.current().key(), token, Some(60), NOW + 61), expired);
    }
}

#[test]
fn our_keys_and_tokens_are_its() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bulla.key");
    let key = Key::from_bytes(std::array::from_fn(|place| 251 ^ place as u8));
    write_key_file(&path, &key, false).unwrap();
    let plaintexts = plaintexts();
    let tokens: Vec<String> = plaintexts.iter().map(|plaintext| seal(&key, plaintext, NOW)).collect();
    assert_eq!(python(OPEN, &[&path], &tokens), texts(&plaintexts));
}

#[test]
fn records_are_its_tokens() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.key");
    let bytes = [0xa5; 32];
    write_key_file(&path, &Key::from_bytes(bytes), false).unwrap();
    let mut sealer = Sealer::new(SessionKey::from_bytes(bytes), [1; 32]);
    let (mut plaintexts, mut tokens) = (Vec::new(), Vec::new());
    for (sequence, frames) in (0u64..).zip(self::plaintexts()) {
        let mut record = Vec::new();
        sealer.seal(NOW, &frames, &mut record).unwrap();
        tokens.push(URL_SAFE.encode(&record[LENGTH_PREFIX..]));
        plaintexts.push([&sequence.to_be_bytes(), &frames[..]].concat());
    }
    assert_eq!(python(OPEN, &[&path], &tokens), texts(&plaintexts));

    let mut opener = Opener::new(SessionKey::from_bytes(bytes));
    let tokens = python(SEAL, &[&path], &texts(&plaintexts));
    assert_eq!(tokens.len(), plaintexts.len());
    for (token, plaintext) in tokens.iter().zip(&plaintexts) {
        let mut token = URL_SAFE.decode(token).unwrap();
        assert_eq!(opener.open(&mut token), Ok(&plaintext[8..]));
    }
}
