//! Files through both programs: put, listed, fetched and removed in every codec; broken off in every way, and gone on with.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::process::Signal;

use self::common::CODECS;
use self::common::files::{Place, bytes, stand_in};
use self::common::program::{folder, run};

/// So much that a transfer can be broken off in its middle.
const LONG: usize = 12 << 20;

/// So far has it to be then.
const MIDDLE: u64 = 1 << 20;

#[test]
fn stand_in_for_bulla() {
    stand_in();
}

fn in_every_codec(address: &str) {
    let place = Place::listening(address, &["--accept", &CODECS.join(",")]);
    assert!(place.server.addresses[0].to_string().starts_with(address.trim_end_matches('0')));
    let content = bytes(150_000);
    fs::write(place.at("content"), &content).unwrap();
    fs::write(place.at("empty"), "").unwrap();
    for (at, codec) in CODECS.iter().enumerate() {
        let name = format!("{codec}/content");
        let put = |arguments: &[&str]| place.ok(&[&["put", "--codec", codec], arguments].concat());
        let [content_path, empty_path, copy] =
            ["content", "empty", codec].map(|name| place.at(name).display().to_string());
        let sum = put(&[&content_path, "--as", &name]);
        assert_eq!(sum.split("  ").nth(1), Some(format!("{name}\n").as_str()));
        put(&[&empty_path, "--into", codec]);
        let again = place.run(&["put", "--codec", codec, &content_path, "--as", &name]);
        assert_eq!(again.code, 6, "{}", again.stderr);
        assert!(again.stderr.contains("ALREADY_EXISTS") && again.stderr.contains("--replace"), "{}", again.stderr);
        put(&[&content_path, "--as", &name, "--replace"]);

        let list = place.ok(&["files", codec, "--codec", codec]);
        let columns: Vec<_> = list.lines().map(|line| line.rsplit_once('\t').unwrap().0.to_owned()).collect();
        assert_eq!(columns, [format!("{name}\t150000"), format!("{codec}/empty\t0")]);

        let fetched = place.ok(&["fetch", &name, "-o", &copy, "--codec", codec]);
        assert_eq!(fetched.split("  ").next(), sum.split("  ").next(), "the same checksum");
        assert!(fs::read(&copy).unwrap() == content, "{codec}");
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(place.ok(&["remove", &name, "--codec", codec]), format!("{name}\n"));
        assert_eq!(place.ok(&["files"]).lines().count(), at + 1);
    }
    place.server.stop();
}

#[test]
fn put_list_fetch_and_remove_in_every_codec_over_tcp() {
    in_every_codec("127.0.0.1:0");
}

#[test]
fn put_list_fetch_and_remove_in_every_codec_over_a_unix_socket() {
    let socket = tempfile::tempdir().unwrap();
    let address = format!("unix:{}", socket.path().join("bulla.sock").display());
    in_every_codec(&address);
}

#[test]
fn the_most_compact_codec_carries_files_unless_another_is_named() {
    let place = Place::new(&[]);
    fs::write(place.at("a"), "a").unwrap();
    let path = place.at("a").display().to_string();
    place.ok(&["put", &path]);
    place.ok(&["put", &path, "--replace", "--codec", "json"]);
    let log = place.server.stop();
    let codecs: Vec<_> = log.iter().filter_map(|line| line.split("codec=").nth(1)?.split(' ').next()).collect();
    assert_eq!(codecs, ["postcard", "json"]);
}

#[test]
fn an_upload_goes_on_after_the_server_was_killed() {
    let mut place = Place::new(&[]);
    fs::write(place.at("long"), bytes(LONG)).unwrap();
    let long = place.at("long").display().to_string();
    let mut client = place.spawn(&["put", &long]);
    client.wait_until("the upload is in its middle", || place.uploaded() > MIDDLE);
    place.server.signal(Signal::KILL);
    let (code, stderr) = client.wait();
    assert_eq!(code, Some(9), "{stderr}");
    assert!(stderr.contains("the connection was lost at ") && stderr.contains("the same command goes on"), "{stderr}");
    assert!(!place.at("files/long").exists());

    place.restart();
    let there = place.uploaded();
    let stored = place.json(&["put", &long]);
    assert_eq!((stored["resumed"].as_u64(), stored["size"].as_u64()), (Some(there), Some(LONG as u64)));
    assert!(there > MIDDLE && fs::read(place.at("files/long")).unwrap() == bytes(LONG));
    assert_eq!(place.uploaded(), 0);
}

#[test]
fn an_upload_goes_on_after_ctrl_c() {
    let place = Place::new(&[]);
    fs::write(place.at("long"), bytes(LONG)).unwrap();
    let long = place.at("long").display().to_string();
    let mut client = place.spawn(&["put", &long, "--as", "a/b"]);
    client.wait_until("the upload is in its middle", || place.uploaded() > MIDDLE);
    client.signal(Signal::INT);
    let (code, stderr) = client.wait();
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("interrupted at ") && stderr.contains("the same command goes on"), "{stderr}");
    assert!(place.json(&["put", &long, "--as", "a/b"])["resumed"].as_u64().unwrap() > MIDDLE);
    assert!(fs::read(place.at("files/a/b")).unwrap() == bytes(LONG));
}

