//! The records on disk: what is acknowledged is there, what is not says why.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

fn append(records: &Records, collection: &str, document: impl Into<Value>) -> Receiver<Result<u64, StoreError>> {
    let (sender, outcome) = channel();
    let document = document.into();
    records.inner.writer.append(Append {
        collection: collection.to_owned(),
        text: to_text(&document),
        document,
        codec: "json".to_owned(),
        peer: Some("ada".to_owned()),
        done: Box::new(move |result| drop(sender.send(result))),
    });
    outcome
}

fn appended(records: &Records, collection: &str, document: impl Into<Value>) -> Result<u64, StoreError> {
    append(records, collection, document).recv_timeout(PATIENCE).unwrap()
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bulla.db");
    (folder, path)
}

#[test]
fn what_was_appended_is_there_after_a_restart() {
    let (_folder, path) = place();
    let records = Records::open(&path, Vec::new()).unwrap();
    assert_eq!(appended(&records, "notes", "one"), Ok(1));
    assert_eq!(appended(&records, "others", f64::NAN), Ok(2));
    drop(records);
    let records = Records::open(&path, Vec::new()).unwrap();
    assert_eq!(appended(&records, "notes", "two"), Ok(3), "numbers go on");
    let found = records.get(&GetRequest { collection: "others".to_owned(), id: 2 }).unwrap();
    assert_eq!((found.document, found.peer.as_deref()), (Value::from(f64::NAN), Some("ada")));
    let status = records.get(&GetRequest { collection: "notes".to_owned(), id: 2 }).unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "it is in another collection");
    let expected = [("notes", 2), ("others", 1)].map(|(name, records)| Collection { name: name.to_owned(), records });
    assert_eq!(records.collections(), Ok(expected.to_vec()));
}

#[test]
fn a_list_goes_on_where_it_ended() {
    let (_folder, path) = place();
    let records = Records::open(&path, Vec::new()).unwrap();
    let outcomes: Vec<_> = (0..250).map(|number| append(&records, "numbers", number)).collect();
    assert!(outcomes.into_iter().all(|outcome| outcome.recv_timeout(PATIENCE).unwrap().is_ok()));
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let request = ListRequest { collection: "numbers".to_owned(), after, limit: None };
        let reply = records.list(&request).unwrap();
        after = reply.records.last().map(|record| record.id);
        seen.extend(reply.records.into_iter().map(|record| record.document));
        if !reply.more {
            break;
        }
    }
    assert_eq!(seen, (0..250).map(Value::from).collect::<Vec<_>>());
    for limit in [0, MAX_LIST + 1] {
        let request = ListRequest { collection: "numbers".to_owned(), after: None, limit: Some(limit) };
        assert_eq!(records.list(&request).unwrap_err().code(), Code::InvalidArgument);
    }
}

#[test]
fn a_list_of_large_documents_ends_early_but_never_stands_still() {
    let (_folder, path) = place();
    let records = Records::open(&path, Vec::new()).unwrap();
    for _ in 0..3 {
        appended(&records, "large", "x".repeat(700 << 10)).unwrap();
    }
    let request = ListRequest { collection: "large".to_owned(), after: None, limit: None };
    let reply = records.list(&request).unwrap();
    assert_eq!((reply.records.len(), reply.more), (1, true));
}

#[test]
fn the_file_is_ours_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = place();
    let records = Records::open(&path, Vec::new()).unwrap();
    appended(&records, "notes", 1).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", path.display());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[test]
fn what_is_no_database_of_ours_is_named() {
    let (folder, path) = place();
    assert!(matches!(Records::open(folder.path(), Vec::new()).err(), Some(StoreError::IsFolder(_))));
    fs::write(&path, "this is no database, and long enough to be seen as none: ".repeat(100)).unwrap();
    assert!(matches!(Records::open(&path, Vec::new()).err(), Some(StoreError::NotADatabase(_))));
    let missing = folder.path().join("missing").join("bulla.db");
    assert!(matches!(Records::open(missing, Vec::new()).err(), Some(StoreError::Open { .. })));
    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE theirs (id)").unwrap();
    assert!(matches!(Records::open(&foreign, Vec::new()).err(), Some(StoreError::Foreign(_))));
    let newer = folder.path().join("newer.db");
    drop(Records::open(&newer, Vec::new()).unwrap());
    Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert!(matches!(Records::open(&newer, Vec::new()).err(), Some(StoreError::Newer { found: 99, .. })));
}

#[test]
fn a_locked_database_is_no_acknowledgement() {
    let (_folder, path) = place();
    let records = Records::open_with(&path, Vec::new(), Duration::from_millis(10)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = appended(&records, "notes", 1).unwrap_err();
    assert_eq!(error, StoreError::Locked);
    assert_eq!(Status::from(error).code(), Code::Unavailable);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(appended(&records, "notes", 2), Ok(1), "nothing was left behind");
}

#[test]
fn a_full_disk_is_no_acknowledgement() {
    let (_folder, path) = place();
    let (store, connection) = Store::open(&path, PATIENCE).unwrap();
    // SQLite answers as it does when the disk is full.
    connection.pragma_update(None, "max_page_count", 20).unwrap();
    let records = Records::start(store, connection, Vec::new()).unwrap();
    assert_eq!(appended(&records, "notes", "x".repeat(1 << 20)), Err(StoreError::Full));
    assert_eq!(Status::from(StoreError::Full).code(), Code::ResourceExhausted);
    assert_eq!(records.collections(), Ok(Vec::new()), "nothing was left behind");
    assert_eq!(appended(&records, "notes", "small"), Ok(1));
}

#[test]
fn a_damaged_database_is_data_loss() {
    let (_folder, path) = place();
    let records = Records::open(&path, Vec::new()).unwrap();
    appended(&records, "notes", 1).unwrap();
    Connection::open(&path).unwrap().execute("UPDATE records SET document = '{\"$bytes\":1}'", ()).unwrap();
    let status = records.get(&GetRequest { collection: "notes".to_owned(), id: 1 }).unwrap_err();
    assert_eq!(status.code(), Code::DataLoss);
}

/// Keeps what it sees.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Record>>>);

impl Observer for Seen {
    fn observe(&mut self, record: &Record) -> std::io::Result<()> {
        self.0.lock().unwrap().push(record.clone());
        Err(std::io::Error::other("an observer that fails stops nobody"))
    }
}

#[test]
fn observers_see_each_record_in_order() {
    let (folder, path) = place();
    let lines = folder.path().join("records.jsonl");
    let seen = Seen::default();
    let observers: Vec<Box<dyn Observer>> = vec![Box::new(seen.clone()), Box::new(JsonLines::open(&lines).unwrap())];
    let records = Records::open(&path, observers).unwrap();
    for document in [Value::from(vec![1_u8]), Value::from("two\nlines")] {
        append(&records, "notes", document);
    }
    records.flush();
    let seen = seen.0.lock().unwrap();
    assert_eq!(seen.iter().map(|record| record.id).collect::<Vec<_>>(), [1, 2]);
    let text = fs::read_to_string(&lines).unwrap();
    let expected = format!(
        r#"{{"id":1,"collection":"notes","document":{{"$bytes":"AQ=="}},"codec":"json","peer":"ada","received_at":"{}"}}"#,
        seen[0].received_at
    );
    assert_eq!(text.lines().next(), Some(expected.as_str()));
    assert_eq!(text.lines().count(), 2);
}
