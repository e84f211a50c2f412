//! Records of the real program: an acknowledgement means on disk, and a document is the same in every codec.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::fs;

use bulla_core::codec::{CodecRegistry, DecodeLimits};
use bulla_core::status::Code;
use bulla_core::value::{Map, Value};
use bulla_server::services::ServerInfo;
use bulla_server::services::records::{
    AppendReply, AppendRequest, Collection, GetRequest, ListReply, ListRequest, Record,
};
use rustix::process::Signal;

use self::common::program::{Program, folder};
use self::common::{CODECS, Client, key};

fn document() -> Value {
    let tags: Value = ["a", "", "ö 漢 <&> \"quoted\""].into_iter().map(Value::from).collect();
    let inner: Map =
        [("height", Value::from(1.75)), ("none", Value::Null), ("empty", Value::List(vec![]))].into_iter().collect();
    let pairs: [(&str, Value); 6] = [
        ("name", "Ada".into()),
        ("age", 36.into()),
        ("debt", (-7).into()),
        ("sure", true.into()),
        ("tags", tags),
        ("more", inner.into()),
    ];
    pairs.into_iter().collect::<Map>().into()
}

fn append(client: &mut Client, collection: &str, document: Value) -> u64 {
    let request = AppendRequest { collection: collection.to_owned(), document };
    client.call::<_, AppendReply>("records.append", &request).unwrap().id
}

fn list(client: &mut Client, collection: &str) -> Vec<Record> {
    let request = ListRequest { collection: collection.to_owned(), after: None, limit: Some(1000) };
    let reply: ListReply = client.call("records.list", &request).unwrap();
    assert!(!reply.more);
    reply.records
}

#[test]
fn a_document_is_the_same_whatever_codec_brought_it_and_whatever_codec_asks() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--append", "out.jsonl", "--accept", &CODECS.join(",")]);
    for codec in CODECS {
        append(&mut program.client(codec), "people", document());
    }
    for codec in CODECS {
        let mut client = program.client(codec);
        let records = list(&mut client, "people");
        let codecs: Vec<&str> = records.iter().map(|record| record.codec.as_str()).collect();
        assert_eq!(codecs, CODECS, "asked in {codec}");
        assert!(records.iter().all(|record| record.document == document()), "asked in {codec}: {records:?}");
        let one: Record =
            client.call("records.get", &GetRequest { collection: "people".to_owned(), id: records[2].id }).unwrap();
        assert_eq!(one, records[2]);
        let collections: Vec<Collection> = client.call("records.collections", &Value::Null).unwrap();
        assert_eq!(collections, [Collection { name: "people".to_owned(), records: CODECS.len() as u64 }]);
        let info: ServerInfo = client.call("info", &Value::Null).unwrap();
        let counted: Map = [("people", CODECS.len())].into_iter().collect();
        assert_eq!(info.services.as_map().unwrap().get("records"), Some(&counted.into()));
        assert!(info.services.as_map().unwrap().get("topics").is_some());
    }
    program.stop();
    let lines = fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    let documents: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["document"].take()).collect();
    assert_eq!(documents.len(), CODECS.len(), "the file has every record when the program has ended");
    assert!(documents.iter().all(|document| *document == documents[0]));
    assert_eq!(documents[0]["more"]["height"], 1.75);
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--accept", &CODECS.join(",")]);
    let mut clients: Vec<Client> = CODECS.iter().map(|codec| program.client(codec)).collect();
    let mut acknowledged = Vec::new();
    for number in 0..25 {
        for client in &mut clients {
            acknowledged.push((append(client, "numbers", Value::from(number)), number));
        }
    }
    // More are on their way when the end comes.
    let request = AppendRequest { collection: "numbers".to_owned(), document: Value::Null };
    let last: Vec<_> = (0..50).map(|_| clients[0].start("records.append", &request)).collect();
    program.signal(Signal::KILL);
    assert!(!program.wait().0.success());
    drop(last);

    let program = Program::start(folder.path(), &[]);
    let mut client = program.client("bincode");
    let records = list(&mut client, "numbers");
    for (id, number) in acknowledged {
        let found = records.iter().find(|record| record.id == id).unwrap_or_else(|| panic!("record {id} is lost"));
        assert_eq!(found.document, Value::from(number));
    }
    assert!(append(&mut client, "numbers", Value::Null) > records.last().unwrap().id, "numbers go on");
    program.stop();
}

#[test]
fn a_document_that_only_some_codecs_can_carry_is_kept_whole() {
    let folder = folder();
    let program = Program::start(folder.path(), &[]);
    let document = Value::List(vec![f64::NAN.into(), vec![0_u8, 255].into(), u128::MAX.into()]);
    let id = append(&mut program.client("bincode"), "odd", document.clone());
    let get = GetRequest { collection: "odd".to_owned(), id };
    let record: Record = program.client("bincode").call("records.get", &get).unwrap();
    assert_eq!(record.document, document);
    let status = program.client("json").call::<_, Record>("records.get", &get).unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.reason().contains("cannot be sent as json"), "{status}");
    program.stop();
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    let folder = folder();
    let program = Program::start(folder.path(), &[]);
    let mut client = program.client("json");
    for collection in ["", "a\nb", &"x".repeat(129)] {
        let request = AppendRequest { collection: collection.to_owned(), document: Value::Null };
        let status = client.call::<_, AppendReply>("records.append", &request).unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{collection:?}");
    }
    let request: Map = [("colection", "people")].into_iter().collect();
    let status = client.call::<_, AppendReply>("records.append", &Value::from(request)).unwrap_err();
    assert!(status.reason().contains("unknown field `colection`"), "{status}");
    let missing = GetRequest { collection: "people".to_owned(), id: 1 };
    assert_eq!(client.call::<_, Record>("records.get", &missing).unwrap_err().code(), Code::NotFound);
    program.stop();
}

#[test]
fn records_are_shown_on_the_screen_and_nothing_in_them_steers_it() {
    let folder = folder();
    let ring = format!("ada = {}\n", *key().to_text());
    fs::write(folder.path().join("bulla.key"), ring).unwrap();
    let mut program = Program::start(folder.path(), &["--print"]);
    let map: Map = [("name", "Ada\x1b[2J\n"), ("\x07", "")].into_iter().collect();
    append(&mut program.client("yaml"), "people", map.into());
    let heading = program.next_line();
    assert!(heading.starts_with("people #1 20") && heading.ends_with("Z as yaml from ada"), "{heading}");
    assert_eq!(program.next_line(), r#"  name   "Ada\u{1b}[2J\n""#);
    assert_eq!(program.next_line(), r#"  \u{7}  """#);
    program.stop();
}

#[test]
fn stored_documents_can_be_read_with_the_library() {
    // The text in the database is what `to_text` documents, not a codec's bytes.
    let folder = folder();
    let program = Program::start(folder.path(), &[]);
    append(&mut program.client("xml"), "people", document());
    program.stop();
    let database = rusqlite::Connection::open(folder.path().join("bulla.db")).unwrap();
    let text: String = database.query_row("SELECT document FROM records", (), |row| row.get(0)).unwrap();
    assert!(text.starts_with(r#"{"name":"Ada","age":36,"debt":-7,"#), "{text}");
    let json = CodecRegistry::discovered().unwrap().require(&"json".parse().unwrap()).unwrap().clone();
    assert_eq!(json.decode_as::<Value>(text.as_bytes(), DecodeLimits::default()), Ok(document()));
}
