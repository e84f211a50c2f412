//! Streams over the library, end to end: every shape, in every codec, and every way to end.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use bulla_core::status::{Code, Status};
use bulla_server::{Context, Replies, Requests};

use self::common::{CODECS, Client, builder, key};

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
fn a_handler_ends_its_stream_as_it_likes() {
    let server = builder()
        .route_server_stream("fail", |_: u32, replies: Replies| {
            replies.send(&1).unwrap();
            replies.fail(Status::new(Code::DataLoss, "no more").with_detail("at", 1));
        })
        .route_server_stream("drop", |_: u32, replies: Replies| replies.send(&1).unwrap())
        .route_server_stream("panic", |_: u32, replies: Replies| {
            replies.send(&1).unwrap();
            panic!("on purpose");
        })
        .route_client_stream("early", |mut requests: Requests<u32>, _: &Context| requests.next().unwrap())
        .spawn()
        .unwrap();
    let mut client = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    let feed = client.start("fail", &1);
    let status = client.collect::<u32>(feed).unwrap_err();
    assert_eq!(status.to_string(), "DATA_LOSS: no more (at: 1)");
    let feed = client.start("drop", &1);
    assert_eq!(client.collect::<u32>(feed), Ok(vec![1]));
    let feed = client.start("panic", &1);
    let status = client.collect::<u32>(feed).unwrap_err();
    assert_eq!(status, Status::new(Code::Internal, "the handler panicked"));
    let early = client.open("early");
    client.send(early, &7);
    assert_eq!(client.next::<u32>(early), Some(Ok(7)), "answered before the end");
    for number in 0..20_000 {
        client.send(early, &number);
    }
    client.finish(early);
    let feed = client.start("drop", &1);
    assert_eq!(client.collect::<u32>(feed), Ok(vec![1]), "the session goes on");
}
