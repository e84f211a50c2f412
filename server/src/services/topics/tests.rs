//! Who gets what, without streams.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulla_core::codec::{CodecRegistry, DecodeLimits, SharedCodec};
use bulla_core::status::Code;
use bulla_core::value::{Map, Value};
use proptest::prelude::*;

use super::hub::{Hub, Outcome};
use super::patience::Patience;
use super::publication::{Bytes, Part};
use super::queue::{Next, Room};
use super::subscription::{Subscription, Wish};
use super::*;

type Listener = Arc<Subscription<()>>;

const ROOM: Room = Room { messages: 100, bytes: 1 << 20, policy: Policy::DropOldest };

const MINUTE: Duration = Duration::from_secs(60);

fn codec(name: &str) -> SharedCodec {
    CodecRegistry::discovered().unwrap().require(&name.parse().unwrap()).unwrap().clone()
}

fn hub() -> Hub<()> {
    Hub::new(TopicLimits::default())
}

fn wish(codec_name: &str, patterns: &[&str], room: Room) -> Wish {
    let patterns = patterns.iter().map(|pattern| pattern.parse().unwrap()).collect();
    Wish { owner: 1, codec: codec(codec_name), patterns, room, longest: 4 << 20 }
}

fn listen(hub: &Hub<()>, codec: &str, patterns: &[&str], room: Room) -> Listener {
    let listener = hub.subscribe(wish(codec, patterns, room), ()).unwrap_or_else(|(status, ())| panic!("{status}"));
    assert!(listener.next().is_none(), "nothing waits yet");
    listener
}

fn publish(hub: &Hub<()>, codec_name: &str, topic: &str, value: impl Into<Value>) -> Outcome<()> {
    publish_with(hub, codec_name, topic, value, Duration::ZERO)
}

fn publish_with(
    hub: &Hub<()>,
    codec_name: &str,
    topic: &str,
    value: impl Into<Value>,
    patience: Duration,
) -> Outcome<()> {
    let value = value.into();
    let message = codec(codec_name).encode_to_vec(&value).unwrap();
    hub.publish(
        topic.parse().unwrap(),
        value,
        Some((codec_name.parse().unwrap(), message)),
        &mut Patience::new(patience),
    )
}

/// What a listener is sent for its next message.
fn sent(listener: &Listener) -> Vec<Bytes> {
    let Some(Next::Message(publication)) = listener.next() else { panic!("no message") };
    match publication.part(listener.wish.codec.name()).unwrap() {
        Part::Whole { head, value } => vec![Arc::clone(head), Arc::clone(value)],
        Part::Gap(gap) => vec![Arc::clone(gap)],
    }
}

/// Everything that waits, values as whole numbers and gaps as their counts.
fn drain(listener: &Listener) -> Vec<Result<u64, u64>> {
    let mut all = Vec::new();
    while let Some(next) = listener.next() {
        all.push(match next {
            Next::Gap(gap) => Err(gap.count),
            Next::Message(publication) => Ok(publication.sequence),
            Next::End => break,
        });
    }
    all
}

fn decode<T: serde::de::DeserializeOwned>(codec_name: &str, bytes: &[u8]) -> T {
    codec(codec_name).decode_as(bytes, DecodeLimits::DEFAULT).unwrap()
}

#[test]
fn bytes_pass_unchanged_to_the_same_codec_and_once_through_a_value_to_each_other() {
    let hub = hub();
    let listeners = ["json", "xml", "json", "bincode", "xml"].map(|codec| listen(&hub, codec, &["a.>"], ROOM));
    // Blanks that no encoder would write tell the publisher's own bytes from others.
    let message = br#" { "t" : 21.5 } "#;
    let value: Value = decode("json", message);
    let outcome = hub.publish(
        "a.b".parse().unwrap(),
        value.clone(),
        Some(("json".parse().unwrap(), message.to_vec())),
        &mut Patience::none(),
    );
    assert_eq!(outcome.published, Published { messages: 1, delivered: 5, missed: 0 });
    let sent = listeners.each_ref().map(sent);
    assert_eq!(*sent[0][1], *message);
    for (one, other) in [(0, 2), (1, 4)] {
        assert!(sent[one].iter().zip(&sent[other]).all(|(one, other)| Arc::ptr_eq(one, other)), "encoded once");
    }
    for (listener, sent) in listeners.iter().zip(&sent) {
        let codec = listener.wish.codec.name();
        let head: Delivery = decode(codec.as_str(), &sent[0]);
        assert_eq!(head, Delivery::Message { topic: "a.b".to_owned(), sequence: 1 });
        assert_eq!(decode::<Value>(codec.as_str(), &sent[1]), value, "{codec}");
    }
}

