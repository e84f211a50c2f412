//! Following a collection, end to end: every record once, in order, whoever is slow.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use bulla_client::records::Followed;
use bulla_client::{CallError, Client, Incoming};
use bulla_core::status::Code;
use bulla_core::value::Value;
use bulla_server::services::Echo;
use bulla_server::services::records::Records;
use bulla_server::{Drained, ServerHandle};
use tempfile::TempDir;

use self::common::{CODECS, Client as RawClient, PATIENCE, builder, eventually, key};

fn serve() -> (TempDir, ServerHandle) {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path().join("bulla.db"), Vec::new()).unwrap();
    (folder, builder().accept(CODECS).service(records).service(Echo).spawn().unwrap())
}

fn connect(server: &ServerHandle, codec: &str) -> Client {
    Client::builder().server(server.addresses()[0].to_string()).key(key()).offer([codec]).connect().unwrap()
}

fn next(follow: &mut Incoming<Followed>) -> Followed {
    match follow.next_timeout(PATIENCE) {
        Poll::Ready(Some(followed)) => followed.unwrap(),
        other => panic!("nothing comes: {other:?}"),
    }
}

fn id(follow: &mut Incoming<Followed>) -> u64 {
    match next(follow) {
        Followed::Record(record) => record.id,
        other => panic!("no record: {other:?}"),
    }
}

#[test]
fn what_is_there_comes_first_and_then_what_is_appended() {
    let (_folder, server) = serve();
    let clients = CODECS.map(|codec| connect(&server, codec));
    let json = connect(&server, "json");
    let append = |collection: &str, number: u32| json.records().append(collection, number.into()).unwrap();
    for (collection, number) in [("a", 1), ("b", 2), ("a", 3)] {
        append(collection, number);
    }
    let mut follows = clients.each_ref().map(|client| client.records().follow("a", None).unwrap());
    let mut from_first = clients[3].records().follow("a", Some(1)).unwrap();
    let mut empty = clients[0].records().follow("nothing yet", None).unwrap();
    for follow in &mut follows {
        assert_eq!([id(follow), id(follow)], [1, 3]);
        assert_eq!(next(follow), Followed::Live);
    }
    assert_eq!((id(&mut from_first), next(&mut from_first)), (3, Followed::Live));
    assert_eq!(next(&mut empty), Followed::Live);
    append("b", 4);
    append("a", 5);
    append("nothing yet", 6);
    for follow in follows.iter_mut().chain([&mut from_first]) {
        let Followed::Record(record) = next(follow) else { panic!() };
        assert_eq!((record.id, record.collection.as_str(), record.codec.as_str()), (5, "a", "json"));
        assert_eq!(record.document, Value::from(5));
    }
    assert_eq!(id(&mut empty), 6);
    let error = clients[1].records().follow("a\nb", None).unwrap().next().unwrap().unwrap_err();
    assert!(matches!(&error, CallError::Status { status, .. } if status.code() == Code::InvalidArgument), "{error}");
}

#[test]
fn none_is_lost_and_none_comes_twice_however_many_are_appended_meanwhile() {
    const EACH: usize = 75;
    let (_folder, server) = serve();
    let appended = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for codec in CODECS {
            let (client, appended) = (connect(&server, codec), &appended);
            scope.spawn(move || {
                for number in 0..EACH {
                    client.records().append("numbers", Value::from(number)).unwrap();
                    appended.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for (at, codec) in CODECS.iter().enumerate() {
            let (client, appended) = (connect(&server, codec), &appended);
            scope.spawn(move || {
                // Each begins somewhere in the middle of the appends.
                eventually("some are there", || appended.load(Ordering::Relaxed) >= at * 50);
                let follow = client.records().follow("numbers", None).unwrap();
                let records = follow.map(Result::unwrap).filter_map(|followed| match followed {
                    Followed::Record(record) => Some(record.id),
                    _ => None,
                });
                assert!(records.take(CODECS.len() * EACH).eq(1..=(CODECS.len() * EACH) as u64));
            });
        }
    });
}

#[test]
fn a_record_that_cannot_come_is_named_and_the_next_one_comes() {
    let (_folder, server) = serve();
    let [json, bincode] = ["json", "bincode"].map(|codec| connect(&server, codec));
    for document in [Value::from(vec![0_u8, 255]), Value::from("fine")] {
        bincode.records().append("odd", document).unwrap();
    }
    let mut follow = json.records().follow("odd", None).unwrap();
    let Followed::Skipped { id: skipped, reason } = next(&mut follow) else { panic!() };
    assert_eq!(skipped, 1);
    assert_eq!(reason, "the reply cannot be sent as json: this codec cannot carry bytes in a document");
    assert_eq!(id(&mut follow), 2);
    let mut follow = bincode.records().follow("odd", None).unwrap();
    assert_eq!([id(&mut follow), id(&mut follow)], [1, 2]);
}

#[test]
fn one_who_does_not_read_costs_a_window_and_misses_nothing() {
    const RECORDS: u64 = 200;
    let (_folder, server) = serve();
    let mut slow = RawClient::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let follow =
        slow.start("records.follow", &bulla_client::records::Follow { collection: "a".to_owned(), after: None });
    assert_eq!(slow.next(follow), Some(Ok(Followed::Live)));
    let writer = connect(&server, "bincode");
    let text = "x".repeat(10_000);
    let mut brisk = writer.records().follow("a", None).unwrap();
    assert_eq!(next(&mut brisk), Followed::Live);
    for number in 1..=RECORDS {
        writer.records().append("a", text.as_str().into()).unwrap();
        assert_eq!(id(&mut brisk), number, "nobody waits for the slow one");
    }
    let unsent = server.metrics().queued_bytes;
    assert!(unsent < 600 << 10, "{unsent} bytes are unsent");
    for number in 1..=RECORDS {
        let Some(Ok(Followed::Record(record))) = slow.next(follow) else { panic!() };
        assert_eq!(record.id, number);
    }
}

#[test]
fn a_drain_ends_those_who_follow_when_they_have_everything() {
    let (_folder, server) = serve();
    let client = connect(&server, "yaml");
    let mut follow = client.records().follow("a", None).unwrap();
    assert_eq!(next(&mut follow), Followed::Live);
    client.records().append("a", Value::Null).unwrap();
    let drained = std::thread::scope(|scope| {
        let drain = scope.spawn(move || server.drain(PATIENCE));
        assert_eq!(id(&mut follow), 1);
        assert!(follow.next().is_none());
        drain.join().unwrap()
    });
    assert_eq!(drained, Drained::Complete);
}
