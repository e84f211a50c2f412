//! The files service as a peer of any make meets it: messages by hand, hostile names, wrong order, several at once, and what it costs.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::fs;
use std::io::BufRead;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bulla_client::files::TransferOptions;
use bulla_core::bytes::{Blob, Digest, Digester};
use bulla_core::connection::{Open, StreamId};
use bulla_core::key::write_key_file;
use bulla_core::status::{Code, Status};
use bulla_server::ServerHandle;
use bulla_server::services::files::{
    Close, FileName, Files, FilesLimits, GetMessage, GetRequest, ListReply, ListRequest, PartReply, PartRequest,
    PutMessage, PutOpen, Receipt, RemoveReply, RemoveRequest,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::common::files::{Place, bytes};
use self::common::{CODECS, Client, builder, eventually, key};

/// A server in this process, with a folder of files.
struct Served {
    around: TempDir,
    server: ServerHandle,
}

impl Served {
    fn new() -> Self {
        let mut limits = FilesLimits::default();
        limits.reserve = 0;
        Self::with(limits)
    }

    fn with(limits: FilesLimits) -> Self {
        let around = tempfile::tempdir().unwrap();
        fs::create_dir(around.path().join("files")).unwrap();
        fs::write(around.path().join("secret"), "not for peers").unwrap();
        let files = Files::open(around.path().join("files"), limits).unwrap();
        let server = builder().accept(CODECS).service(files).spawn().unwrap();
        Self { around, server }
    }

    fn connect(&self, codec: &str) -> Client {
        Client::connect(&self.server.addresses()[0], key(), &[codec]).unwrap()
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.around.path().join("files").join(name)).unwrap()
    }

    fn check_outside(&self) {
        let mut names: Vec<_> =
            fs::read_dir(self.around.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["files", "secret"]);
        assert_eq!(fs::read(self.around.path().join("secret")).unwrap(), b"not for peers");
    }
}

fn digest(bytes: &[u8]) -> Digest {
    let mut digester = Digester::default();
    digester.update(bytes);
    digester.digest()
}

fn new(name: &str) -> PutMessage {
    PutMessage::Open(PutOpen { name: name.to_owned(), ..PutOpen::default() })
}

fn chunk(bytes: &[u8]) -> PutMessage {
    PutMessage::Chunk(Blob(bytes.to_vec()))
}

fn close(bytes: &[u8]) -> PutMessage {
    PutMessage::Close(Close { sha256: digest(bytes) })
}

fn put(client: &mut Client, messages: &[PutMessage]) -> Result<Receipt, Status> {
    let upload = client.open("files.put");
    for message in messages {
        client.send(upload, message);
    }
    client.finish(upload);
    client.answer(upload)
}

fn get(client: &mut Client, name: &str) -> Result<Vec<GetMessage>, Status> {
    let stream = client.start("files.get", &GetRequest { name: name.to_owned(), ..GetRequest::default() });
    client.collect(stream)
}

/// One message of text, as it stands in the documentation.
fn send_text(client: &mut Client, stream: StreamId, text: &str) {
    client.connection.send(stream, text.as_bytes().to_vec()).unwrap();
}

