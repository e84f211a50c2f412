//! Streams over the library, end to end: every shape, in every codec, and who waits for whom.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::time::Duration;

use bulla_client::{CallError, CallOptions};
use bulla_core::status::{Code, Status};
use bulla_core::value::Value;
use bulla_server::services::Echo;
use bulla_server::{Capacity, Context, Replies, Requests, ServerHandle, TrySendError};

use self::common::{CODECS, Client, PATIENCE, builder, eventually, key};

const WINDOW: usize = 256 << 10;

/// The library's own client.
fn client(server: &ServerHandle) -> bulla_client::Client {
    let address = server.addresses()[0].to_string();
    bulla_client::Client::builder().server(address).key(key()).offer(["json"]).connect().unwrap()
}

fn options() -> CallOptions {
    CallOptions::new()
}

fn capacity(change: impl FnOnce(&mut Capacity)) -> Capacity {
    let mut capacity = Capacity::default();
    change(&mut capacity);
    capacity
}

/// The status with which a call failed.
fn status<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> Status {
    match outcome {
        Err(CallError::Status { status, .. }) => status,
        other => panic!("{other:?}"),
    }
}

fn count(to: u32, replies: Replies) {
    for number in 0..to {
        if replies.send(&number).is_err() {
            return;
        }
    }
}

fn sum(requests: Requests<u32>, _: &Context) -> Result<u32, Status> {
    requests.sum()
}

fn double(requests: Requests<u32>, replies: Replies) {
    for request in requests {
        match request.and_then(|number| replies.send(&(number * 2))) {
            Ok(()) => {}
            Err(status) => return replies.fail(status),
        }
    }
}

#[test]
fn every_shape_in_every_codec() {
    let server = builder()
        .accept(CODECS)
        .route_server_stream("count", count)
        .route_client_stream("sum", sum)
        .route_duplex("double", double)
        .spawn()
        .unwrap();
    for codec in CODECS {
        let mut client = Client::connect(&server.addresses()[0], key(), &[codec]).unwrap();
        let feed = client.start("count", &3_u32);
        assert_eq!(client.collect::<u32>(feed), Ok(vec![0, 1, 2]));

        let upload = client.open("sum");
        for number in 1..=100_u32 {
            client.send(upload, &number);
        }
        client.finish(upload);
        assert_eq!(client.collect::<u32>(upload), Ok(vec![5050]));

        let both = client.open("double");
        for number in [1_u32, 20, 300] {
            client.send(both, &number);
            assert_eq!(client.next::<u32>(both), Some(Ok(number * 2)), "{codec}");
        }
        client.finish(both);
        assert_eq!(client.next::<u32>(both), None);
    }
    assert_eq!(server.metrics().calls, [("OK", 3 * CODECS.len() as u64)].into_iter().collect());
}

#[test]
fn a_reader_that_stops_makes_its_own_sender_wait_and_nobody_else() {
    let sent = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&sent);
    let server = builder()
        .service(Echo)
        .route_server_stream("feed", move |count: usize, replies: Replies| {
            let kib = "x".repeat(1022);
            for _ in 0..count {
                replies.send(&kib).unwrap();
                counted.fetch_add(1024, Ordering::SeqCst);
            }
        })
        .spawn()
        .unwrap();
    let client = client(&server);
    let total = 4 << 10;
    let feed = client.server_stream::<_, String>("feed", &total, &options()).unwrap();
    // One window waits in the client, another in the server.
    eventually("the sender waits", || sent.load(Ordering::SeqCst) > WINDOW);
    for number in 0..100 {
        assert_eq!(client.call::<_, u32>("echo", &number).unwrap(), number);
        let held = sent.load(Ordering::SeqCst);
        assert!(held <= 2 * WINDOW, "{held}");
    }
    let read = client.server_stream::<_, String>("feed", &total, &options()).unwrap();
    assert_eq!(read.map(Result::unwrap).count(), total, "another stream of the same connection is read to its end");
    assert_eq!(feed.map(Result::unwrap).count(), total);
    eventually("nothing is left", || server.metrics().queued_bytes == 0 && server.metrics().streams_running == 0);
}

