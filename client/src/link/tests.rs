//! Those who wait for room on a connection that tests hold still.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bulla_core::codec::CodecName;
use bulla_core::connection::{ClientConfig, Identity, Limits, Open};
use bulla_core::intercept::Endings;
use bulla_core::key::{Key, KeyRing};
use bulla_server::{Replies, Requests, Responder, Server, ServerHandle};

use super::streams::Opened;
use super::*;
use crate::drive;

pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A server that takes calls and answers none, and a connection on which little may wait to be written.
pub(super) fn silence() -> (ServerHandle, Arc<Link>) {
    let key = Key::from_bytes([7; 32]);
    let server = Server::builder().listen("127.0.0.1:0").unwrap().keys(KeyRing::single(key.clone()));
    let kept = Mutex::new(Vec::new());
    let keep = move |_: u32, responder: Responder| kept.lock().unwrap().push(responder);
    let held = Mutex::new(Vec::new());
    let hold = move |requests: Requests<u32>, replies: Replies| held.lock().unwrap().push((requests, replies));
    let server = server.route_responder("keep", keep).route_duplex("hold", hold).spawn().unwrap();
    let mut bounds = Bounds::default();
    bounds.outbound = 100;
    let identity = Identity { instance: [1; 16], agent: "test/1".to_owned() };
    let offer = vec![CodecName::new("json")];
    let config = ClientConfig { key, offer, limits: Limits::default(), bounds, identity };
    let address = server.addresses()[0].to_string().parse().unwrap();
    let (link, _) = drive::connect(&address, &config).unwrap();
    (server, link)
}

fn open(link: &Link, route: &str) -> Result<(), Refusal> {
    let open = Open { route: route.to_owned(), ..Open::default() };
    let request = Some([b" ".repeat(200), b"1".to_vec()].concat());
    let endings = &mut Endings::default();
    let beginning = Beginning { open: &open, request, expects: Expects::One, soon: true, endings };
    link.open(beginning, Some(Instant::now() + PATIENCE)).map(|_| ())
}

/// As if somebody were writing, once the handshake is over.
fn hold_writing(link: &Link) {
    loop {
        let mut state = link.lock();
        if state.writes >= 2 && !state.writing {
            state.writing = true;
            return;
        }
        drop(state);
        thread::yield_now();
    }
}

/// One opens a stream while there is no room, and another makes room: whether the one hears of it.
fn hears_of_room(make_room: impl FnOnce(&Link)) -> bool {
    let (_server, link) = silence();
    hold_writing(&link);
    assert!(open(&link, "keep").is_ok());
    let (told, outcome) = mpsc::channel();
    let waiter = Arc::clone(&link);
    thread::spawn(move || told.send(open(&waiter, "keep").is_ok()));
    while link.lock().waiting == 0 {
        thread::yield_now();
    }
    link.lock().writing = false;
    make_room(&link);
    outcome.recv_timeout(PATIENCE / 2) == Ok(true)
}

#[test]
fn whoever_waits_to_open_a_stream_hears_of_room_that_another_made() {
    assert!(hears_of_room(|link| link.flush_from(link.lock())));
}

#[test]
fn also_of_room_that_another_made_in_vain() {
    assert!(hears_of_room(|link| assert!(matches!(open(link, "no route"), Err(Refusal::Command(_))))));
}

/// A stream that holds all that it may, and a thread that waits for room on it: it leads.
fn crowd(link: &Arc<Link>) -> (Opened, mpsc::Receiver<bool>) {
    let open = Open { route: "hold".to_owned(), ..Open::default() };
    let endings = &mut Endings::default();
    let beginning = Beginning { open: &open, request: None, expects: Expects::Many, soon: false, endings };
    let opened = link.open(beginning, None).ok().unwrap();
    let message = || b"1".repeat(10_000);
    while link.send(opened.stream, message(), false, None).ok().unwrap() {}
    if !link.lock().writing {
        free_lead(link);
    }
    let (told, outcome) = mpsc::channel();
    let (waiter, stream) = (Arc::clone(link), opened.stream);
    thread::spawn(move || told.send(waiter.send(stream, message(), true, None).is_ok()));
    while link.lock().crowded.is_empty() || link.lock().lead.is_free() {
        thread::yield_now();
    }
    (opened, outcome)
}

fn ping(link: &Link) {
    let (_, inbox) = link.ping().ok().unwrap();
    link.wait_for_mail(&inbox, Some(Instant::now() + PATIENCE));
    assert!(!inbox.is_empty());
}

/// Whoever has waited for an answer leaves the lead to the next one.
fn free_lead(link: &Link) {
    (0..5).for_each(|_| ping(link));
    while !link.lock().lead.is_free() {
        ping(link);
    }
}

#[test]
fn whoever_waits_for_room_to_send_hears_of_it_also_from_another_that_writes() {
    let (_server, link) = silence();
    free_lead(&link);
    hold_writing(&link);
    let (_opened, outcome) = crowd(&link);
    link.lock().writing = false;
    link.flush_from(link.lock());
    assert_eq!(outcome.recv_timeout(PATIENCE / 2), Ok(true));
}

#[test]
fn whoever_waits_for_room_to_send_hears_that_the_reader_has_gone() {
    let (_server, link) = silence();
    let (opened, outcome) = crowd(&link);
    link.abandon(opened.stream, &opened.inbox, 0, 0);
    assert_eq!(outcome.recv_timeout(PATIENCE / 2), Ok(false));
}

#[test]
fn whoever_waits_for_room_to_send_waits_once_whatever_comes_meanwhile() {
    let (_server, link) = silence();
    let (_opened, outcome) = crowd(&link);
    for _ in 0..20 {
        ping(&link);
    }
    assert_eq!(link.lock().crowded.len(), 1);
    assert!(outcome.try_recv().is_err(), "it waits still");
}
