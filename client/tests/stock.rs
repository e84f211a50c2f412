//! Client and program against the stock server: the types of both sides are the same, in every codec.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bulla_client::records::Collection;
use bulla_client::{CallError, CallOptions, Client, ClientBuilder, ConnectError};
use bulla_core::key::{Key, KeyRing};
use bulla_core::status::Code;
use bulla_core::value::{Map, Value};
use bulla_server::services::records::Records;
use bulla_server::services::{Echo, Info};
use bulla_server::{Context, Server, ServerHandle};
use tempfile::TempDir;

use crate::common::{ALL, codecs, key};

struct Stock {
    server: ServerHandle,
    address: String,
    _folder: TempDir,
}

/// A server whose ring holds one key without a name and one of Ada's.
fn stock(address: &str) -> Stock {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path().join("records.db"), Vec::new()).unwrap();
    let summary = records.clone();
    let server = Server::builder()
        .listen(address)
        .unwrap()
        .keys(ring())
        .codecs(codecs())
        .accept(ALL)
        .service(Echo)
        .service(Info::default().with("records", move || summary.summary()))
        .service(records)
        .route("double", |text: String, _: &Context| Ok(text.repeat(2)))
        .spawn()
        .unwrap();
    let address = server.addresses()[0].to_string();
    Stock { server, address, _folder: folder }
}

fn ring() -> KeyRing {
    KeyRing::parse(&format!("{}\nada = {}\n", *key(7).to_text(), *key(8).to_text())).unwrap()
}

impl Stock {
    fn builder(&self, key: Key) -> ClientBuilder {
        Client::builder().server(&self.address).key(key).codecs(codecs()).deadline(Duration::from_secs(30))
    }

    fn connect(&self, codec: &str) -> Client {
        self.builder(key(7)).offer([codec]).connect().unwrap()
    }
}

fn document(number: u64) -> Value {
    let tags = Value::List(vec![Value::Null, true.into(), (-5).into(), 1.5.into()]);
    let map: Map = [("number", number.into()), ("name", Value::from("Ada ö")), ("tags", tags)].into_iter().collect();
    map.into()
}

#[test]
fn records_have_the_same_types_on_both_sides_in_every_codec() {
    let stock = stock("127.0.0.1:0");
    for (at, codec) in (0..).zip(ALL) {
        for (key, peer) in [(key(7), None), (key(8), Some("ada"))] {
            let client = stock.builder(key).offer([codec]).connect().unwrap();
            let collection = format!("{codec} {}", peer.unwrap_or("nobody"));
            let ids: Vec<u64> =
                (0..3).map(|number| client.records().append(&collection, document(number)).unwrap()).collect();
            let record = client.records().get(&collection, ids[1]).unwrap();
            assert_eq!(
                (record.id, record.collection.as_str(), &record.document),
                (ids[1], collection.as_str(), &document(1))
            );
            assert_eq!((record.codec.as_str(), record.peer.as_deref()), (codec, peer));
            assert!(record.received_at.ends_with('Z'), "{}", record.received_at);
            let page = client.records().page(&collection, Some(ids[0]), Some(1)).unwrap();
            assert!(page.more);
            assert_eq!(page.records, [record]);
            let all: Vec<_> = client.records().iter(&collection).map(|record| record.unwrap().id).collect();
            assert_eq!(all, ids);
            let error = client.records().get(&collection, 0).unwrap_err();
            assert!(matches!(&error, CallError::Status { status, .. } if status.code() == Code::NotFound), "{error}");
            client.close();
        }
        let collections = stock.connect(codec).records().collections().unwrap();
        assert_eq!(collections.len(), 2 * (at + 1));
        assert_eq!(collections[0], Collection { name: "bincode ada".to_owned(), records: 3 });
    }
}