#[test]
fn what_a_codec_cannot_carry_is_a_gap_for_those_who_speak_it() {
    let hub = hub();
    let [json, xml] = ["json", "xml"].map(|codec| listen(&hub, codec, &["a"], ROOM));
    let outcome = publish(&hub, "bincode", "a", vec![0_u8, 255]);
    assert_eq!(outcome.published, Published { messages: 1, delivered: 1, missed: 1 });
    let [gap] = &sent(&json)[..] else { panic!("only a gap is sent") };
    let expected = Gap {
        cause: Cause::Codec,
        count: 1,
        topic: Some("a".to_owned()),
        sequence: 1,
        reason: "as json: this codec cannot carry bytes in a document".to_owned(),
    };
    assert_eq!(decode::<Delivery>("json", gap), Delivery::Gap(expected));
    assert_eq!(decode::<Value>("xml", &sent(&xml)[1]), Value::from(vec![0_u8, 255]));
}

#[test]
fn a_message_that_fits_several_patterns_comes_once() {
    let hub = hub();
    let listener = listen(&hub, "json", &["a.*", "a.>", "a.b", "*.b"], ROOM);
    assert_eq!(publish(&hub, "json", "a.b", 1).published.delivered, 1);
    assert_eq!(publish(&hub, "json", "b", 1).published.delivered, 0);
    assert_eq!(drain(&listener), [Ok(1)]);
}

#[test]
fn one_caller_at_a_time_is_told_to_take_messages_out() {
    let hub = hub();
    let listener = listen(&hub, "json", &["a"], ROOM);
    assert_eq!(publish(&hub, "json", "a", 1).begin.len(), 1);
    assert!(publish(&hub, "json", "a", 2).begin.is_empty(), "somebody is at it");
    assert_eq!(drain(&listener), [Ok(1), Ok(2)]);
    assert_eq!(publish(&hub, "json", "a", 3).begin.len(), 1);
}

#[test]
fn a_slow_listener_loses_the_oldest_or_its_subscription() {
    let hub = hub();
    let room = Room { messages: 3, ..ROOM };
    let patient = listen(&hub, "json", &["a"], room);
    let strict = listen(&hub, "json", &["a"], Room { policy: Policy::Disconnect, ..room });
    for number in 0..3 {
        assert!(publish(&hub, "json", "a", number).overflowed.is_empty());
    }
    let outcome = publish(&hub, "json", "a", 3);
    assert_eq!((outcome.published.delivered, outcome.overflowed.len()), (1, 1));
    assert_eq!(outcome.overflowed[0].number, strict.number);
    assert_eq!(publish(&hub, "json", "a", 4).published.delivered, 1, "the strict one is over");
    assert_eq!(drain(&patient), [Err(2), Ok(3), Ok(4), Ok(5)]);
    assert!(strict.next().is_none());
}

#[test]
fn a_queue_is_bounded_in_bytes_but_takes_one_message_of_any_length() {
    let hub = hub();
    let listener = listen(&hub, "json", &["a"], Room { bytes: 1500, ..ROOM });
    publish(&hub, "json", "a", "x".repeat(5000));
    assert_eq!(drain(&listener), [Ok(1)]);
    publish(&hub, "json", "a", "x".repeat(5000));
    for _ in 0..2 {
        publish(&hub, "json", "a", "x".repeat(400));
    }
    assert_eq!(drain(&listener), [Err(1), Ok(3), Ok(4)]);
}

