//! A handler with the routes of the stock server, in memory.

use std::sync::Mutex;

use bulla_client::info::{InfoLimits, ServerInfo};
use bulla_client::records::{Append, Appended, Collection, Get, List, Page, Record};
use bulla_core::status::Code;
use bulla_core::value::Value;

use super::{Reply, Request, echo, refuse};

/// The records in a page, so that a few of them make several pages.
const PAGE: usize = 3;

/// Refuses a document that has a field `refuse`, and gives few records in a page.
pub fn store(codecs: &[&str]) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    let codecs: Vec<String> = codecs.iter().map(ToString::to_string).collect();
    let records = Mutex::new(Vec::<Record>::new());
    move |request| {
        let mut records = records.lock().unwrap();
        match request.open.route.as_str() {
            "echo" => echo(request),
            "info" => request.answer(&info(&codecs, request)),
            "records.append" => append(&mut records, request),
            "records.get" => get(&records, request),
            "records.list" => request.answer(&list(&records, &request.decode())),
            "records.collections" => request.answer(&collections(&records)),
            route => refuse(Code::Unimplemented, &format!("no route {route}")),
        }
    }
}

fn info(codecs: &[String], request: &Request) -> ServerInfo {
    let limits = InfoLimits {
        message_bytes: 1,
        streams: 2,
        credit_bytes: 3,
        connections: 4,
        decode_depth: 5,
        decode_elements: 6,
    };
    ServerInfo {
        version: "1".to_owned(),
        codecs: codecs.to_vec(),
        codec: request.codec.name().to_string(),
        peer: None,
        uptime_seconds: 7,
        routes: Vec::new(),
        limits,
        services: Value::Null,
    }
}

fn append(records: &mut Vec<Record>, request: &Request) -> Reply {
    let Append { collection, document } = request.decode();
    if document.as_map().is_some_and(|map| map.get("refuse").is_some()) {
        return refuse(Code::InvalidArgument, "told to refuse\u{1b}[31m");
    }
    let id = records.len() as u64 + 1;
    records.push(Record {
        id,
        collection,
        document,
        codec: request.codec.name().to_string(),
        peer: Some("ada".to_owned()),
        received_at: "2026-01-02T03:04:05Z".to_owned(),
    });
    request.answer(&Appended { id })
}

fn get(records: &[Record], request: &Request) -> Reply {
    let Get { collection, id } = request.decode();
    match records.iter().find(|record| record.collection == collection && record.id == id) {
        Some(record) => request.answer(record),
        None => refuse(Code::NotFound, &format!("{collection} has no record {id}")),
    }
}

fn list(records: &[Record], request: &List) -> Page {
    let after = request.after.unwrap_or(0);
    let mut found = records.iter().filter(|record| record.collection == request.collection && record.id > after);
    let records = found.by_ref().take(PAGE).cloned().collect();
    Page { records, more: found.next().is_some() }
}

fn collections(records: &[Record]) -> Vec<Collection> {
    let mut names: Vec<&str> = records.iter().map(|record| record.collection.as_str()).collect();
    names.sort_unstable();
    let count = |name: &str| names.iter().filter(|other| **other == name).count() as u64;
    let mut unique = names.clone();
    unique.dedup();
    unique.into_iter().map(|name| Collection { name: name.to_owned(), records: count(name) }).collect()
}
