//! Files against servers that do not keep to the rules, and what a person sees of them.
#![cfg(feature = "files")]
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use bulla_client::files::{
    Close, FileInfo, GetMessage, GetRequest, ListReply, ListRequest, PartReply, PartRequest, Progress, PutMessage,
    Receipt, Stage, TransferError, TransferOptions, compact_offer,
};
use bulla_client::{CallError, Client};
use bulla_core::bytes::{Blob, Digest, Digester};
use bulla_core::key::KeyRing;
use bulla_core::status::{Code, Status};
use bulla_server::{Builder, Context, Replies, Requests, Server, ServerHandle};
use tempfile::TempDir;

use crate::common::{codecs, key};

fn digest(bytes: &[u8]) -> Digest {
    let mut digester = Digester::default();
    digester.update(bytes);
    digester.digest()
}

/// A server with these routes, a client of it, and a folder here.
struct Meeting {
    server: ServerHandle,
    client: Client,
    here: TempDir,
}

fn meet(routes: impl FnOnce(Builder) -> Builder) -> Meeting {
    let builder = Server::builder().listen("127.0.0.1:0").unwrap().keys(KeyRing::single(key(7))).codecs(codecs());
    let server = routes(builder).spawn().unwrap();
    let client = Client::builder().server(server.addresses()[0].to_string()).key(key(7)).codecs(codecs());
    let (client, here) = (client.connect().unwrap(), tempfile::tempdir().unwrap());
    Meeting { server, client, here }
}

/// A server that answers each fetch with these messages, or with this status behind them.
fn sends(messages: Vec<GetMessage>, end: Option<Status>) -> Meeting {
    meet(|builder| {
        builder.route_server_stream("files.get", move |_: GetRequest, replies: Replies| {
            for message in &messages {
                if replies.send(message).is_err() {
                    return;
                }
            }
            // What was sent before a status is dropped with it, if it has not gone out.
            match &end {
                Some(status) => replies.fail(status.clone()),
                None => replies.finish(),
            }
        })
    })
}

fn open(size: u64) -> GetMessage {
    GetMessage::Open(FileInfo { name: "a".to_owned(), size, modified: "2026-01-02T03:04:05Z".to_owned() })
}

fn chunk(bytes: &[u8]) -> GetMessage {
    GetMessage::Chunk(Blob(bytes.to_vec()))
}

fn close(bytes: &[u8]) -> GetMessage {
    GetMessage::Close(Close { sha256: digest(bytes) })
}

const GO_ON: fn(Progress) -> ControlFlow<()> = |_| ControlFlow::Continue(());

impl Meeting {
    fn path(&self) -> std::path::PathBuf {
        self.here.path().join("a")
    }

    fn fetch(&self) -> Result<u64, TransferError> {
        self.client.files().fetch_file("a", &self.path(), TransferOptions::new(), GO_ON).map(|fetched| fetched.size)
    }

    fn put(&self, bytes: &[u8]) -> Result<u64, TransferError> {
        fs::write(self.path(), bytes).unwrap();
        self.client.files().put_file("a", &self.path(), TransferOptions::new(), GO_ON).map(|stored| stored.size)
    }

    /// The names here, and the lengths of the files.
    fn here(&self) -> Vec<(bool, u64)> {
        let entries = fs::read_dir(self.here.path()).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name() == "a", entry.metadata().unwrap().len())).collect()
    }
}

#[test]
fn a_file_is_here_only_if_the_checksum_is_the_servers() {
    let good = sends(vec![open(3), chunk(b"on"), chunk(b"e"), close(b"one")], None);
    assert_eq!((good.fetch(), fs::read(good.path()).unwrap()), (Ok(3), b"one".to_vec()));
    let bad = sends(vec![open(3), chunk(b"one"), close(b"two")], None);
    let (declared, found) = (digest(b"two"), digest(b"one"));
    assert_eq!(bad.fetch(), Err(TransferError::Checksum { declared, found }));
    assert_eq!(bad.here(), [], "what is wrong is not gone on with");
}

#[test]
fn a_server_that_breaks_the_rules_gives_no_file() {
    for (messages, reason) in [
        (vec![], "no word of the file before its bytes"),
        (vec![chunk(b"one")], "no word of the file before its bytes"),
        (vec![open(2), chunk(b"one"), close(b"one")], "more bytes than the file has"),
        (vec![open(4), chunk(b"one"), close(b"one")], "fewer bytes than the file has"),
        (vec![open(3), open(3)], "two files at once"),
        (vec![open(3), chunk(b"one")], "no checksum at the end of the file"),
        (vec![open(0)], "no checksum at the end of the file"),
    ] {
        let meeting = sends(messages, None);
        assert_eq!(meeting.fetch(), Err(TransferError::Server(reason)));
        assert!(!meeting.path().exists(), "{reason}");
    }
}

