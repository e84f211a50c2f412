//! The real program: how it starts, what it says, how it ends.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use bulla_core::connection::{Closed, Open};
use bulla_core::handshake::HandshakeError;
use bulla_core::key::{KeyRing, write_key_file};
use bulla_server::Address;
use bulla_server::services::ServerInfo;
use rustix::process::Signal;

use self::common::program::{BINARY, Program, command, finish, folder, isolate, run};
use self::common::{Client, key, other_key};

#[test]
fn without_any_settings_it_makes_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::spawn(command(folder.path()).env("BULLA_LISTEN", "127.0.0.1:0"));
    let mode = |name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("bulla.key"), mode("bulla.db")), (0o600, 0o600));
    assert!(program.greeting[0].starts_with("made bulla.key"), "{:?}", program.greeting);
    assert!(
        program.greeting.contains(&"accepting bincode, cbor, json, msgpack, postcard, xml, yaml".to_owned()),
        "{:?}",
        program.greeting
    );
    let ring = KeyRing::load(folder.path().join("bulla.key")).unwrap();
    let mut client = program.client_with(ring.current().key().clone(), "json");
    let info: ServerInfo = client.call("info", &()).unwrap();
    let records = ["records.append", "records.collections", "records.follow", "records.get", "records.list"];
    let topics = ["topics.publish", "topics.publish_many", "topics.subscribe"];
    assert_eq!(info.routes, [&["echo", "info"], &records[..], &topics].concat());
    let log = program.stop();
    assert!(log.iter().any(|line| line.contains("draining")), "{log:#?}");
    assert!(log.last().unwrap().ends_with("ended: every call is answered"), "{log:#?}");
    let again = Program::start(folder.path(), &[]);
    assert!(again.greeting[0].starts_with("keys from bulla.key"), "the key is kept: {:?}", again.greeting);
    again.stop();
}

#[test]
fn options_come_before_variables_and_variables_before_the_file() {
    let folder = folder();
    let socket = |name: &str| format!("unix:{}", folder.path().join(name).display());
    let settings = format!("listen = ['{}']\naccept = ['yaml']\n", socket("file"));
    fs::write(folder.path().join("settings.toml"), settings).unwrap();
    let mut start = command(folder.path());
    start.args(["--config", "settings.toml"]);
    let program = Program::spawn(&mut start);
    assert_eq!(program.addresses[0].to_string(), socket("file"));
    assert!(program.greeting.contains(&"accepting yaml".to_owned()));
    program.stop();
    start.env("BULLA_LISTEN", socket("variable"));
    let program = Program::spawn(&mut start);
    assert_eq!(program.addresses[0].to_string(), socket("variable"));
    program.stop();
    start.args(["--listen", &socket("option")]);
    let program = Program::spawn(&mut start);
    assert_eq!(program.addresses[0].to_string(), socket("option"));
    assert!(program.greeting.contains(&"accepting yaml".to_owned()), "the file still says what nobody else did");
    program.stop();
    assert!(!folder.path().join("option").exists(), "the socket file goes with the program");
}

