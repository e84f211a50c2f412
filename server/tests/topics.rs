//! Topics, end to end: who gets what, in which bytes, and what slow, dead and hostile peers cost.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::time::Duration;

use bulla_client::topics::{Cause, Delivery, Message, Policy, Publisher, Subscribe, Subscription};
use bulla_client::{CallError, Client};
use bulla_core::codec::CodecRegistry;
use bulla_core::connection::{Open, StreamId};
use bulla_core::status::{Code, Status};
use bulla_core::value::{Map, Value};
use bulla_server::services::topics::{self, Published, SubscribeRequest, Topics};
use bulla_server::services::{Echo, topics::TopicLimits};
use bulla_server::{Capacity, ServerHandle};
use serde::{Deserialize, Serialize};

use self::common::{CODECS, Client as RawClient, PATIENCE, builder, eventually, key};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    sensor: String,
    celsius: f64,
    tags: Vec<Tag>,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Tag {
    Indoor,
    Floor(u8),
}

fn reading(number: u32) -> Reading {
    let tags = vec![Tag::Indoor, Tag::Floor(2)];
    Reading { sensor: format!("s{number}"), celsius: f64::from(number) + 0.5, tags, note: None }
}

fn serve() -> (ServerHandle, Topics) {
    let topics = Topics::default();
    (builder().accept(CODECS).service(topics.clone()).service(Echo).spawn().unwrap(), topics)
}

fn connect(server: &ServerHandle, codec: &str) -> Client {
    Client::builder().server(server.addresses()[0].to_string()).key(key()).offer([codec]).connect().unwrap()
}

fn raw(server: &ServerHandle, codec: &str) -> RawClient {
    RawClient::connect(&server.addresses()[0], key(), &[codec]).unwrap()
}

fn next(subscription: &mut Subscription) -> Delivery {
    match subscription.next_timeout(PATIENCE) {
        std::task::Poll::Ready(Some(delivery)) => delivery.unwrap(),
        other => panic!("no delivery: {other:?}"),
    }
}

fn message(subscription: &mut Subscription) -> Message {
    match next(subscription) {
        Delivery::Message(message) => message,
        other => panic!("no message: {other:?}"),
    }
}

fn status(error: &CallError) -> &Status {
    match error {
        CallError::Status { status, .. } => status,
        other => panic!("no status: {other}"),
    }
}

/// How a summary counts something.
fn count(topics: &Topics, what: &str) -> u64 {
    let summary = topics.summary();
    summary.as_map().unwrap().get(what).unwrap().as_integer().unwrap().try_into().unwrap()
}

// Raw: what is on the wire.

fn publish_raw(client: &mut RawClient, topic: &str, message: &[u8]) -> Result<Published, Status> {
    let metadata = vec![("topic".to_owned(), topic.to_owned())];
    let open = Open { route: "topics.publish".to_owned(), metadata, ..Open::default() };
    let stream = client.start_raw(&open, message.to_vec());
    client.answer(stream)
}

fn subscribe_raw(client: &mut RawClient, patterns: &[&str], queue: Option<u32>) -> StreamId {
    let patterns = patterns.iter().map(ToString::to_string).collect();
    let stream = client.start("topics.subscribe", &SubscribeRequest { patterns, queue, policy: None });
    let granted = topics::Delivery::Subscribed { queue: queue.unwrap_or(topics::DEFAULT_QUEUE) };
    assert_eq!(client.next(stream), Some(Ok(granted)));
    stream
}

#[test]
fn every_codec_exchanges_the_same_typed_values() {
    let (server, _topics) = serve();
    let clients = CODECS.map(|codec| connect(&server, codec));
    let mut subscriptions: Vec<_> =
        clients.iter().map(|client| client.topics().subscribe(["sensors.*.reading"]).unwrap().typed()).collect();
    for (number, publisher) in (0..).zip(&clients) {
        let topic = format!("sensors.{number}.reading");
        let published = publisher.topics().publish(&topic, &reading(number)).unwrap();
        assert_eq!((published.messages, published.delivered, published.missed), (1, CODECS.len() as u64, 0));
        for subscription in &mut subscriptions {
            let Some(Ok(Delivery::Message(message))) = subscription.next() else { panic!() };
            let expected = Message { topic: topic.clone(), sequence: u64::from(number) + 1, value: reading(number) };
            assert_eq!(message, expected);
        }
    }
}