#[test]
fn an_upload_of_a_file_that_has_changed_begins_anew() {
    let place = Place::new(&[]);
    fs::write(place.at("long"), bytes(LONG)).unwrap();
    let long = place.at("long").display().to_string();
    let mut client = place.spawn(&["put", &long]);
    client.wait_until("the upload is in its middle", || place.uploaded() > MIDDLE);
    client.signal(Signal::KILL);
    assert_eq!(client.wait().0, None);
    let mut other = bytes(LONG);
    other[100] ^= 1;
    fs::write(place.at("long"), &other).unwrap();
    let stored = place.json(&["put", &long]);
    assert_eq!(stored["resumed"].as_u64(), Some(0));
    assert!(fs::read(place.at("files/long")).unwrap() == other);
}

#[test]
fn a_download_goes_on_after_the_client_was_killed_or_interrupted() {
    let place = Place::new(&[]);
    fs::write(place.at("files/long"), bytes(LONG)).unwrap();
    fs::create_dir(place.at("here")).unwrap();
    let target = place.at("here/long").display().to_string();
    let fetch = ["fetch", "long", "-o", &target];
    let mut client = place.spawn(&fetch);
    client.wait_until("the download is in its middle", || place.downloaded("here") > MIDDLE);
    client.signal(Signal::KILL);
    assert_eq!(client.wait().0, None);
    let there = place.downloaded("here");
    assert!(there < LONG as u64 && !place.at("here/long").exists());

    let mut client = place.spawn(&fetch);
    client.wait_until("the download goes on", || place.downloaded("here") > there + MIDDLE);
    client.signal(Signal::INT);
    let (code, stderr) = client.wait();
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("interrupted at ") && stderr.contains("the same command goes on"), "{stderr}");

    let there = place.downloaded("here");
    assert_eq!(place.json(&fetch)["resumed"].as_u64(), Some(there));
    assert!(fs::read(&target).unwrap() == bytes(LONG));
    assert_eq!(place.downloaded("here"), 0);
}

#[test]
fn a_download_of_a_file_that_was_replaced_begins_anew() {
    let place = Place::new(&[]);
    fs::write(place.at("files/a"), bytes(100_000)).unwrap();
    fs::create_dir(place.at("here")).unwrap();
    let target = place.at("here/a").display().to_string();
    place.ok(&["fetch", "a", "-o", &target]);
    // A part of another file, under the very name that the program gives it.
    let part = || {
        fs::remove_file(&target).unwrap();
        let part = format!("here/{}", part_name("a"));
        fs::write(place.at(&part), bytes(1000)).unwrap();
        place.at(&part)
    };
    fs::write(part(), "another beginning").unwrap();
    assert_eq!(place.json(&["fetch", "a", "-o", &target])["resumed"].as_u64(), Some(0));
    part();
    assert_eq!(place.json(&["fetch", "a", "-o", &target])["resumed"].as_u64(), Some(1000));
    part();
    assert_eq!(place.json(&["fetch", "a", "-o", &target, "--restart"])["resumed"].as_u64(), Some(0));
    fs::write(part(), bytes(200_000)).unwrap();
    assert_eq!(place.json(&["fetch", "a", "-o", &target])["resumed"].as_u64(), Some(0), "longer than the file");
    assert!(fs::read(&target).unwrap() == bytes(100_000));
}

/// The hidden file in which a download waits.
fn part_name(name: &str) -> String {
    let mut digester = bulla_core::bytes::Digester::default();
    digester.update(name.as_bytes());
    format!(".bulla-part-{}", &digester.digest().to_string()[..32])
}

#[test]
fn a_file_here_is_never_written_through_a_link_nor_replaced_unasked() {
    let place = Place::new(&[]);
    fs::write(place.at("files/a"), "from the server").unwrap();
    fs::write(place.at("precious"), "precious").unwrap();
    fs::create_dir(place.at("here")).unwrap();
    let target = place.at("here/a").display().to_string();
    let fetch = |arguments: &[&str]| place.run(&[&["fetch", "a", "-o", &target], arguments].concat());

    fs::write(&target, "mine").unwrap();
    let run = fetch(&[]);
    assert_eq!((run.code, fs::read(&target).unwrap()), (11, b"mine".to_vec()), "{}", run.stderr);
    assert!(run.stderr.contains("--replace"), "{}", run.stderr);
    assert_eq!(fetch(&["--replace"]).code, 0);
    assert_eq!(fs::read(&target).unwrap(), b"from the server");

    fs::remove_file(&target).unwrap();
    for trap in [place.at("here/a"), place.at("here").join(part_name("a"))] {
        symlink(place.at("precious"), &trap).unwrap();
        for arguments in [&[][..], &["--replace"]] {
            let run = fetch(arguments);
            assert!(matches!(run.code, 1 | 11), "{run:?}");
        }
        fs::remove_file(&trap).unwrap();
    }
    fs::hard_link(place.at("precious"), place.at("here").join(part_name("a"))).unwrap();
    assert_eq!(fetch(&[]).code, 11);
    assert_eq!(fs::read(place.at("precious")).unwrap(), b"precious");
}