#[test]
fn info_has_the_same_type_on_both_sides_in_every_codec() {
    let stock = stock("127.0.0.1:0");
    for codec in ALL {
        let client = stock.builder(key(8)).offer([codec]).connect().unwrap();
        let info = client.info().unwrap();
        assert_eq!((info.codec.as_str(), info.peer.as_deref()), (codec, Some("ada")));
        assert_eq!(info.codecs, ALL);
        assert!(info.routes.iter().any(|route| route == "records.append"), "{:?}", info.routes);
        assert_eq!(info.limits.message_bytes, u64::from(client.session().limits.message));
        assert!(info.services.as_map().unwrap().get("records").is_some());
    }
}

#[test]
fn every_document_comes_back_from_echo_as_it_was() {
    let stock = stock("127.0.0.1:0");
    for codec in ALL {
        let client = stock.connect(codec);
        assert_eq!(client.call::<_, Value>("echo", &document(7)).unwrap(), document(7), "{codec}");
        assert!(client.ping().unwrap() < Duration::from_secs(30));
    }
}

#[test]
fn many_threads_call_on_one_connection_and_none_gets_another_s_answer() {
    let stock = stock("127.0.0.1:0");
    let client = stock.connect("bincode");
    std::thread::scope(|scope| {
        for thread in 0..16_u64 {
            let client = &client;
            scope.spawn(move || {
                for number in 0..100 {
                    let asked = Value::from(thread * 1000 + number);
                    assert_eq!(client.call::<_, Value>("echo", &asked).unwrap(), asked);
                }
            });
        }
    });
    assert_eq!(stock.server.metrics().accepted, 1);
}

#[test]
fn long_messages_go_both_ways_at_once() {
    let stock = stock("127.0.0.1:0");
    let client = stock.connect("bincode");
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let client = &client;
            scope.spawn(move || {
                let text: String = std::iter::repeat_n(char::from(b'a' + thread), 1 << 20).collect();
                for _ in 0..2 {
                    let answer: String = client.call("double", &text).unwrap();
                    assert!(answer.len() == 2 * text.len() && answer.starts_with(&text), "thread {thread}");
                }
            });
        }
    });
}