#[test]
fn a_server_that_never_ends_costs_no_more_than_it_announced() {
    let endless = meet(|builder| {
        builder.route_server_stream("files.get", |_: GetRequest, replies: Replies| {
            replies.send(&open(100_000)).unwrap();
            while replies.send(&chunk(&[7; 30_000])).is_ok() {}
        })
    });
    assert_eq!(endless.fetch(), Err(TransferError::Server("more bytes than the file has")));
    assert_eq!(endless.here(), [(false, 90_000)]);
}

#[test]
fn what_the_server_says_at_the_end_is_said_here() {
    let status = Status::new(Code::Aborted, "a was changed while it was read");
    let meeting = sends(vec![open(3)], Some(status.clone()));
    let error = meeting.fetch().unwrap_err();
    assert_eq!(error, TransferError::Call(CallError::Status { route: "files.get".to_owned(), status }));
    assert_eq!(meeting.here(), [], "a part without bytes is none");
}

#[test]
fn a_list_that_comes_again_and_again_ends() {
    let lists = |pages: &'static [&'static [&'static str]]| {
        let asked = AtomicUsize::new(0);
        let meeting = meet(|builder| {
            builder.route("files.list", move |_: ListRequest, _: &Context| {
                let page = pages[asked.fetch_add(1, Ordering::Relaxed) % pages.len()];
                let file = |name: &&str| FileInfo { name: (*name).to_owned(), size: 1, modified: String::new() };
                Ok(ListReply { files: page.iter().map(file).collect(), more: true })
            })
        });
        let mut list = meeting.client.files().list(None);
        let names: Vec<_> = list.by_ref().map_while(Result::ok).map(|file| file.name).collect();
        assert!(list.next().is_none(), "after an error, nothing follows");
        names
    };
    assert_eq!(lists(&[&["a", "b"]]), ["a", "b"]);
    assert_eq!(lists(&[&["a", "b"], &["c"], &["b"]]), ["a", "b", "c"]);
    assert_eq!(lists(&[&["a/b", "a/c/d", "a.txt"], &[]]), ["a/b", "a/c/d", "a.txt"]);
}

#[test]
fn a_receipt_for_something_else_is_no_receipt() {
    let answers = |size: u64, sha256: Digest| {
        meet(|builder| {
            builder.route("files.part", |_: PartRequest, _: &Context| Ok(PartReply { size: 0 })).route_client_stream(
                "files.put",
                move |mut requests: Requests<PutMessage>, _: &Context| {
                    requests.try_for_each(|request| request.map(drop))?;
                    Ok(Receipt { name: "a".to_owned(), size, sha256, replaced: false })
                },
            )
        })
    };
    assert_eq!(answers(3, digest(b"one")).put(b"one"), Ok(3));
    let (declared, found) = (digest(b"two"), digest(b"one"));
    assert_eq!(answers(3, declared).put(b"one"), Err(TransferError::Checksum { declared, found }));
    assert!(matches!(answers(4, digest(b"one")).put(b"one"), Err(TransferError::Server(_))));
}

#[test]
fn a_refusal_in_the_middle_of_an_upload_is_said_as_the_server_said_it() {
    let meeting = meet(|builder| {
        builder.route("files.part", |_: PartRequest, _: &Context| Ok(PartReply { size: 1 << 40 })).route_client_stream(
            "files.put",
            |mut requests: Requests<PutMessage>, _: &Context| -> Result<Receipt, Status> {
                let Some(Ok(PutMessage::Open(open))) = requests.next() else { panic!("no open") };
                assert_eq!((open.offset, open.size), (0, Some(4 << 20)), "a part that is longer than the file is none");
                requests.next().unwrap()?;
                Err(Status::new(Code::ResourceExhausted, "the server's disk has no room for it"))
            },
        )
    });
    let error = meeting.put(&vec![7; 4 << 20]).unwrap_err();
    let TransferError::Call(CallError::Status { status, .. }) = &error else { panic!("{error}") };
    assert_eq!(status.code(), Code::ResourceExhausted);
}

#[test]
fn what_is_wrong_with_an_upload_is_said_of_the_upload() {
    let meeting = meet(|builder| {
        let refused = || Status::new(Code::InvalidArgument, "no such name may be");
        builder
            .route("files.part", move |_: PartRequest, _: &Context| Err::<PartReply, _>(refused()))
            .route_client_stream("files.put", move |_: Requests<PutMessage>, _: &Context| Err::<Receipt, _>(refused()))
    });
    let without = meet(|builder| builder);
    for (meeting, code) in [(meeting, Code::InvalidArgument), (without, Code::Unimplemented)] {
        let error = meeting.put(b"one").unwrap_err();
        let TransferError::Call(CallError::Status { route, status }) = &error else { panic!("{error}") };
        assert_eq!((route.as_str(), status.code()), ("files.put", code));
    }
}