#[test]
fn a_handler_that_stops_taking_makes_its_own_peer_wait_and_nobody_else() {
    let (release, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let server = builder()
        .service(Echo)
        .route_client_stream("upload", move |requests: Requests<String>, _: &Context| {
            gate.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            requests.map(|request| request.map(|text| text.len())).sum::<Result<usize, Status>>()
        })
        .spawn()
        .unwrap();
    let client = client(&server);
    let upload = client.client_stream::<_, usize>("upload", &options()).unwrap();
    let kib = "x".repeat(1022);
    let mut sent = 0;
    while upload.try_send(&kib).unwrap() {
        sent += kib.len();
    }
    assert!(sent > WINDOW, "what is not taken here waits there");
    for number in 0..100 {
        assert_eq!(client.call::<_, u32>("echo", &number).unwrap(), number);
        let held = server.metrics().queued_bytes as usize;
        assert!(held < 2 * WINDOW, "{held}");
    }
    release.send(()).unwrap();
    for _ in 0..4096 {
        upload.send(&kib).unwrap();
        sent += kib.len();
    }
    assert_eq!(upload.finish().unwrap(), sent);
}

#[test]
fn both_sides_of_a_duplex_write_large_messages_at_once() {
    let server = builder()
        .route_duplex("both", |requests: Requests<Value>, replies: Replies| {
            let replies = Arc::new(replies);
            let sending = Arc::clone(&replies);
            let sender = std::thread::spawn(move || {
                for _ in 0..3 {
                    sending.send(&"y".repeat(1 << 20)).unwrap();
                }
            });
            let taken = requests.map(Result::unwrap).count();
            sender.join().unwrap();
            replies.send(&taken).unwrap();
        })
        .spawn()
        .unwrap();
    let client = client(&server);
    let (out, incoming) = client.duplex::<String, Value>("both", &options()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..3 {
                out.send(&"x".repeat(1 << 20)).unwrap();
            }
            out.finish().unwrap();
        });
        let come: Vec<Value> = incoming.map(Result::unwrap).collect();
        assert_eq!((come.len(), come.last()), (4, Some(&Value::from(3_u64))));
    });
}

#[test]
fn a_feed_that_is_handed_over_holds_no_thread_and_shares_what_is_sent() {
    let feeds = Arc::<Mutex<Vec<Replies>>>::default();
    let kept = Arc::clone(&feeds);
    let server = builder()
        .capacity(capacity(|capacity| capacity.stream_threads = 1))
        .route_server_stream("feed", move |_: u32, replies: Replies| kept.lock().unwrap().push(replies))
        .spawn()
        .unwrap();
    let client = client(&server);
    let incoming: Vec<_> =
        (0..200).map(|_| client.server_stream::<_, String>("feed", &1, &options()).unwrap()).collect();
    eventually("all are there", || feeds.lock().unwrap().len() == 200);
    let metrics = server.metrics();
    assert_eq!((metrics.streams_running, metrics.stream_threads), (200, 1));
    let feeds = std::mem::take(&mut *feeds.lock().unwrap());
    for word in ["to", "all"] {
        let message: Arc<[u8]> = feeds[0].codec().encode_to_vec(&word).unwrap().into();
        for replies in &feeds {
            replies.send_encoded(Arc::clone(&message)).unwrap();
        }
    }
    drop(feeds);
    for feed in incoming {
        assert_eq!(feed.map(Result::unwrap).collect::<Vec<String>>(), ["to", "all"]);
    }
    eventually("all have ended", || server.metrics().calls.get("OK") == Some(&200));
}

#[test]
fn callbacks_serve_many_streams_with_few_threads() {
    let server = builder()
        .workers(NonZero::new(2).unwrap())
        .capacity(capacity(|capacity| capacity.stream_threads = 1))
        .route_duplex("double", |requests: Requests<u32>, replies: Replies| {
            requests.into_callback(move |item| {
                if let Some(Ok(number)) = item {
                    replies.send(&(number * 2)).unwrap();
                }
            });
        })
        .spawn()
        .unwrap();
    let client = client(&server);
    let mut streams: Vec<_> = (0..200).map(|_| client.duplex::<u32, u32>("double", &options()).unwrap()).collect();
    for number in 0..20 {
        for (out, _) in &streams {
            out.send(&number).unwrap();
        }
        for (_, incoming) in &mut streams {
            assert_eq!(incoming.next().unwrap().unwrap(), number * 2);
        }
    }
    assert_eq!(server.metrics().stream_threads, 1);
    for (out, mut incoming) in streams {
        out.finish().unwrap();
        assert!(incoming.next().is_none());
    }
}

#[test]
fn when_all_threads_are_taken_a_stream_is_refused_and_calls_go_on() {
    let server = builder()
        .service(Echo)
        .capacity(capacity(|capacity| capacity.stream_threads = 2))
        .route_client_stream("count", |requests: Requests<u32>, _: &Context| Ok(requests.count()))
        .spawn()
        .unwrap();
    let client = client(&server);
    let open = || client.client_stream::<u32, usize>("count", &options()).unwrap();
    let running = [open(), open()];
    eventually("both run", || server.metrics().stream_threads == 2);
    let third = open();
    assert_eq!(client.call::<_, u32>("echo", &7).unwrap(), 7);
    let refused = status(third.finish());
    assert!(refused.is_not_started(), "another server may have room: {refused}");
    assert_eq!(refused.reason(), "all threads of this server that run streams are taken");
    for upload in running {
        upload.send(&1).unwrap();
        assert_eq!(upload.finish().unwrap(), 1);
    }
    let upload = open();
    assert_eq!(upload.finish().unwrap(), 0, "there is room again");
    eventually("the one that was refused is forgotten", || server.metrics().calls_running == 0);
}

