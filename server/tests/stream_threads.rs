//! Threads for streams: how long a silent peer holds one, and how many of them one peer has.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulla_core::status::{Code, Status};
use bulla_server::{Capacity, Context, Replies, Requests};

use self::common::{Client, PATIENCE, builder, eventually, key};

const MOMENT: Duration = Duration::from_millis(50);

fn capacity(change: impl FnOnce(&mut Capacity)) -> Capacity {
    let mut capacity = Capacity::default();
    change(&mut capacity);
    capacity
}

fn count(requests: Requests<u32>, _: &Context) -> Result<usize, Status> {
    requests.map(|request| request.map(|_| 1)).sum()
}

#[test]
fn a_peer_that_sends_nothing_holds_a_thread_for_so_long_and_no_longer() {
    let feeds = Arc::<Mutex<Vec<Replies>>>::default();
    let (kept, (told, hearing)) = (Arc::clone(&feeds), mpsc::channel());
    let server = builder()
        .capacity(capacity(|capacity| capacity.stream_silence = MOMENT))
        .route_client_stream("count", count)
        .route_server_stream("feed", move |_: u32, replies: Replies| kept.lock().unwrap().push(replies))
        .route_duplex("own", move |mut requests: Requests<u32>, replies: Replies| {
            let told = told.clone();
            std::thread::spawn(move || {
                told.send(()).unwrap();
                let number = requests.next().unwrap().unwrap();
                replies.send(&number).unwrap();
            });
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let (feed, own) = (client.start("feed", &1), client.open("own"));
    client.write();
    hearing.recv_timeout(PATIENCE).unwrap();
    let silent = Status::new(Code::DeadlineExceeded, "the peer sent nothing for 50ms");
    for first in [None, Some(7)] {
        let upload = client.open("count");
        first.iter().for_each(|number| client.send(upload, number));
        assert_eq!(client.answer::<usize>(upload), Err(silent.clone()), "{first:?}");
    }
    eventually("its thread is free", || server.metrics().streams_running == 2);
    assert_eq!(server.metrics().calls, [("DEADLINE_EXCEEDED", 2)].into_iter().collect());
    // These have been quiet for longer, and hold no thread of the server's.
    feeds.lock().unwrap().pop().unwrap().send(&1).unwrap();
    client.send(own, &2);
    assert_eq!(client.next::<u32>(feed), Some(Ok(1)));
    assert_eq!(client.next::<u32>(own), Some(Ok(2)));
}

#[test]
fn a_peer_that_takes_nothing_holds_a_thread_for_so_long_and_no_longer() {
    let (told, hearing) = mpsc::channel();
    let server = builder()
        .capacity(capacity(|capacity| capacity.stream_silence = MOMENT))
        .route_server_stream("flood", move |_: u32, replies: Replies| {
            let text = "x".repeat(1000);
            told.send(std::iter::repeat_with(|| replies.send(&text)).find_map(Result::err).unwrap()).unwrap();
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let flood = client.start("flood", &1);
    // It reads nothing meanwhile.
    let silent = Status::new(Code::DeadlineExceeded, "the peer took nothing for 50ms");
    assert_eq!(hearing.recv_timeout(PATIENCE).unwrap(), silent);
    assert_eq!(client.collect::<String>(flood), Err(silent));
}