/// A terminal: after its end it would give more.
struct Typed(Vec<&'static [u8]>);

impl std::io::Read for Typed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(mut next) = (!self.0.is_empty()).then(|| self.0.remove(0)) else { panic!("read beyond the end") };
        next.read(buffer)
    }
}

#[test]
fn an_input_that_ended_is_not_read_again() {
    let meeting = meet(|builder| {
        builder.route_client_stream("files.put", |requests: Requests<PutMessage>, _: &Context| {
            let mut digester = Digester::default();
            for request in requests {
                if let PutMessage::Chunk(Blob(bytes)) = request? {
                    digester.update(&bytes);
                }
            }
            let (size, sha256) = (digester.length(), digester.digest());
            Ok(Receipt { name: "a".to_owned(), size, sha256, replaced: false })
        })
    });
    let stored = meeting.client.files().put("a", Typed(vec![b"on", b"e", b""]), TransferOptions::new(), GO_ON).unwrap();
    assert_eq!(stored.sha256, digest(b"one"));
}

#[test]
fn a_file_that_shrinks_or_grows_while_it_is_put_is_named() {
    for change in [&b"short"[..], &[8; 3 << 20]] {
        let meeting = meet(|builder| {
            builder.route("files.part", |_: PartRequest, _: &Context| Ok(PartReply { size: 0 })).route_client_stream(
                "files.put",
                |requests: Requests<PutMessage>, _: &Context| {
                    let (mut digester, mut declared) = (Digester::default(), None);
                    for request in requests {
                        match request? {
                            PutMessage::Open(open) => declared = open.size,
                            PutMessage::Chunk(Blob(bytes)) => digester.update(&bytes),
                            PutMessage::Close(_) => {}
                        }
                    }
                    if declared != Some(digester.length()) {
                        return Err(Status::new(Code::InvalidArgument, "fewer bytes than declared"));
                    }
                    let (size, sha256) = (digester.length(), digester.digest());
                    Ok(Receipt { name: "a".to_owned(), size, sha256, replaced: false })
                },
            )
        });
        fs::write(meeting.path(), vec![7; 2 << 20]).unwrap();
        let mut changed = false;
        let outcome = meeting.client.files().put_file("a", &meeting.path(), TransferOptions::new(), |progress| {
            if progress.stage == Stage::Moving && !std::mem::replace(&mut changed, true) {
                fs::write(meeting.path(), change).unwrap();
            }
            ControlFlow::Continue(())
        });
        assert!(matches!(outcome, Err(TransferError::Changed(_))), "{outcome:?}");
    }
}

#[test]
fn what_is_no_file_is_not_put_and_a_pipe_makes_nobody_wait() {
    let meeting = meet(|builder| builder);
    let at = |name: &str| meeting.here.path().join(name);
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
    for path in [at("pipe"), meeting.here.path().to_owned(), "/dev/zero".into()] {
        let outcome = meeting.client.files().put_file("a", &path, TransferOptions::new(), GO_ON);
        assert!(matches!(outcome, Err(TransferError::NotAFile(_))), "{outcome:?}");
    }
    let outcome = meeting.client.files().put_file("a", &at("none"), TransferOptions::new(), GO_ON);
    assert!(matches!(outcome, Err(TransferError::Local { action: "open", .. })), "{outcome:?}");
    for path in [Path::new("/"), Path::new("..")] {
        let outcome = meeting.client.files().fetch_file("a", path, TransferOptions::new(), GO_ON);
        assert!(matches!(outcome, Err(TransferError::NotAFile(_))), "{outcome:?}");
    }
}

#[test]
fn two_fetches_to_one_place_do_not_mix() {
    let meeting = sends(vec![open(3), chunk(b"one"), close(b"one")], None);
    let mut second = None;
    let first = meeting.client.files().fetch_file("a", &meeting.path(), TransferOptions::new(), |_| {
        second.get_or_insert_with(|| meeting.fetch());
        ControlFlow::Continue(())
    });
    assert_eq!(first.unwrap().size, 3);
    assert!(matches!(second, Some(Err(TransferError::Busy(_)))), "{second:?}");
}

#[test]
fn progress_is_told_from_the_beginning_to_the_end() {
    let meeting = sends(vec![open(3), chunk(b"on"), chunk(b"e"), close(b"one")], None);
    let mut told = Vec::new();
    let watch = |progress: Progress| {
        told.push((progress.stage, progress.done, progress.size));
        ControlFlow::Continue(())
    };
    meeting.client.files().fetch_file("a", &meeting.path(), TransferOptions::new(), watch).unwrap();
    let moving = |done| (Stage::Moving, done, Some(3));
    assert_eq!(told, [moving(0), moving(2), moving(3), (Stage::Finishing, 3, Some(3))]);
    drop(meeting.server);
}