#[test]
fn every_failure_at_the_start_is_one_line_and_a_code_of_its_own() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    fs::write(at("readable.key"), key().to_text().as_str()).unwrap();
    fs::set_permissions(at("readable.key"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(at("bad.key"), "not a key\n").unwrap();
    fs::set_permissions(at("bad.key"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(at("bad.db"), "not a database, and long enough to be seen as none; ".repeat(100)).unwrap();
    fs::write(at("bad.toml"), "listen = ['127.0.0.1:0']\nmax-conections = 7\n").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, code, words) in [
        (&["--key", "missing.key"][..], 4, "missing.key does not exist: make one with `bulla keygen missing.key`"),
        (&["--key", "readable.key"], 4, "is open to other users (mode 0644): chmod 600 readable.key"),
        (&["--key", "bad.key"], 4, "key file bad.key: line 1: not a key"),
        (&["--key", "sub"], 4, "sub is not a regular file"),
        (&["--listen", &taken], 5, "is in use: stop the program that listens there"),
        (&["--listen", "7411"], 5, "not an address: \"7411\": expected host:port"),
        (&["--listen", "unix:bad.db"], 5, "is a file, and not a socket"),
        (&["--db", "sub"], 6, "the database sub is a folder: name a file"),
        (&["--db", "bad.db"], 6, "bad.db is not a database"),
        (&["--append", "sub"], 7, "cannot append to sub"),
        (
            &["--accept", "jsno"],
            2,
            "no codec is named jsno; this program knows bincode, cbor, json, msgpack, pickle, postcard, xml, yaml",
        ),
        (&["--config", "bad.toml"], 3, "settings file bad.toml: line 2: unknown field `max-conections`"),
        (&["--config", "missing.toml"], 3, "settings file missing.toml: No such file"),
    ] {
        let mut program = command(folder.path());
        program.args(arguments);
        if !arguments.contains(&"--listen") {
            program.env("BULLA_LISTEN", "127.0.0.1:0");
        }
        let (found, stdout, stderr) = finish(&mut program);
        assert_eq!((found, stdout.as_str(), stderr.lines().count()), (code, "", 1), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(words), "{arguments:?}: {stderr}");
    }
    assert_eq!(run(folder.path(), &["--no-such-option"]).0, 2);
}

#[test]
fn a_log_of_json_has_the_failure_too() {
    let folder = folder();
    let (code, stdout, stderr) = run(folder.path(), &["--listen", "127.0.0.1:0", "--json", "--db", "none/x.db"]);
    assert_eq!((code, stdout.as_str(), stderr.lines().count()), (6, "", 1), "{stderr}");
    let line: serde_json::Value = serde_json::from_str(&stderr).unwrap();
    assert_eq!((line["level"].as_str(), line["exit_code"].as_u64()), (Some("ERROR"), Some(6)), "{stderr}");
    assert!(line["message"].as_str().unwrap().starts_with("cannot open the database none/x.db: "), "{stderr}");
}

#[test]
fn who_is_turned_away_is_named_in_the_log() {
    let folder = folder();
    let mut program = Program::start(folder.path(), &["--accept", "yaml", "--handshake-timeout", "200ms"]);
    let address = program.addresses[0].clone();
    for (bytes, words) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "no session: the other side speaks HTTP, not Bulla"),
        (&[0x16, 3, 1, 2, 0, 1, 0][..], "no session: the other side speaks TLS, not Bulla"),
        (b"BULLA\x07", "no session: the client speaks version 7 of the protocol"),
        (b"", "no session: the handshake was not done in time"),
    ] {
        let mut stream = common::dial(&address);
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(!answer.is_empty(), "{words}");
        program.wait_for_log(words);
    }
    let outcome = Client::connect(&address, other_key(), &["yaml"]).map(|_| ());
    assert_eq!(outcome, Err(Closed::Handshake(HandshakeError::KeyRefused)));
    program.wait_for_log(&format!("no session: the client's key (id {})", other_key().id()));
    assert!(Client::connect(&address, key(), &["json"]).is_err());
    program.wait_for_log("no session: no common codec: the server accepts yaml; the client offered json");
    program.stop();
}

#[test]
fn the_key_file_is_read_again_on_sighup() {
    let folder = folder();
    let path = folder.path().join("bulla.key");
    let mut program = Program::start(folder.path(), &[]);
    let mut old = program.client("json");
    fs::write(&path, "neither a key nor a ring").unwrap();
    program.signal(Signal::HUP);
    program.wait_for_log("the keys stay as they were");
    assert_eq!(program.client("json").call::<_, u8>("echo", &1), Ok(1));
    write_key_file(&path, &other_key(), true).unwrap();
    program.signal(Signal::HUP);
    program.wait_for_log("read the key file again, keys: 1");
    assert_eq!(program.client_with(other_key(), "json").call::<_, u8>("echo", &2), Ok(2));
    let outcome = Client::connect(&program.addresses[0], key(), &["json"]).map(|_| ());
    assert_eq!(outcome, Err(Closed::Handshake(HandshakeError::KeyRefused)));
    assert_eq!(old.call::<_, u8>("echo", &3), Ok(3), "a session goes on");
    program.stop();
}

#[test]
fn the_first_signal_drains_and_the_second_stops() {
    let folder = folder();
    let mut program = Program::start(folder.path(), &["--append", "records.jsonl"]);
    let mut client = program.client("json");
    // A call whose request never ends keeps the drain waiting.
    client.connection.open(&Open { route: "echo".to_owned(), ..Open::default() }).unwrap();
    assert_eq!(client.call::<_, u8>("echo", &1), Ok(1), "the server knows of the call by now");
    program.signal(Signal::TERM);
    program.wait_for_log("draining");
    client.run_until(|client| client.going_away).unwrap();
    program.signal(Signal::TERM);
    let (status, log) = program.wait();
    assert_eq!(status.code(), Some(8), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("ended before every call was answered")), "{log:#?}");
}

#[test]
fn a_drain_has_a_deadline() {
    let folder = folder();
    let mut program = Program::start(folder.path(), &["--drain-timeout", "50ms"]);
    let mut client = program.client("json");
    client.connection.open(&Open { route: "echo".to_owned(), ..Open::default() }).unwrap();
    assert_eq!(client.call::<_, u8>("echo", &1), Ok(1));
    program.signal(Signal::INT);
    program.wait_for_log("draining");
    assert_eq!(program.wait().0.code(), Some(8));
    assert_eq!(client.wait_closed(), Closed::Peer);
}