#[test]
fn many_streams_of_many_clients_at_once() {
    let server = builder().accept(CODECS).route_duplex("double", double).spawn().unwrap();
    let address = server.addresses()[0].to_string();
    std::thread::scope(|scope| {
        for codec in CODECS {
            let address = address.clone();
            scope.spawn(move || {
                let client =
                    bulla_client::Client::builder().server(address).key(key()).offer([codec]).connect().unwrap();
                std::thread::scope(|scope| {
                    for stream in 0..8_u32 {
                        let (out, incoming) = client.duplex::<u32, u32>("double", &options()).unwrap();
                        scope.spawn(move || {
                            for number in 0..1000 {
                                out.send(&(number * (stream + 1))).unwrap();
                            }
                            out.finish().unwrap();
                        });
                        scope.spawn(move || {
                            let come: Vec<u32> = incoming.map(Result::unwrap).collect();
                            let expected: Vec<u32> = (0..1000).map(|number| number * (stream + 1) * 2).collect();
                            assert_eq!(come, expected);
                        });
                    }
                });
                client.close();
            });
        }
    });
    eventually("nothing is left", || server.metrics().connections == 0);
    assert_eq!(server.metrics().calls, [("OK", 8 * CODECS.len() as u64)].into_iter().collect());
}

#[test]
fn a_handler_waits_for_so_long_and_no_longer() {
    const MOMENT: Duration = Duration::from_millis(1);
    let (told, outcome) = mpsc::channel();
    let server = builder()
        .route_duplex("wait", |mut requests: Requests<u32>, replies: Replies| {
            let first = requests.next().unwrap().unwrap();
            assert!(requests.next_timeout(MOMENT).is_pending());
            replies.send(&first).unwrap();
            let second = loop {
                if let Poll::Ready(item) = requests.next_timeout(MOMENT) {
                    break item.unwrap().unwrap();
                }
            };
            replies.send(&second).unwrap();
            assert!(requests.next().is_none());
            assert_eq!(requests.next_timeout(MOMENT), Poll::Ready(None));
        })
        .route_server_stream("flood", move |_: u32, replies: Replies| {
            let error = loop {
                if let Err(error) = replies.send_timeout(&"x".repeat(1000), MOMENT) {
                    break error;
                }
            };
            told.send(error).unwrap();
        })
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let both = client.open("wait");
    for number in [7, 8] {
        client.send(both, &number);
        assert_eq!(client.next::<u32>(both), Some(Ok(number)), "it waited in vain, and the stream went on");
    }
    client.finish(both);
    assert_eq!(client.next::<u32>(both), None);
    client.start("flood", &1_u32);
    client.write();
    assert_eq!(outcome.recv().unwrap(), TrySendError::Full, "the peer takes nothing");
}

#[test]
fn pings_and_small_calls_are_answered_in_the_midst_of_a_large_transfer() {
    let server = builder()
        .service(Echo)
        .route_server_stream("large", |count: usize, replies: Replies| {
            let message: Arc<[u8]> = replies.codec().encode_to_vec(&"x".repeat(1 << 20)).unwrap().into();
            for _ in 0..count {
                replies.send_encoded(Arc::clone(&message)).unwrap();
            }
        })
        .spawn()
        .unwrap();
    let client = client(&server);
    let count = 10;
    let mut transfer = client.server_stream::<_, String>("large", &count, &options()).unwrap();
    for number in 0..count {
        // The rest of it cannot come before this one is taken.
        client.ping().unwrap();
        assert_eq!(client.call::<_, usize>("echo", &number).unwrap(), number);
        assert_eq!(transfer.next().unwrap().unwrap().len(), 1 << 20);
    }
    assert!(transfer.next().is_none());
}

#[test]
fn what_is_called_back_on_a_loop_never_makes_it_wait() {
    let (refused, refusals) = mpsc::channel();
    let server = builder()
        .service(Echo)
        .threads(NonZero::<usize>::MIN)
        .route_server_stream("feed", move |_: u32, replies: Replies| {
            let (replies, refused) = (Arc::new(replies), refused.clone());
            let sending = Arc::clone(&replies);
            // A blocking send in the wrong place: it is told so, and the loop goes on.
            let fill = move || {
                let text = "x".repeat(1000);
                let status = std::iter::repeat_with(|| sending.send(&text)).find_map(Result::err).unwrap();
                refused.send(status).unwrap();
            };
            while replies.try_send(&"x".repeat(1000)).is_ok() {}
            replies.on_room(fill);
        })
        .spawn()
        .unwrap();
    let client = client(&server);
    let mut feed = client.server_stream::<_, String>("feed", &1, &options()).unwrap();
    for _ in 0..2000 {
        feed.next().unwrap().unwrap();
    }
    let status = refusals.recv_timeout(PATIENCE).unwrap();
    assert_eq!(status, Status::new(Code::ResourceExhausted, "no room to send, and an event loop cannot wait"));
    assert_eq!(client.call::<_, u32>("echo", &7).unwrap(), 7);
}