#[test]
fn any_client_with_json_follows_the_documentation() {
    let served = Served::new();
    let mut client = served.connect("json");
    let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    let upload = client.open("files.put");
    send_text(&mut client, upload, r#"{"open": {"name": "notes/today.txt", "size": 6, "replace": true}}"#);
    send_text(&mut client, upload, r#"{"chunk": "aGVsbG8K"}"#);
    send_text(&mut client, upload, &format!(r#"{{"close": {{"sha256": "{sha256}"}}}}"#));
    client.finish(upload);
    let receipt: Value = client.answer(upload).unwrap();
    assert_eq!(receipt, json!({"name": "notes/today.txt", "size": 6, "sha256": sha256, "replaced": false}));
    assert_eq!(served.file("notes/today.txt"), b"hello\n");

    let download = client.start_raw(
        &Open { route: "files.get".to_owned(), ..Open::default() },
        br#"{"name": "notes/today.txt"}"#.to_vec(),
    );
    let mut messages: Vec<Value> = client.collect(download).unwrap();
    let modified = messages[0]["open"]["modified"].take();
    assert!(modified.as_str().unwrap().ends_with('Z'));
    let expected = [
        json!({"open": {"name": "notes/today.txt", "size": 6, "modified": null}}),
        json!({"chunk": "aGVsbG8K"}),
        json!({"close": {"sha256": sha256}}),
    ];
    assert_eq!(messages, expected);

    let mut call = |route: &str, request: Value| client.call::<_, Value>(route, &request).unwrap();
    assert_eq!(call("files.list", json!({}))["files"][0]["name"], "notes/today.txt");
    assert_eq!(call("files.part", json!({"name": "a", "upload": "mine"})), json!({"size": 0}));
    assert_eq!(call("files.remove", json!({"name": "notes/today.txt"})), json!({"size": 6}));
}

#[test]
fn a_client_in_python_puts_and_gets() {
    let python = || Command::new("python3");
    if !python().args(["-c", "import cryptography"]).output().is_ok_and(|output| output.status.success()) {
        return eprintln!("skipped: python3 with the package cryptography is not here");
    }
    let served = Served::new();
    let content = bytes(700_000);
    let [path, key_file] = ["content", "bulla.key"].map(|name| served.around.path().join(name));
    fs::write(&path, &content).unwrap();
    write_key_file(&key_file, &key(), false).unwrap();
    let address = served.server.addresses()[0].to_string();
    let (host, port) = address.rsplit_once(':').unwrap();
    let mut command = python();
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files.py")).args([host, port]);
    let output = command.arg(key_file).arg(path).arg("from/python").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let said: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!((&said[0]["size"], &said[0]["sha256"]), (&json!(700_000), &json!(digest(&content))));
    assert_eq!((&said[1]["name"], &said[1]["size"]), (&json!("from/python"), &json!(700_000)));
    assert!(served.file("from/python") == content);
}

#[test]
fn bytes_are_bytes_or_base64_in_every_codec_and_never_numbers() {
    let served = Served::new();
    let content = bytes(30_000);
    for codec in CODECS {
        let mut client = served.connect(codec);
        let name = format!("{codec}.bin");
        put(&mut client, &[new(&name), chunk(&content), close(&content)]).unwrap();
        assert!(served.file(&name) == content, "{codec}");
        let message = client.codec().encode_to_vec(&chunk(&content)).unwrap();
        // serde-pickle calls itself a format for people.
        let bound = if matches!(codec, "json" | "pickle" | "xml" | "yaml") { 40_000 } else { 30_000 };
        assert!((bound..bound + 100).contains(&message.len()), "{codec} takes {} bytes", message.len());
        let messages = get(&mut client, &name).unwrap();
        let [GetMessage::Open(info), GetMessage::Chunk(Blob(got)), GetMessage::Close(end)] = &messages[..] else {
            panic!("{messages:?}")
        };
        assert!((info.size, &end.sha256) == (30_000, &digest(&content)) && *got == content, "{codec}");
    }
}

#[test]
fn hostile_names_lead_nowhere_by_any_route() {
    let served = Served::new();
    let long = "x".repeat(100_000);
    let names = [
        "",
        ".",
        "..",
        "/",
        "//",
        "../secret",
        "a/../../secret",
        "/etc/passwd",
        "./a",
        "a/",
        "a//b",
        "~/a",
        "a\0b",
        "\0",
        "..\\secret",
        "C:\\a",
        "C:a",
        "\\\\host\\share",
        "a:stream",
        "nul",
        "COM1.txt",
        ".bulla-parts",
        ".bulla-parts/pass-0",
        ".hidden",
        "-rf",
        "a\nb",
        "a\u{202e}b",
        "a\u{7f}",
        "a ",
        "a.",
        &long,
    ];
    let tilde = |name: &str| name.starts_with('~');
    for codec in ["json", "bincode", "xml"] {
        let mut client = served.connect(codec);
        for name in names {
            // A tilde is an ordinary character to everybody but a shell.
            if tilde(name) {
                continue;
            }
            let code = |outcome: Result<(), Status>| outcome.map_err(|status| status.code());
            let refused = Err(Code::InvalidArgument);
            assert_eq!(code(put(&mut client, &[new(name), chunk(b"x"), close(b"x")]).map(drop)), refused, "{name:?}");
            assert_eq!(code(get(&mut client, name).map(drop)), refused, "{name:?}");
            let request = RemoveRequest { name: name.to_owned() };
            assert_eq!(code(client.call::<_, RemoveReply>("files.remove", &request).map(drop)), refused, "{name:?}");
            let request = PartRequest { name: name.to_owned(), upload: "a".to_owned() };
            assert_eq!(code(client.call::<_, PartReply>("files.part", &request).map(drop)), refused, "{name:?}");
            let request = ListRequest { after: Some(name.to_owned()), ..ListRequest::default() };
            assert_eq!(code(client.call::<_, ListReply>("files.list", &request).map(drop)), refused, "{name:?}");
        }
        for upload in ["", "../x", "a/b", "a\0", &"x".repeat(65)] {
            let request = PartRequest { name: "a".to_owned(), upload: upload.to_owned() };
            let status = client.call::<_, PartReply>("files.part", &request).unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{upload:?}");
        }
        served.check_outside();
        assert_eq!(client.call::<_, ListReply>("files.list", &ListRequest::default()).unwrap().files, []);
    }
}

#[test]
fn what_is_out_of_order_is_refused_and_leaves_nothing() {
    let served = Served::new();
    let mut client = served.connect("cbor");
    let refused = |outcome: Result<Receipt, Status>, reason: &str| {
        let status = outcome.unwrap_err();
        assert_eq!((status.code(), status.reason()), (Code::InvalidArgument, reason));
    };
    refused(put(&mut client, &[chunk(b"x")]), "an upload begins with `open`");
    refused(put(&mut client, &[close(b"")]), "an upload begins with `open`");
    refused(put(&mut client, &[]), "an upload ends with `close`");
    refused(put(&mut client, &[new("a"), chunk(b"x")]), "an upload ends with `close`");
    refused(put(&mut client, &[new("a"), new("b")]), "an upload has one `open`");
    let upload = client.open("files.put");
    client.send(upload, &new("a"));
    client.send(upload, &"something else");
    assert_eq!(client.answer::<Receipt>(upload).unwrap_err().code(), Code::InvalidArgument);
    let status = put(&mut client, &[new("a"), chunk(b"one"), close(b"two")]).unwrap_err();
    assert_eq!(status.code(), Code::DataLoss);
    assert!(status.reason().contains(&digest(b"one").to_string()), "{status}");
    served.check_outside();
    let files = served.around.path().join("files");
    assert!(fs::read_dir(&files).unwrap().all(|entry| entry.unwrap().file_name() == ".bulla-parts"));
    assert!(fs::read_dir(files.join(".bulla-parts")).unwrap().next().is_none());
    assert_eq!(put(&mut client, &[new("a"), close(b"")]).unwrap().size, 0, "the session goes on");
}

#[test]
fn of_clients_that_race_for_one_name_one_wins_and_nothing_is_mixed() {
    let served = Served::new();
    let contents: Vec<Vec<u8>> = (0..6).map(|number| vec![number; 200_000]).collect();
    let race = |content: &Vec<u8>, codec: &str| {
        let mut client = served.connect(codec);
        let mut messages = vec![new("deep/name")];
        messages.extend(content.chunks(10_000).map(chunk));
        messages.push(close(content));
        put(&mut client, &messages)
    };
    let race = &race;
    let outcomes: Vec<Result<Receipt, Status>> = std::thread::scope(|scope| {
        let racers = contents.iter().zip(CODECS);
        let threads: Vec<_> = racers.map(|(content, codec)| scope.spawn(move || race(content, codec))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let winners: Vec<_> = outcomes.iter().zip(&contents).filter(|(outcome, _)| outcome.is_ok()).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    assert!(served.file("deep/name") == *winners[0].1);
    let codes = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(Status::code);
    assert!(codes.eq([Code::AlreadyExists; 5]), "{outcomes:?}");
}

#[test]
fn a_client_that_comes_back_takes_its_upload_from_the_connection_that_nobody_reads() {
    let served = Served::new();
    let (mut stale, mut fresh) = (served.connect("postcard"), served.connect("json"));
    let open = PutOpen { name: "a".to_owned(), upload: Some("mine".to_owned()), ..PutOpen::default() };
    let upload = stale.open("files.put");
    stale.send(upload, &PutMessage::Open(open.clone()));
    stale.send(upload, &chunk(b"one"));
    stale.write();
    let request = PartRequest { name: "a".to_owned(), upload: "mine".to_owned() };
    let mut part = || fresh.call::<_, PartReply>("files.part", &request).unwrap().size;
    eventually("the first bytes are there", || part() == 3);
    let again = PutOpen { offset: 3, sha256: Some(digest(b"one")), ..open };
    put(&mut fresh, &[PutMessage::Open(again), chunk(b"two"), close(b"onetwo")]).unwrap();
    stale.send(upload, &chunk(b"garbage"));
    let status = stale.answer::<Receipt>(upload).unwrap_err();
    assert_eq!(status.code(), Code::Aborted, "{status}");
    assert_eq!(served.file("a"), b"onetwo");
}

#[test]
fn what_is_no_beginning_is_said_so_that_a_program_understands() {
    let served = Served::new();
    let mut client = served.connect("yaml");
    put(&mut client, &[new("a"), chunk(b"content"), close(b"content")]).unwrap();
    let request = GetRequest { name: "a".to_owned(), offset: 3, sha256: Some(digest(b"other")) };
    let stream = client.start("files.get", &request);
    let status = client.collect::<GetMessage>(stream).unwrap_err();
    assert_eq!((status.code(), status.detail("offset")), (Code::Aborted, Some("0")));
}

#[test]
fn a_peer_that_is_silent_in_the_middle_is_given_up() {
    let mut limits = FilesLimits::default();
    (limits.reserve, limits.silence) = (0, Duration::from_millis(50));
    let served = Served::with(limits);
    let mut client = served.connect("json");
    let upload = client.open("files.put");
    client.send(upload, &new("a"));
    let status = client.answer::<Receipt>(upload).unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    // One that takes nothing, too: it opens, and reads no more.
    fs::write(served.around.path().join("files/long"), bytes(4 << 20)).unwrap();
    client.start("files.get", &GetRequest { name: "long".to_owned(), ..GetRequest::default() });
    client.write();
    eventually("the download is given up", || {
        served.server.metrics().calls.get("DEADLINE_EXCEEDED").is_some_and(|count| *count == 2)
    });
}

#[test]
fn chunks_without_a_byte_are_silence() {
    let mut limits = FilesLimits::default();
    (limits.reserve, limits.silence) = (0, Duration::from_secs(1));
    let served = Served::with(limits);
    let mut client = served.connect("bincode");
    put(&mut client, &[new("a"), chunk(b""), chunk(b"one"), chunk(b""), close(b"one")]).unwrap();
    assert_eq!(served.file("a"), b"one", "there is nothing wrong with them otherwise");
    let upload = client.open("files.put");
    client.send(upload, &new("b"));
    let nothing = client.codec().encode_to_vec(&chunk(b"")).unwrap();
    eventually("the upload is given up", || {
        // It may be over by now.
        let _ = client.connection.send(upload, nothing.clone());
        client.call::<_, ListReply>("files.list", &ListRequest::default()).unwrap();
        served.server.metrics().calls.contains_key("DEADLINE_EXCEEDED")
    });
}

#[test]
fn those_that_say_nothing_are_counted_too() {
    let mut limits = FilesLimits::default();
    (limits.reserve, limits.transfers) = (0, 2);
    let served = Served::with(limits);
    let mut client = served.connect("json");
    let silent = [client.open("files.put"), client.open("files.put")];
    eventually("both are there", || {
        let upload = client.open("files.put");
        client.send(upload, &new("a"));
        client.send(upload, &close(b""));
        client.finish(upload);
        match client.answer::<Receipt>(upload) {
            Ok(_) => drop(client.call::<_, RemoveReply>("files.remove", &RemoveRequest { name: "a".to_owned() })),
            Err(status) => return status.code() == Code::ResourceExhausted,
        }
        false
    });
    for upload in silent {
        client.send(upload, &new("b"));
        client.send(upload, &close(b""));
        client.finish(upload);
    }
    let outcomes = silent.map(|upload| client.answer::<Receipt>(upload).map_err(|status| status.code()));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
}

#[test]
fn a_short_message_limit_means_short_chunks() {
    let served = Served::new();
    fs::write(served.around.path().join("files/a"), bytes(20_000)).unwrap();
    let mut limits = bulla_core::connection::Limits::default();
    limits.message = 1000;
    for codec in ["json", "bincode"] {
        let client = bulla_client::Client::builder().server(served.server.addresses()[0].to_string()).key(key());
        let client = client.limits(limits).offer([codec]).connect().unwrap();
        let mut got = Vec::new();
        client.files().fetch("a", &mut got, |_| ControlFlow::Continue(())).unwrap();
        assert!(got == bytes(20_000));
        let name = format!("{codec}/b");
        client.files().put(&name, &got[..], TransferOptions::new(), |_| ControlFlow::Continue(())).unwrap();
        assert!(served.file(&name) == got);
    }
}

#[test]
fn whoever_watches_can_stop_a_transfer() {
    let served = Served::new();
    fs::write(served.around.path().join("long"), bytes(4 << 20)).unwrap();
    let client = bulla_client::Client::builder().server(served.server.addresses()[0].to_string()).key(key());
    let client = client.connect().unwrap();
    let outcome =
        client.files().put_file("a", &served.around.path().join("long"), TransferOptions::new(), |progress| {
            if progress.done > 1 << 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    assert_eq!(outcome, Err(bulla_client::files::TransferError::Stopped));
    assert!(!served.around.path().join("files/a").exists());
    fs::remove_file(served.around.path().join("long")).unwrap();
}

#[test]
fn the_names_that_the_documentation_allows_are_taken() {
    let served = Served::new();
    let mut client = served.connect("msgpack");
    for name in ["~/a", "Ünïcödé/漢字.txt", "a b (c) [d] {e} #%&'+,;=@^`!", &"x".repeat(255), &["a"; 16].join("/")]
    {
        let name: FileName = name.parse().unwrap();
        put(&mut client, &[new(name.as_str()), chunk(b"x"), close(b"x")]).unwrap();
        assert_eq!(served.file(name.as_str()), b"x");
        client.call::<_, RemoveReply>("files.remove", &RemoveRequest { name: name.to_string() }).unwrap();
    }
}

/// The most memory that a process ever had, in KiB.
fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_file_passes_without_being_held_in_memory() {
    if !Path::new("/proc/self/status").exists() {
        return eprintln!("skipped: this system does not tell how much memory a process has");
    }
    const LENGTH: usize = 24 << 20;
    let place = Place::new(&[]);
    let [small, large, copy] = ["small", "large", "copy"].map(|name| place.at(name).display().to_string());
    fs::write(&small, bytes(1 << 20)).unwrap();
    fs::write(&large, bytes(LENGTH)).unwrap();
    let pass = |path: &str| {
        place.ok(&["put", path, "--as", "file", "--replace"]);
        place.ok(&["fetch", "file", "-o", &copy, "--replace"]);
        peak_memory(place.server.id())
    };
    let before = pass(&small);
    let grown = pass(&large) - before;
    assert!(grown < (LENGTH as u64 >> 10) / 3, "a file of 24 MiB took {grown} KiB more than one of 1 MiB");
    assert!(fs::read(&copy).unwrap() == bytes(LENGTH));
}