#[test]
fn patterns_are_bounded_for_each_connection_and_in_all() {
    let hub = Hub::new(TopicLimits { patterns_per_connection: 3, patterns: 5, ..TopicLimits::default() });
    let subscribe = |owner, patterns: &[&str]| {
        let wish = Wish { owner, ..wish("json", patterns, ROOM) };
        hub.subscribe(wish, ()).map_err(|(status, ())| status.to_string())
    };
    let first = subscribe(1, &["a", "b"]).ok().unwrap();
    let too_many = "RESOURCE_EXHAUSTED: a connection may have 3 patterns in its subscriptions";
    assert_eq!(subscribe(1, &["c", "d"]).err().unwrap(), too_many);
    subscribe(2, &["a", "b", "c"]).ok().unwrap();
    let full = "RESOURCE_EXHAUSTED: this server takes 5 patterns in all subscriptions together";
    assert_eq!(subscribe(3, &["a"]).err().unwrap(), full);
    assert!(hub.unsubscribe(first.number));
    assert!(!hub.unsubscribe(first.number));
    subscribe(1, &["c", "d"]).ok().unwrap();
    assert_eq!(publish(&hub, "json", "a", 1).published.delivered, 1, "the first is gone");
}

#[test]
fn dead_listeners_hold_no_more_than_the_limit_and_cost_the_others_nothing() {
    let hub = Hub::new(TopicLimits { bytes: 1 << 20, ..TopicLimits::default() });
    let dead: Vec<_> = (0..50).map(|number| listen(&hub, "json", &[&format!("dead.{number}")], ROOM)).collect();
    let alive = listen(&hub, "xml", &["alive"], ROOM);
    for round in 1..=100 {
        for number in 0..dead.len() {
            publish(&hub, "json", &format!("dead.{number}"), "x".repeat(10_000));
            assert!(hub.held() <= 1 << 20, "{} bytes in round {round}", hub.held());
        }
        publish(&hub, "json", "alive", round);
        assert_eq!(drain(&alive), [Ok(round * 51)], "nothing is lost");
    }
    assert!(drain(&dead[0])[0].is_err());
    for listener in dead.iter().chain([&alive]) {
        hub.unsubscribe(listener.number);
    }
    assert_eq!(hub.held(), 0);
    let Value::Map(summary) = hub.summary() else { panic!() };
    assert_eq!(summary.get("subscriptions"), Some(&0.into()));
    assert_eq!(summary.get("messages"), Some(&5100.into()));
}