#[test]
fn codecs_that_carry_bytes_as_they_are_come_first_when_files_go() {
    let offer = compact_offer(&codecs());
    let place = |name: &str| offer.iter().position(|codec| codec.as_str() == name);
    for text in ["json", "xml", "yaml"] {
        assert!(place("bincode").unwrap() < place(text).unwrap(), "{offer:?}");
    }
    assert_eq!(place("pickle"), None, "only where it is named");
}

#[cfg(feature = "program")]
#[test]
fn a_list_from_any_server_is_safe_for_a_terminal() {
    use bulla_client::program::{Streams, run};

    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\r\n\t";
    let meeting = meet(|builder| {
        builder.route("files.list", move |_: ListRequest, _: &Context| {
            let file = FileInfo { name: hostile.to_owned(), size: 1536, modified: hostile.to_owned() };
            Ok(ListReply { files: vec![file], more: false })
        })
    });
    let key_file = meeting.here.path().join("bulla.key");
    bulla_core::key::write_key_file(&key_file, &key(7), false).unwrap();
    let address = meeting.server.addresses()[0].to_string();
    for (terminal, arguments) in [(true, &["files"][..]), (false, &["files"]), (true, &["files", "--json"])] {
        let options = ["bulla", "--server", &address, "--key", key_file.to_str().unwrap()];
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut streams = Streams::captured(std::io::empty(), &mut stdout, &mut stderr);
        streams.terminals = [terminal; 3];
        assert_eq!(run(options.iter().chain(arguments), &mut streams), 0);
        drop(streams);
        let shown = String::from_utf8(stdout).unwrap();
        let harmless =
            |c: char| matches!(c, '\n' | '\t') || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(shown.chars().all(harmless), "{}", shown.escape_debug());
        assert_eq!(shown.lines().count(), if terminal && arguments.len() == 1 { 2 } else { 1 }, "{shown}");
        assert!(!terminal || arguments.len() > 1 || shown.contains("1.50 KiB"), "{shown}");
    }
}

#[cfg(feature = "program")]
#[test]
fn names_go_from_program_to_program_whatever_they_are() {
    let meeting = meet(|builder| {
        builder.route("files.list", |_: ListRequest, _: &Context| {
            let file = |name: &str| FileInfo { name: name.to_owned(), size: 1, modified: String::new() };
            Ok(ListReply { files: vec![file("b"), file("it's one/of two")], more: false })
        })
    });
    let bulla = common::bulla::Bulla::new(meeting.server.addresses()[0].to_string(), &key(7));
    assert_eq!(bulla.ok(&["files", "-0"]), "b\0it's one/of two\0");
    assert_eq!(bulla.run(&["files", "-0", "--json"]).code, 2);
}

#[cfg(feature = "program")]
#[test]
fn a_server_without_files_is_told_apart() {
    let meeting = meet(|builder| builder);
    let bulla = common::bulla::Bulla::new(meeting.server.addresses()[0].to_string(), &key(7));
    bulla.write("a", "one");
    for (arguments, route) in
        [(&["put", "a"][..], "files.put"), (&["fetch", "b"], "files.get"), (&["files"], "files.list")]
    {
        let run = bulla.run(arguments);
        let start = format!("error: the server refused {route}: UNIMPLEMENTED: no route \"{route}\"");
        assert!(run.code == 6 && run.stderr.starts_with(&start), "{}", run.stderr);
        assert!(run.stderr.ends_with("; a bulla-server keeps files if it is started with --files\n"), "{}", run.stderr);
    }
}

#[cfg(feature = "program")]
#[test]
fn a_transfer_that_a_server_breaks_off_can_be_gone_on_with() {
    let meeting = meet(|builder| {
        builder.route("files.part", |_: PartRequest, _: &Context| Ok(PartReply { size: 0 })).route_client_stream(
            "files.put",
            |mut requests: Requests<PutMessage>, _: &Context| -> Result<Receipt, Status> {
                requests.next().unwrap()?;
                Err(Status::new(Code::Unavailable, "the server is going away"))
            },
        )
    });
    let bulla = common::bulla::Bulla::new(meeting.server.addresses()[0].to_string(), &key(7));
    bulla.write("a", vec![7; 4 << 20]);
    let run = bulla.run(&["put", "a"]);
    assert_eq!(run.code, 6, "{}", run.stderr);
    let start = "error: the server refused files.put: UNAVAILABLE: the server is going away at ";
    assert!(run.stderr.starts_with(start), "{}", run.stderr);
    assert!(run.stderr.ends_with(" of 4.00 MiB: the same command goes on from there\n"), "{}", run.stderr);
}
