//! Threads for streams: how long a silent peer holds one, and how many of them one peer has.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulla_core::key::{Key, KeyRing};
use bulla_core::status::{Code, Status};
use bulla_server::{Capacity, Context, Replies, Requests, Server};

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

#[test]
fn no_connection_and_no_name_has_more_threads_than_its_share() {
    let keys = [1, 2, 3].map(|byte| Key::from_bytes([byte; 32]));
    let texts: Vec<_> = ["", "ada = ", "bob = "].iter().zip(&keys).map(|(name, key)| (name, key.to_text())).collect();
    let ring: String = texts.iter().map(|(name, text)| format!("{name}{}\n", **text)).collect();
    let server = Server::builder()
        .listen("127.0.0.1:0")
        .unwrap()
        .keys(KeyRing::parse(&ring).unwrap())
        .capacity(capacity(|capacity| {
            capacity.stream_threads = 8;
            capacity.stream_threads_per_connection = 2;
            capacity.stream_threads_per_name = 3;
        }))
        .route_client_stream("count", count)
        .spawn()
        .unwrap();
    let [nameless, ada, bob] = &keys;
    let connect = |key: &Key| Client::connect(&server.addresses()[0], key.clone(), &["json"]).unwrap();
    let open = |client: &mut Client, count: usize| {
        let streams: Vec<_> = (0..count).map(|_| client.open("count")).collect();
        client.write();
        eventually("they wait", || server.metrics().streams_running >= count as u64);
        streams
    };
    let refused = |client: &mut Client, stream| client.answer::<usize>(stream).unwrap_err().to_string();

    let (mut first, mut second) = (connect(ada), connect(ada));
    let held = open(&mut first, 3);
    let of_connection = "the streams of this connection hold as many threads as those of one may";
    assert_eq!(refused(&mut first, held[2]), format!("RESOURCE_EXHAUSTED: {of_connection}"));
    let more = open(&mut second, 2);
    let of_key = "the streams of this key hold as many threads as those of one may";
    assert_eq!(refused(&mut second, more[1]), format!("RESOURCE_EXHAUSTED: {of_key}"));
    assert_eq!(server.metrics().stream_threads, 3);

    // Nobody else is held up: two that have no name are two.
    let mut others = [connect(bob), connect(nameless), connect(nameless)];
    for client in &mut others {
        open(client, 1);
        let stream = client.open("count");
        client.finish(stream);
        assert_eq!(client.answer::<usize>(stream), Ok(0));
    }
    for (client, stream) in [(&mut first, held[0]), (&mut second, more[0])] {
        client.send(stream, &1);
        client.finish(stream);
        assert_eq!(client.answer::<usize>(stream), Ok(1), "those that run go on");
    }
    let stream = second.open("count");
    second.finish(stream);
    assert_eq!(second.answer::<usize>(stream), Ok(0), "there is room again");
}

#[test]
fn a_burst_of_brief_streams_passes_a_small_share() {
    let server = builder()
        .capacity(capacity(|capacity| capacity.stream_threads_per_connection = 1))
        .route_client_stream("count", count)
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let streams: Vec<_> = (0..500)
        .map(|_| {
            let stream = client.open("count");
            client.finish(stream);
            stream
        })
        .collect();
    for stream in streams {
        assert_eq!(client.answer::<usize>(stream), Ok(0));
    }
    assert_eq!(server.metrics().stream_threads, 1);
}

#[test]
fn what_waits_for_its_share_is_answered_when_the_server_stops() {
    let (told, hearing) = mpsc::channel();
    let server = builder()
        .capacity(capacity(|capacity| capacity.stream_threads_per_connection = 1))
        .route_client_stream("wait", move |mut requests: Requests<u32>, _: &Context| {
            told.send(()).unwrap();
            requests.next().unwrap()
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let streams = [client.open("wait"), client.open("wait")];
    client.write();
    hearing.recv_timeout(PATIENCE).unwrap();
    eventually("one waits", || server.metrics().streams_running == 2);
    server.shutdown();
    for stream in streams {
        assert_eq!(client.answer::<u32>(stream).unwrap_err().code(), Code::Unavailable);
    }
}

#[test]
fn what_waits_for_its_share_goes_with_its_connection_or_when_it_is_refused() {
    let ada = Key::from_bytes([2; 32]);
    let server = Server::builder()
        .listen("127.0.0.1:0")
        .unwrap()
        .keys(KeyRing::parse(&format!("ada = {}", *ada.to_text())).unwrap())
        .capacity(capacity(|capacity| {
            capacity.stream_threads_per_connection = 2;
            capacity.stream_threads_per_name = 2;
        }))
        .route_client_stream("count", count)
        .spawn()
        .unwrap();
    let connect = || Client::connect(&server.addresses()[0], ada.clone(), &["json"]).unwrap();
    let open = |client: &mut Client, count: usize| {
        let streams: Vec<_> = (0..count).map(|_| client.open("count")).collect();
        client.write();
        streams
    };
    let running = || server.metrics().calls_running;
    let mut first = connect();
    let held = open(&mut first, 2);
    eventually("both run", || server.metrics().stream_threads == 2);
    // These wait for their connection's share, and two of them for that of the name.
    let mut second = connect();
    open(&mut second, 5);
    eventually("they wait", || running() == 7);
    drop(second);
    eventually("they are gone with their connection", || running() == 2);
    for stream in open(&mut first, 3) {
        assert_eq!(first.answer::<usize>(stream).unwrap_err().code(), Code::ResourceExhausted);
    }
    eventually("they are gone when they are refused", || running() == 2);
    for stream in held {
        first.finish(stream);
        assert_eq!(first.answer::<usize>(stream), Ok(0));
    }
    let mut third = connect();
    let stream = third.open("count");
    third.finish(stream);
    assert_eq!(third.answer::<usize>(stream), Ok(0), "all places are free");
}