#[test]
fn without_descriptors_it_waits_for_one_and_goes_on() {
    let folder = folder();
    let mut start = Command::new("sh");
    isolate(&mut start, folder.path());
    start.args(["-c", "ulimit -n 48 && exec \"$0\" --listen 127.0.0.1:0", BINARY]);
    let mut program = Program::spawn(&mut start);
    let mut inside = program.client("json");
    let Address::Tcp(address) = program.addresses[0] else { panic!("no TCP address") };
    let crowd: Vec<_> = (0..60).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    program.wait_for_log("cannot accept a connection");
    assert_eq!(inside.call::<_, u8>("echo", &1), Ok(1), "those inside are served");
    drop(crowd);
    assert_eq!(program.client("json").call::<_, u8>("echo", &2), Ok(2), "and others again");
    program.stop();
}

#[test]
fn the_log_can_be_json() {
    let folder = folder();
    let mut child = command(folder.path()).args(["--listen", "127.0.0.1:0", "--json"]).spawn().unwrap();
    let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut log, &mut line).unwrap();
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["message"], "listening", "{event}");
    let address = Address::parse(event["addresses"].as_str().unwrap()).unwrap().remove(0);
    let mut client = Client::connect(&address, key(), &["json"]).unwrap();
    assert_eq!(client.call::<_, u8>("echo", &1), Ok(1));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn it_lists_its_codecs_and_writes_completions() {
    let folder = tempfile::tempdir().unwrap();
    let (code, lines, _) = run(folder.path(), &["codecs"]);
    assert_eq!((code, lines.lines().count()), (0, 8), "{lines}");
    assert!(
        lines.contains("json\tapplication/json\tbulla-codec-json\t0.1.0\tself-describing, wide-integers\n"),
        "{lines}"
    );
    assert!(lines.contains("value-keys; only when named\n"), "{lines}");
    let (_, json, _) = run(folder.path(), &["codecs", "--json"]);
    let listing: serde_json::Value = serde_json::from_str(&json).unwrap();
    let find = |name: &str| listing["codecs"].as_array().unwrap().iter().find(|codec| codec["name"] == name).unwrap();
    let expected = serde_json::json!({
        "name": "bincode",
        "media_type": "application/x-bincode",
        "crate": "bulla-codec-bincode",
        "version": "0.1.0",
        "capabilities": ["wide-integers", "non-finite-floats", "nested-options", "value-bytes", "value-wide-integers", "value-keys"],
        "missing": ["self-describing"],
        "opt_in": false,
    });
    assert_eq!(*find("bincode"), expected);
    assert_eq!(find("pickle")["opt_in"], true);
    let (code, script, _) = run(folder.path(), &["completions", "bash"]);
    assert_eq!(code, 0);
    assert!(script.contains("--accept"));
    let (code, help, _) = run(folder.path(), &["--help"]);
    assert_eq!(code, 0);
    assert!(help.contains("Exit codes:") && help.contains("SIGHUP"), "{help}");
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "none of these made a file");
}

#[test]
fn rules_hold_keys_to_what_they_are_for() {
    let folder = tempfile::tempdir().unwrap();
    let ring = format!("sensor = {}\n{}\n", *key().to_text(), *other_key().to_text());
    let path = folder.path().join("bulla.key");
    fs::write(&path, ring).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(folder.path().join("settings.toml"), "allow = ['*=info', 'sensor=topics.*', 'desk=>']\n").unwrap();
    let mut program = Program::start(folder.path(), &["--config", "settings.toml", "--deny", "*=topics.subscribe"]);
    let line = program.wait_for_log("a rule of --allow or --deny");
    assert!(line.contains("is for the key desk, which is not in the key file"), "{line}");

    let mut sensor = program.client_with(key(), "json");
    sensor.call::<_, ServerInfo>("info", &()).unwrap();
    let refusal = |client: &mut Client, route: &str| client.call::<_, ServerInfo>(route, &()).unwrap_err().to_string();
    let words = |who: &str, route: &str| format!("PERMISSION_DENIED: {who} may not call {route} on this server");
    for route in ["records.list", "topics.subscribe", "no.such.route"] {
        assert_eq!(refusal(&mut sensor, route), words("the key sensor", route));
    }
    assert!(refusal(&mut sensor, "topics.publish").starts_with("INVALID_ARGUMENT"), "it may, but not like that");
    let mut nameless = program.client_with(other_key(), "json");
    nameless.call::<_, ServerInfo>("info", &()).unwrap();
    assert_eq!(refusal(&mut nameless, "echo"), words("a key without a name", "echo"));
    program.stop();

    let (code, _, error) = run(folder.path(), &["--allow", "sensor"]);
    assert_eq!(code, 2);
    assert!(error.contains("sensor is no rule: expected PEER=PATTERN, such as sensor=topics.publish"), "{error}");
}