#[test]
fn bytes_pass_as_they_are_where_codecs_match() {
    let (server, _topics) = serve();
    let mut subscribers = CODECS.map(|codec| raw(&server, codec));
    let streams = subscribers.each_mut().map(|client| subscribe_raw(client, &["a.>"], None));
    // Blanks, escapes and comments that no encoder of ours would write.
    let odd: [(&str, &[u8]); 3] = [
        ("json", br#" { "caf\u00e9" : [ 1 , 2.50 ] } "#),
        ("xml", b"<?xml version=\"1.0\"?><!-- hand-made --><r><a> 1 </a></r>"),
        ("yaml", b"# hand-made\ncaf\xc3\xa9: [1,   2.50]\n"),
    ];
    for (codec, bytes) in odd {
        let published = publish_raw(&mut raw(&server, codec), "a.b", bytes).unwrap();
        assert_eq!(published, Published { messages: 1, delivered: CODECS.len() as u64, missed: 0 });
        let value: Value = {
            let codec = CodecRegistry::discovered().unwrap().require(&codec.parse().unwrap()).unwrap().clone();
            codec.decode_as(bytes, Default::default()).unwrap()
        };
        for (subscriber, stream) in subscribers.iter_mut().zip(streams) {
            let head: topics::Delivery = subscriber.next(stream).unwrap().unwrap();
            assert!(matches!(head, topics::Delivery::Message { topic, .. } if topic == "a.b"));
            let sent = subscriber.next_raw(stream).unwrap().unwrap();
            let own = subscriber.codec();
            assert_eq!(sent == bytes, own.name().as_str() == codec, "{codec} to {}", own.name());
            assert_eq!(own.decode_as::<Value>(&sent, Default::default()).unwrap(), value);
        }
    }
}

#[test]
fn what_a_codec_cannot_carry_is_a_named_gap_and_the_stream_goes_on() {
    let (server, _topics) = serve();
    let [json, bincode] = ["json", "bincode"].map(|codec| connect(&server, codec));
    let mut subscriptions = [&json, &bincode].map(|client| client.topics().subscribe([">"]).unwrap());
    let odd = Value::List(vec![vec![0_u8, 255].into(), f64::NAN.into()]);
    let published = bincode.topics().publish("odd", &odd).unwrap();
    assert_eq!((published.delivered, published.missed), (1, 1));
    json.topics().publish("even", &1).unwrap();
    let Delivery::Gap(gap) = next(&mut subscriptions[0]) else { panic!() };
    assert_eq!((gap.cause, gap.count, gap.topic.as_deref(), gap.sequence), (Cause::Codec, 1, Some("odd"), 1));
    assert_eq!(gap.reason, "as json: this codec cannot carry bytes in a document");
    assert_eq!(message(&mut subscriptions[1]).value, odd);
    for subscription in &mut subscriptions {
        assert_eq!(message(subscription).value, Value::from(1));
    }
}

#[test]
fn a_value_of_another_shape_is_a_misfit_and_the_stream_goes_on() {
    let (server, _topics) = serve();
    let client = connect(&server, "xml");
    let mut readings = client.topics().subscribe(["a"]).unwrap().typed::<Reading>();
    client.topics().notify("a", "no reading").unwrap();
    let Some(Ok(Delivery::Misfit(message, _))) = readings.next() else { panic!() };
    assert_eq!(message.value, Value::from("no reading"));
    client.topics().publish("a", &reading(1)).unwrap();
    let Some(Ok(Delivery::Message(message))) = readings.next() else { panic!() };
    assert_eq!(message.value, reading(1));
}

#[test]
fn a_stream_of_messages_keeps_its_order_and_patience_loses_nothing() {
    const MESSAGES: u64 = 2000;
    let (server, topics) = serve();
    let clients = CODECS.map(|codec| connect(&server, codec));
    let request = Subscribe { patterns: vec!["a.*".to_owned()], queue: Some(16), policy: None };
    let subscriptions = clients.each_ref().map(|client| client.topics().subscribe_with(&request).unwrap());
    let published = std::thread::scope(|scope| {
        for subscription in subscriptions {
            scope.spawn(move || {
                assert_eq!(subscription.queue(), 16);
                let values = subscription.map(|delivery| match delivery.unwrap() {
                    Delivery::Message(message) => message.value,
                    other => panic!("{other:?}"),
                });
                assert!(values.take(2000).eq((0..MESSAGES).map(Value::from)));
            });
        }
        let publisher = clients[0].topics().publisher("a.b", PATIENCE).unwrap();
        (0..MESSAGES).for_each(|number| publisher.send(&number).unwrap());
        publisher.finish().unwrap()
    });
    assert_eq!(published.messages, MESSAGES);
    let all = CODECS.len() as u64 * MESSAGES;
    assert_eq!((published.delivered, published.missed), (all, 0));
    assert_eq!((count(&topics, "delivered"), count(&topics, "dropped")), (all, 0));
    eventually("all is let go of", || count(&topics, "waiting_bytes") == 0);
}

#[test]
fn one_who_is_slow_hears_how_many_were_dropped_or_is_cut_off() {
    let (server, topics) = serve();
    let mut slow = raw(&server, "json");
    let streams = [subscribe_raw(&mut slow, &["a"], Some(10)), subscribe_raw(&mut slow, &["b"], None)];
    let strict = connect(&server, "json");
    let policy = Some(Policy::Disconnect);
    let request = Subscribe { patterns: vec!["a".to_owned()], queue: Some(10), policy };
    // What is never asked for fills the stream's window, then the queue.
    let mut dead = strict.topics().subscribe_with(&request).unwrap();
    let publisher = connect(&server, "json");
    let run = publisher.topics().publisher("a", Duration::ZERO).unwrap();
    let text = "x".repeat(10_000);
    (0..200).for_each(|number| run.send(&(number, &text)).unwrap());
    run.finish().unwrap();
    publisher.topics().publish("b", &1).unwrap();

    let (mut heard, mut dropped) = (0, 0);
    while heard < 200 {
        match slow.next::<topics::Delivery>(streams[0]).unwrap().unwrap() {
            topics::Delivery::Message { sequence, .. } => {
                heard += 1;
                assert_eq!(sequence, heard);
                let (number, _): (u64, String) = slow.next(streams[0]).unwrap().unwrap();
                assert_eq!(number + 1, sequence);
            }
            topics::Delivery::Gap(gap) => {
                assert_eq!((gap.cause, gap.sequence), (topics::Cause::Slow, heard + gap.count));
                heard += gap.count;
                dropped += gap.count;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!((100..190).contains(&dropped), "a window and a queue hold some 40 of 200: {dropped} are lost");
    assert_eq!(count(&topics, "dropped"), dropped);
    let message = slow.next::<topics::Delivery>(streams[1]).unwrap().unwrap();
    assert_eq!(
        message,
        topics::Delivery::Message { topic: "b".to_owned(), sequence: 201 },
        "the other stream lost nothing"
    );

    let error = dead.find_map(Result::err).unwrap();
    let status = status(&error);
    assert_eq!((status.code(), status.detail("queue")), (Code::ResourceExhausted, Some("10")), "{error}");
    eventually("it is forgotten", || count(&topics, "subscriptions") == 2);
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    let (server, topics) = serve();
    let client = connect(&server, "json");
    for topic in ["", "a..b", "a.*", "ä", &"a".repeat(300), &["a"; 40].join(".")] {
        let error = client.topics().publish(topic, &1).unwrap_err();
        assert_eq!(status(&error).code(), Code::InvalidArgument, "{topic:?}");
        let error = client.topics().publisher(topic, PATIENCE).unwrap().finish().unwrap_err();
        assert_eq!(status(&error).code(), Code::InvalidArgument, "{topic:?}");
    }
    let error = client.call::<_, Value>("topics.publish", &1).unwrap_err();
    assert_eq!(status(&error).reason(), "no topic: it comes as metadata, under that key");
    let error = client.topics().publisher("a", Duration::from_secs(3600)).unwrap().finish().unwrap_err();
    assert_eq!(status(&error).reason(), "patience_ms is a whole number of up to 60000");
    for (pattern, reason) in [
        ("a.>.b", r#"no pattern "a.>.b": > stands for the rest, so nothing follows it"#),
        ("a\u{1b}[2J", "no pattern \"a\\\\u{1b}[2J\": '\\u{1b}' is not printable ASCII"),
    ] {
        let error = client.topics().subscribe([pattern]).err().unwrap();
        assert_eq!(*status(&error), Status::new(Code::InvalidArgument, reason));
    }
    let error = client.topics().subscribe(Vec::<String>::new()).err().unwrap();
    assert_eq!(status(&error).code(), Code::InvalidArgument);

    let mut raw = raw(&server, "bincode");
    let status = publish_raw(&mut raw, "a", b"\xff\xff\xff").unwrap_err();
    assert!(status.reason().starts_with("the request does not decode as bincode: "), "{status}");
    assert_eq!(count(&topics, "messages"), 0);
}

#[test]
fn a_run_that_fails_says_how_far_it_came() {
    let (server, topics) = serve();
    for patience in ["0", "100"] {
        let mut client = raw(&server, "json");
        let metadata = [("topic", "a"), ("patience_ms", patience)];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        let open = Open { route: "topics.publish_many".to_owned(), metadata, ..Open::default() };
        let stream = client.connection.open(&open).unwrap();
        for message in ["1", "2", "three", "4"] {
            client.connection.send(stream, message.as_bytes().to_vec()).unwrap();
        }
        client.finish(stream);
        let status = client.collect::<Published>(stream).unwrap_err();
        assert_eq!((status.code(), status.detail("messages")), (Code::InvalidArgument, Some("2")));
    }
    assert_eq!(count(&topics, "messages"), 4);
}

#[test]
fn patient_publishers_hold_no_more_than_half_of_the_threads() {
    let mut capacity = Capacity::default();
    capacity.stream_threads = 4;
    let server = builder().capacity(capacity).service(Topics::default()).spawn().unwrap();
    let client = connect(&server, "json");
    let patient = [(), ()].map(|()| client.topics().publisher("a", PATIENCE).unwrap());
    patient.iter().for_each(|publisher| publisher.send(&1).unwrap());
    let status = |publisher: Publisher<'_>| match publisher.finish() {
        Err(CallError::Status { status, .. }) => status.code(),
        other => panic!("{other:?}"),
    };
    let mut subscription = client.topics().subscribe(["b"]).unwrap();
    // Streams are taken up in no particular order, so the two are there when a third is not let in.
    eventually("the two have their places", || {
        status(client.topics().publisher("a", PATIENCE).unwrap()) == Code::ResourceExhausted
    });
    for number in 0..10 {
        let in_passing = client.topics().publisher("b", Duration::ZERO).unwrap();
        in_passing.send(&number).unwrap();
        assert_eq!(message(&mut subscription).value, Value::from(number));
        assert_eq!(in_passing.finish().unwrap().messages, 1);
    }
    patient.into_iter().for_each(|publisher| assert_eq!(publisher.finish().unwrap().messages, 1));
    eventually("their places are free", || client.topics().publisher("a", PATIENCE).unwrap().finish().is_ok());
}

#[test]
fn a_crowd_of_patterns_is_refused_and_costs_little() {
    let (server, topics) = serve();
    let client = connect(&server, "json");
    let patterns = |count: usize, tag: &str| (0..count).map(|number| format!("{tag}.*.{number}.>")).collect::<Vec<_>>();
    let error = client.topics().subscribe(patterns(10_000, "a")).err().unwrap();
    assert_eq!(status(&error).code(), Code::ResourceExhausted);
    let first = client.topics().subscribe(patterns(1000, "a")).unwrap();
    let error = client.topics().subscribe(patterns(25, "b")).err().unwrap();
    assert_eq!(status(&error).reason(), "a connection may have 1024 patterns in its subscriptions");
    assert_eq!(count(&topics, "patterns"), 1000);
    drop(first);
    eventually("its patterns are free again", || count(&topics, "patterns") == 0);
    let _second = client.topics().subscribe(patterns(25, "b")).unwrap();

    // A message of 4 MiB of names, and one that is too deep, end the call alone.
    let long = vec!["x".repeat(4_000_000)];
    let error = client.topics().subscribe(long).err().unwrap();
    assert_eq!(status(&error).code(), Code::InvalidArgument);
    let mut raw = raw(&server, "json");
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(publish_raw(&mut raw, "a", deep.as_bytes()).unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(publish_raw(&mut raw, "a", b"1").unwrap().messages, 1);
}

#[test]
fn a_subscription_ends_with_its_stream_its_connection_or_its_server() {
    let (server, topics) = serve();
    let client = connect(&server, "yaml");
    let subscription = client.topics().subscribe(["a"]).unwrap();
    assert_eq!(count(&topics, "subscriptions"), 1);
    drop(subscription);
    eventually("it is forgotten", || count(&topics, "subscriptions") == 0);

    let mut lost = raw(&server, "json");
    subscribe_raw(&mut lost, &["a"], None);
    drop(lost);
    eventually("it is forgotten", || count(&topics, "subscriptions") == 0);

    let mut last = client.topics().subscribe(["a"]).unwrap();
    client.topics().publish("a", &7).unwrap();
    let drained = std::thread::scope(|scope| {
        let drain = scope.spawn(move || server.drain(PATIENCE));
        assert_eq!(message(&mut last).value, Value::from(7), "what was taken is delivered");
        assert!(last.next().is_none(), "and then the end");
        drain.join().unwrap()
    });
    assert_eq!(drained, bulla_server::Drained::Complete);
}

#[test]
fn a_server_publishes_by_itself() {
    let (server, topics) = serve();
    let client = connect(&server, "bincode");
    let mut subscription = client.topics().subscribe(["clock.>"]).unwrap();
    let published = topics.publish(&"clock.utc".parse().unwrap(), &reading(1)).unwrap();
    assert_eq!((published.messages, published.delivered), (1, 1));
    assert_eq!(message(&mut subscription).read::<Reading>().unwrap(), reading(1));
}

#[test]
fn a_value_too_long_for_one_session_is_a_gap_there() {
    let (server, _topics) = serve();
    let mut limits = bulla_core::connection::Limits::default();
    limits.message = 10_000;
    let address = server.addresses()[0].to_string();
    let small = Client::builder().server(address).key(key()).offer(["json"]).limits(limits).connect().unwrap();
    let [mut one, mut other] =
        [small, connect(&server, "json")].map(|client| client.topics().subscribe(["a"]).unwrap());
    let published = connect(&server, "xml").topics().publish("a", &"x".repeat(20_000)).unwrap();
    assert_eq!((published.delivered, published.missed), (1, 1));
    let Delivery::Gap(gap) = next(&mut one) else { panic!() };
    assert_eq!((gap.cause, gap.reason.as_str()), (Cause::Length, "20002 bytes as json, and 10000 may be sent"));
    assert_eq!(message(&mut other).value, Value::from("x".repeat(20_000)));
}

#[test]
fn long_messages_for_many_subscriptions_of_one_who_never_reads_are_bounded_in_all() {
    let mut limits = TopicLimits::default();
    limits.bytes = 2 << 20;
    let mut capacity = Capacity::default();
    capacity.unsent_per_connection = 2 << 20;
    let topics = Topics::new(limits);
    let server = builder().capacity(capacity).service(topics.clone()).spawn().unwrap();
    let mut deaf = raw(&server, "json");
    for number in 0..64 {
        subscribe_raw(&mut deaf, &[&format!("t.{number}")], None);
    }
    // From here on it reads nothing: so much waits on its connection, and with the system, which takes a few MiB.
    let mut publisher = raw(&server, "json");
    let message = format!("\"{}\"", "x".repeat(256 << 10));
    for number in 0..64 {
        publish_raw(&mut publisher, &format!("t.{number}"), message.as_bytes()).unwrap();
        assert!(count(&topics, "waiting_bytes") <= 3 << 20);
    }
    assert!(count(&topics, "dropped") >= 16, "{}", topics.summary());
}

#[test]
fn a_flood_of_messages_for_those_who_never_read_is_bounded_and_hurts_nobody() {
    let mut limits = TopicLimits::default();
    limits.queue_bytes = 512 << 10;
    let topics = Topics::new(limits);
    let server = builder().accept(CODECS).service(topics.clone()).service(Echo).spawn().unwrap();
    let mut dead: Vec<RawClient> = CODECS.iter().map(|codec| raw(&server, codec)).collect();
    for client in &mut dead {
        for number in 0..5 {
            subscribe_raw(client, &[">", &format!("flood.{number}")], Some(16_384));
        }
    }
    let alive = connect(&server, "json");
    let mut subscription = alive.topics().subscribe(["calm"]).unwrap();
    let flooder = connect(&server, "json");
    let run = flooder.topics().publisher("flood.1", Duration::ZERO).unwrap();
    let text: Map = [("text", "x".repeat(30_000))].into_iter().collect();
    let mut most = 0;
    for number in 0..300 {
        run.send(&text).unwrap();
        most = most.max(count(&topics, "waiting_bytes"));
        if number % 30 == 0 {
            assert_eq!(alive.call::<_, u8>("echo", &1).unwrap(), 1);
            alive.topics().publish("calm", &number).unwrap();
            assert_eq!(message(&mut subscription).value, Value::from(number), "those who read lose nothing");
        }
    }
    assert_eq!(run.finish().unwrap().messages, 300);
    most = most.max(count(&topics, "waiting_bytes"));
    // Forty queues of half a MiB share what they hold, in eight codecs.
    assert!(most < CODECS.len() as u64 * (1 << 20), "{most} bytes waited");
    assert!(count(&topics, "dropped") > 1000);
    // A window for each stream, and for each connection the records that the socket has not taken yet.
    let (unsent, connections) = (server.metrics().queued_bytes, CODECS.len() as u64);
    assert!(unsent < connections * (5 * (256 << 10) + (128 << 10)), "{unsent} bytes are unsent");
    drop(dead);
    eventually("all is let go of", || count(&topics, "waiting_bytes") == 0 && count(&topics, "subscriptions") == 1);
}