#[test]
fn a_patient_publisher_waits_for_those_who_catch_up_and_once_for_those_who_do_not() {
    let hub = hub();
    let room = Room { messages: 4, ..ROOM };
    let [dead, slow] = [(), ()].map(|()| listen(&hub, "json", &["a"], room));
    let patience = Duration::from_secs(2);
    let begin = Instant::now();
    let publish_all = |numbers: std::ops::Range<u32>| {
        numbers.for_each(|number| drop(publish_with(&hub, "json", "a", number, patience)));
    };
    publish_all(0..4);
    drain(&slow);
    publish_all(4..8);
    assert!(begin.elapsed() >= patience, "the one that takes nothing was waited for");
    let after = Instant::now();
    drain(&slow);
    publish_all(8..12);
    assert!(after.elapsed() < patience, "once");
    assert_eq!(drain(&dead), [Err(8), Ok(9), Ok(10), Ok(11), Ok(12)]);

    // It has caught up, so it is waited for again, and so is the other: neither loses anything.
    drain(&slow);
    std::thread::scope(|scope| {
        for listener in [&dead, &slow] {
            scope.spawn(move || {
                let mut heard = 12;
                while heard < 60 {
                    match listener.next() {
                        Some(Next::Message(publication)) => {
                            heard += 1;
                            assert_eq!(publication.sequence, heard);
                        }
                        None => std::thread::yield_now(),
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
        (12..60).for_each(|number| drop(publish_with(&hub, "json", "a", number, MINUTE)));
    });
}

#[test]
fn a_patient_publisher_waits_for_room_in_bytes_too() {
    let hub = hub();
    let listener = listen(&hub, "json", &["a"], Room { bytes: 10_000, ..ROOM });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut heard = 0;
            while heard < 100 {
                match listener.next() {
                    Some(Next::Message(_)) => heard += 1,
                    None => std::thread::yield_now(),
                    other => panic!("{other:?}"),
                }
            }
        });
        for number in 0..100 {
            // Some are longer than the whole room.
            publish_with(&hub, "json", "a", "x".repeat(number * 271 % 12_000), MINUTE);
        }
    });
}

#[test]
fn one_that_took_nothing_for_long_enough_is_not_waited_for() {
    let hub = hub();
    let dead = listen(&hub, "json", &["a"], Room { messages: 1, ..ROOM });
    publish(&hub, "json", "a", 1);
    let patience = Duration::from_secs(1);
    let published = Instant::now();
    while published.elapsed() <= patience {
        std::thread::yield_now();
    }
    let begin = Instant::now();
    publish_with(&hub, "json", "a", 2, patience);
    assert!(begin.elapsed() < patience, "the time was up before");
    assert_eq!(drain(&dead), [Err(1), Ok(2)]);
}

#[test]
fn those_who_stop_one_after_the_other_share_one_patience() {
    let hub = hub();
    let most = Duration::from_secs(2);
    let mut patience = Patience::new(most);
    let _dead: Vec<_> = (1..=5).map(|messages| listen(&hub, "json", &["a"], Room { messages, ..ROOM })).collect();
    let begin = Instant::now();
    for _ in 0..10 {
        hub.publish("a".parse().unwrap(), Value::Null, None, &mut patience);
    }
    let elapsed = begin.elapsed();
    assert!(elapsed >= most && elapsed < 2 * most, "{elapsed:?}");
}

#[test]
fn a_document_of_any_codec_can_be_published() {
    let hub = hub();
    let map: Map = [("a", Value::from(1.5)), ("b", Value::Null)].into_iter().collect();
    let listeners = ["json", "xml", "bincode"].map(|codec| listen(&hub, codec, &[">"], ROOM));
    for codec in ["json", "xml", "bincode"] {
        publish(&hub, codec, "x", map.clone());
        for listener in &listeners {
            assert_eq!(decode::<Value>(listener.wish.codec.name().as_str(), &sent(listener)[1]), map.clone().into());
        }
    }
    assert_eq!(Code::ResourceExhausted.number(), 8);
}

#[test]
fn a_subscription_that_is_retired_gives_out_what_waits_and_then_its_end() {
    let hub = hub();
    let [busy, idle] = [(), ()].map(|()| listen(&hub, "json", &["a"], ROOM));
    publish(&hub, "json", "a", 1);
    assert_eq!(drain(&idle), [Ok(1)]);
    assert!(hub.retire(idle.number) && !hub.retire(busy.number), "somebody takes messages out for one of them");
    assert_eq!(publish(&hub, "json", "a", 2).published.delivered, 0);
    assert!(matches!(busy.next(), Some(Next::Message(_))));
    for listener in [busy, idle] {
        assert!(matches!(listener.next(), Some(Next::End)));
        assert!(hub.unsubscribe(listener.number) && !hub.retire(listener.number));
    }
}

proptest! {
    /// Whatever is published and taken, in whatever order: each listener hears of every message once, as itself or in a gap.
    #[test]
    fn messages_and_gaps_add_up(
        messages in 1_usize..6,
        bytes in 0_usize..300,
        steps in prop::collection::vec(prop_oneof![(0_usize..120).prop_map(Some), Just(None)], 1..60),
    ) {
        let hub = hub();
        let listener = listen(&hub, "json", &["a"], Room { messages, bytes, policy: Policy::DropOldest });
        let (mut published, mut heard) = (0, 0);
        let mut hear = |next: Next| {
            match next {
                Next::Gap(gap) => {
                    prop_assert_eq!(gap.sequence, heard + gap.count);
                    heard += gap.count;
                }
                Next::Message(publication) => {
                    heard += 1;
                    prop_assert_eq!(publication.sequence, heard);
                }
                Next::End => prop_assert!(false, "nobody ended it"),
            }
            Ok(())
        };
        for step in steps {
            match step {
                Some(length) => {
                    publish(&hub, "json", "a", "x".repeat(length));
                    published += 1;
                }
                None => listener.next().map_or(Ok(()), &mut hear)?,
            }
        }
        let mut left = 0;
        while let Some(next) = listener.next() {
            left += usize::from(matches!(next, Next::Message(_)));
            hear(next)?;
        }
        prop_assert!(left <= messages);
        prop_assert_eq!(heard, published);
        prop_assert_eq!(hub.held(), 0);
    }
}
