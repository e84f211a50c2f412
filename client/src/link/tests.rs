//! Those who wait for room on a connection that tests hold still.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bulla_core::codec::CodecName;
use bulla_core::connection::{ClientConfig, Identity, Limits, Open};
use bulla_core::intercept::Endings;
use bulla_core::key::{Key, KeyRing};
use bulla_server::{Responder, Server, ServerHandle};

use super::*;
use crate::drive;

const PATIENCE: Duration = Duration::from_secs(10);

/// A server that takes calls and answers none, and a connection on which little may wait to be written.
fn silence() -> (ServerHandle, Arc<Link>) {
    let key = Key::from_bytes([7; 32]);
    let server = Server::builder().listen("127.0.0.1:0").unwrap().keys(KeyRing::single(key.clone()));
    let kept = Mutex::new(Vec::new());
    let keep = move |_: u32, responder: Responder| kept.lock().unwrap().push(responder);
    let server = server.route_responder("keep", keep).spawn().unwrap();
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

/// One opens a stream while there is no room, and another makes room: whether the one hears of it.
fn hears_of_room(make_room: impl FnOnce(&Link)) -> bool {
    let (_server, link) = silence();
    // As if somebody were writing, once the handshake is over.
    loop {
        let mut state = link.lock();
        if state.writes >= 2 && !state.writing {
            state.writing = true;
            break;
        }
        drop(state);
        thread::yield_now();
    }
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