#[test]
fn a_drained_server_loses_no_call_that_it_took() {
    let first = stock("127.0.0.1:0");
    let address = first.address.clone();
    let client = first.connect("json");
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (client, done) = (&client, &done);
            scope.spawn(move || {
                // Until the server is gone.
                loop {
                    match client.call::<_, u64>("echo", &7_u64) {
                        Ok(answer) => {
                            assert_eq!(answer, 7);
                            done.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(CallError::Connect(ConnectError::NoServer { .. })) => break,
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        while done.load(Ordering::SeqCst) < 100 {
            std::thread::yield_now();
        }
        first.server.drain(Duration::from_secs(10));
    });
    assert!(done.load(Ordering::SeqCst) >= 100);
    let second = stock(&address);
    assert_eq!(client.call::<_, u64>("echo", &8_u64).unwrap(), 8, "the client finds the server that came back");
    assert_eq!(second.server.metrics().accepted, 1);
}

#[test]
fn one_thread_keeps_many_appends_on_their_way() {
    let stock = stock("127.0.0.1:0");
    let client = stock.connect("bincode");
    let pending: Vec<_> = (0..500)
        .map(|number| {
            let request =
                bulla_client::records::Append { collection: "numbers".to_owned(), document: document(number) };
            client.start::<_, bulla_client::records::Appended>("records.append", &request, &CallOptions::new()).unwrap()
        })
        .collect();
    for pending in pending {
        pending.wait().unwrap();
    }
    // Calls that are on their way together may overtake each other in the server.
    let mut stored: Vec<Value> = client.records().iter("numbers").map(|record| record.unwrap().document).collect();
    stored.sort_by_key(|document| document.as_map().unwrap().get("number").unwrap().as_integer());
    assert!(stored == (0..500).map(document).collect::<Vec<_>>());
}

#[cfg(feature = "program")]
mod program {
    use super::{ALL, key, stock};
    use crate::common::bulla::Bulla;

    #[test]
    fn documents_of_every_codec_meet_in_one_collection() {
        let stock = stock("127.0.0.1:0");
        let bulla = Bulla::new(&stock.address, &key(8));
        for codec in ALL {
            bulla.ok(&["send", "people", "name=Ada", "age:=36", &format!("via={codec}"), "--codec", codec]);
        }
        for codec in ALL {
            let list = bulla.ok(&["list", "people", "--codec", codec]);
            let lines: Vec<&str> = list.lines().collect();
            assert_eq!(lines.len(), ALL.len());
            for (line, via) in lines.iter().zip(ALL) {
                let document =
                    format!(r#""codec":"{via}","peer":"ada","document":{{"name":"Ada","age":36,"via":"{via}"}}}}"#);
                assert!(line.ends_with(&document), "{line}");
            }
        }
        let text = bulla.ok(&["codecs", "--server", &stock.address]);
        assert!(
            text.ends_with(" accepts bincode, cbor, json, msgpack, pickle, postcard, xml, yaml\nchosen: cbor\n"),
            "{text}"
        );
        assert_eq!(bulla.ok(&["list"]), "{\"name\":\"people\",\"records\":8}\n");
        assert!(bulla.ok(&["call", "info"]).contains(r#""records":{"people":8}"#));
    }

    #[test]
    fn lines_of_a_pipe_are_on_disk_when_they_are_acknowledged() {
        let stock = stock("127.0.0.1:0");
        let bulla = Bulla::new(&stock.address, &key(7));
        let lines: String = (1..=2000).map(|number| format!("{{\"n\":{number}}}\n")).collect();
        let run = bulla.run_with(&["send", "numbers", "-"], lines);
        assert_eq!((run.code, run.stdout.as_str()), (0, "2000 of 2000 documents acknowledged\n"), "{}", run.stderr);
        let mut numbers = numbers(&bulla);
        numbers.sort_unstable();
        assert!(numbers == (1..=2000).collect::<Vec<_>>());
    }

    #[test]
    fn lines_keep_their_order_when_that_is_asked_for() {
        let stock = stock("127.0.0.1:0");
        let bulla = Bulla::new(&stock.address, &key(7));
        let lines: String = (1..=100).map(|number| format!("{{\"n\":{number}}}\n")).collect();
        assert_eq!(bulla.run_with(&["send", "numbers", "-", "--in-order"], lines).code, 0);
        assert_eq!(numbers(&bulla), (1..=100).collect::<Vec<_>>());
    }

    /// The field `n` of every record, in the order of the list.
    fn numbers(bulla: &Bulla) -> Vec<u32> {
        let number = |line: &str| line.rsplit_once(':').unwrap().1.trim_end_matches('}').parse().unwrap();
        bulla.ok(&["list", "numbers"]).lines().map(number).collect()
    }

    #[test]
    fn a_person_fills_a_form() {
        let stock = stock("127.0.0.1:0");
        let bulla = Bulla::new(&stock.address, &key(8));
        let run = bulla.run_with(&["form", "people", "first_name", "email?"], "Ada\n\nxml\ny\nGrace\ng@example.org\n");
        assert_eq!((run.code, run.stdout.as_str()), (0, "1\n2\n"), "{}", run.stderr);
        assert!(
            bulla.ok(&["get", "people", "1"]).contains(r#""codec":"xml","peer":"ada","document":{"first_name":"Ada"}"#)
        );
    }
}

#[cfg(feature = "program")]
#[test]
fn a_call_is_a_stream_of_one_message_each_way() {
    let stock = stock("127.0.0.1:0");
    let bulla = common::bulla::Bulla::new(&stock.address, &key(7));
    for codec in ALL {
        assert_eq!(
            bulla.ok(&["stream", "echo", "{\"a\":[1,null]}", "--codec", codec]),
            "{\"a\":[1,null]}\n",
            "{codec}"
        );
    }
    for documents in [&["1", "2"][..], &[]] {
        let run = bulla.run(&[&["stream", "echo"], documents].concat());
        assert_eq!((run.code, run.stdout.as_str()), (6, ""), "one, no more and no less: {}", run.stderr);
    }
}