#[test]
fn standard_input_and_output_are_files_too() {
    let place = Place::new(&[]);
    let run = place.run_with(&["put", "-", "--as", "piped"], &bytes(200_000));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(fs::read(place.at("files/piped")).unwrap() == bytes(200_000));
    fs::write(place.at("files/text"), "out it goes").unwrap();
    let run = place.run(&["fetch", "text", "-o", "-"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "out it goes", ""));
    assert_eq!(place.run_with(&["put", "-"], b"x").code, 2);
}

/// What reads it has gone, as `head` does.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nobody_has_to_read_all_of_the_output() {
    let place = Place::new(&[]);
    for name in ["one", "two"] {
        fs::write(place.at("files").join(name), "out it goes").unwrap();
    }
    assert_eq!(place.run_into(&["fetch", "one", "-o", "-"], Gone), (0, String::new()));
    assert_eq!(place.run_into(&["files"], Gone), (0, String::new()));
}

#[test]
fn several_files_go_at_once_and_each_failure_is_named() {
    let place = Place::new(&[]);
    let path = |name: &str| place.at(name).display().to_string();
    for name in ["a", "b"] {
        fs::write(place.at(name), name).unwrap();
    }
    fs::create_dir(place.at("here")).unwrap();
    let run = place.run(&["put", &path("a"), &path("none"), &path("here"), &path("b"), "--into", "two"]);
    assert_eq!(run.code, 11, "that of the first failure: {}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 3);
    assert!(run.stderr.contains("here is not an ordinary file") && run.stderr.contains("2 of 4 failed"), "{run:?}");
    assert_eq!(place.ok(&["files"]).lines().count(), 2);
    let run = place.run(&["fetch", "two/a", "two/none", "two/b", "-o", &path("here"), "--json"]);
    assert_eq!((run.code, run.stdout.lines().count()), (6, 2), "{}", run.stderr);
    assert!(run.stderr.contains(r#""status":"NOT_FOUND""#), "{}", run.stderr);
    assert_eq!(
        (fs::read(place.at("here/a")).unwrap(), fs::read(place.at("here/b")).unwrap()),
        (b"a".into(), b"b".into())
    );
    assert_eq!(place.run(&["fetch", "two/a", "two/b", "-o", &path("a")]).code, 2, "that is no folder");
    assert_eq!(place.run(&["remove", "two/a", "none", "two/b"]).code, 6);
    assert_eq!(place.run(&["put", &path("a"), &path("b"), "--as", "one"]).code, 2);
}

#[test]
fn a_server_serves_files_only_where_it_is_told_to() {
    let around = folder();
    let server = common::program::Program::start(around.path(), &[]);
    let place = Place { around, server };
    let run = place.run(&["files"]);
    assert_eq!(run.code, 6);
    assert!(run.stderr.contains("UNIMPLEMENTED"), "{}", run.stderr);
    place.server.stop();
    let around = folder();
    let start = |name: &str| run_server(around.path(), name);
    let (code, text) = start("missing");
    assert_eq!(code, 14);
    assert!(text.contains("no folder missing to keep files in: make it with `mkdir -m 700 missing`"), "{text}");
    fs::create_dir(around.path().join("open")).unwrap();
    fs::set_permissions(around.path().join("open"), fs::Permissions::from_mode(0o777)).unwrap();
    let (code, text) = start("open");
    assert_eq!(code, 14);
    assert!(text.contains("close it with `chmod go-w open`"), "{text}");
    symlink("open", around.path().join("link")).unwrap();
    assert_eq!(start("link").0, 14);
}

fn run_server(around: &std::path::Path, files: &str) -> (i32, String) {
    let (code, _, stderr) = run(around, &["--listen", "127.0.0.1:0", "--files", files]);
    (code, stderr)
}

#[test]
fn two_servers_do_not_share_a_folder() {
    let place = Place::new(&[]);
    let other = folder();
    let (code, text) = run_server(other.path(), &place.at("files").display().to_string());
    assert_eq!(code, 14);
    assert!(text.contains("another server keeps its files in"), "{text}");
}

#[test]
fn limits_are_those_of_the_options() {
    let place = Place::new(&["--max-file", "1000", "--max-stored", "1500"]);
    let put = |length: usize| place.run_with(&["put", "-", "--as", &length.to_string()], &bytes(length));
    let run = put(1001);
    assert!(run.stderr.contains("a file has at most 1000 bytes here"), "{run:?}");
    assert_eq!(put(1000).code, 0);
    let run = put(501);
    assert!(run.stderr.contains("the files of this server may have 1500 bytes together"), "{run:?}");
    assert_eq!(put(500).code, 0);
    let info = place.ok(&["call", "info"]);
    let files = r#""files":{"transfers":0,"max_transfers":64,"max_transfers_per_peer":16,"max_file_bytes":1000}"#;
    assert!(info.contains(files), "{info}");
}
