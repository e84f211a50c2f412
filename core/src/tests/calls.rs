//! Calls and notifications, large messages, credit, endings.

use std::time::Duration;

use super::*;
use crate::connection::{CommandError, EVENT_COST};
use crate::status::{Code, Status};

fn message(stream: StreamId, bytes: &[u8], last: bool) -> Event {
    Event::Message { stream, message: bytes.to_vec(), last }
}

#[test]
fn a_call_is_one_message_each_way() {
    let mut pair = Pair::connected();
    let stream = pair.client.open(&open("greet")).unwrap();
    pair.client.send(stream, b"Ada".to_vec()).unwrap();
    pair.client.finish(stream).unwrap();
    pair.drive();
    let opened = Event::Opened { stream, open: open("greet") };
    assert_eq!(pair.server_events(), [opened, message(stream, b"Ada", true)]);
    pair.server.send(stream, b"hello Ada".to_vec()).unwrap();
    pair.server.finish(stream).unwrap();
    pair.drive();
    assert_eq!(pair.client_events(), [message(stream, b"hello Ada", true)]);
    assert_eq!((pair.client.open_streams(), pair.server.open_streams()), (0, 0));
}

#[test]
fn everything_queued_shares_one_record() {
    let mut pair = Pair::connected();
    for _ in 0..30 {
        let stream = pair.client.open(&open("greet")).unwrap();
        pair.client.send(stream, b"Ada".to_vec()).unwrap();
        pair.client.finish(stream).unwrap();
    }
    let bytes = transmit(&mut pair.client);
    let length = u32::from_be_bytes(bytes[..4].try_into().unwrap());
    assert_eq!(bytes.len(), 4 + length as usize);
    pair.server.hear(pair.now, &bytes);
    assert_eq!(pair.server_events().len(), 60);
}

#[test]
fn a_notification_wants_no_answer() {
    let mut pair = Pair::connected();
    let notify = Open { one_way: true, ..open("log") };
    let stream = pair.client.open(&notify).unwrap();
    pair.client.send(stream, vec![7; 1_000_000]).unwrap();
    pair.client.finish(stream).unwrap();
    pair.drive();
    assert_eq!(pair.server_events(), [Event::Opened { stream, open: notify }, message(stream, &[7; 1_000_000], true)]);
    assert_eq!((pair.client.open_streams(), pair.server.open_streams()), (0, 0));
    assert_eq!(pair.server.send(stream, vec![]), Err(CommandError::UnknownStream));
}

#[test]
fn what_the_opener_says_arrives() {
    let mut pair = Pair::connected();
    let metadata = vec![("trace".to_owned(), "17".to_owned()), (String::new(), "ö".to_owned())];
    let request = Open { deadline_ms: 1500, metadata, ..open("a/b.c") };
    let stream = pair.client.open(&request).unwrap();
    pair.drive();
    assert_eq!(pair.server_events(), [Event::Opened { stream, open: request }]);
}

#[test]
fn empty_messages_are_messages() {
    let mut pair = Pair::connected();
    let stream = pair.opened("unit");
    pair.client.send(stream, vec![]).unwrap();
    pair.client.send(stream, vec![]).unwrap();
    pair.client.finish(stream).unwrap();
    pair.drive();
    let expected = [message(stream, &[], false), message(stream, &[], false), Event::Finished { stream }];
    assert_eq!(pair.server_events(), expected);
}

#[test]
fn the_longest_message_passes_and_a_longer_one_is_refused_here() {
    let mut pair = Pair::connected();
    let longest = Limits::default().message as usize;
    let stream = pair.opened("big");
    pair.client.send(stream, vec![1; longest]).unwrap();
    assert_eq!(
        pair.client.send(stream, vec![1; longest + 1]),
        Err(CommandError::MessageTooLong { length: longest + 1, limit: Limits::default().message })
    );
    pair.drive();
    assert_eq!(pair.server_events(), [message(stream, &vec![1; longest], false)]);
    pair.server.send(stream, vec![2; longest]).unwrap();
    pair.drive();
    assert_eq!(pair.client_events(), [message(stream, &vec![2; longest], false)]);
}

#[test]
fn large_messages_take_turns_with_small_ones() {
    let mut pair = Pair::connected();
    let (big, small) = (pair.opened("big"), pair.opened("small"));
    pair.client.send(big, vec![1; 200 << 10]).unwrap();
    pair.client.send(small, vec![2; 100]).unwrap();
    // One call of poll_transmit is a bounded burst: the small message is in the first, the large one is not done.
    let mut out = Vec::new();
    assert!(pair.client.poll_transmit(&mut out));
    pair.server.hear(pair.now, &out);
    assert_eq!(pair.server_events(), [message(small, &[2; 100], false)]);
}

#[test]
fn a_reader_that_does_not_consume_costs_at_most_the_window() {
    let mut pair = Pair::connected();
    let stream = pair.opened("feed");
    let window = Limits::default().credit as usize;
    for _ in 0..100 {
        pair.client.send(stream, vec![0; window / 10 - EVENT_COST]).unwrap();
    }
    pair.drive();
    let first = pair.server_events();
    assert_eq!(first.len(), 10, "as many whole messages as the window holds");
    assert!(pair.client.queued() >= 89 * (window / 10 - EVENT_COST), "the rest waits at the sender");
    for event in &first {
        let Event::Message { stream, message, .. } = event else { panic!("{event:?}") };
        pair.server.consume(*stream, message.len());
    }
    pair.drive();
    assert!(pair.server_events().len() >= 9, "what was consumed is granted again");
}

#[test]
fn small_and_empty_messages_use_up_the_window_too() {
    let mut pair = Pair::connected();
    let window = Limits::default().credit as usize;
    for size in [0, 1] {
        let stream = pair.opened("feed");
        for _ in 0..window {
            pair.client.send(stream, vec![0; size]).unwrap();
        }
        pair.client.finish(stream).unwrap();
        pair.drive();
        let mut got = pair.server_events().len();
        assert_eq!(got, window.div_ceil(EVENT_COST + size));
        let mut news = got;
        while news > 0 {
            pair.server.consume_many(stream, news, news * size);
            pair.drive();
            news = pair.server_events().len();
            got += news;
        }
        let end = usize::from(size == 0);
        assert_eq!(got, window + end, "all of them, and the end");
        assert!(pair.server.wants_read() && pair.client.unsent(stream) == 0);
    }
}

#[test]
fn a_message_goes_through_however_small_the_window_is() {
    for credit in [1, 10, 63, 64, 65, 127, 128] {
        let limits = Limits { credit, ..Limits::default() };
        let mut pair = Pair::connected_with(&ClientConfig { limits, ..client_config() }, server_config());
        let stream = pair.opened("feed");
        for size in [0, 1, 100, 0, 300] {
            pair.client.send(stream, vec![0; size]).unwrap();
        }
        let mut sizes = Vec::new();
        pair.drive();
        while let Some(event) = pair.server.poll_event() {
            let Event::Message { message, .. } = event else { panic!("{event:?}") };
            pair.server.consume(stream, message.len());
            sizes.push(message.len());
            pair.drive();
        }
        assert_eq!(sizes, [0, 1, 100, 0, 300], "with {credit} bytes of credit");
    }
}

#[test]
fn another_stream_goes_on_while_one_is_not_consumed() {
    let mut pair = Pair::connected();
    let (stuck, other) = (pair.opened("stuck"), pair.opened("other"));
    pair.client.send(stuck, vec![0; Limits::default().credit as usize]).unwrap();
    pair.client.send(stuck, vec![0; 10]).unwrap();
    pair.client.send(other, b"hi".to_vec()).unwrap();
    pair.drive();
    assert!(pair.server_events().contains(&message(other, b"hi", false)));
}

#[test]
fn a_server_with_too_much_to_consume_wants_no_input() {
    let server = ServerConfig { bounds: Bounds { inbound: 100_000, ..Bounds::default() }, ..server_config() };
    let mut pair = Pair::connected_with(&client_config(), server);
    let stream = pair.opened("call");
    pair.client.send(stream, vec![0; 60_000]).unwrap();
    pair.drive();
    assert!(!pair.server.wants_read());
    pair.server.consume(stream, 60_000);
    assert!(pair.server.wants_read());
    // A client that goes on all the same loses the stream that is too much, not the session.
    for size in [50_000, 60_000] {
        pair.client.send(stream, vec![0; size]).unwrap();
    }
    pair.drive();
    assert!(
        matches!(&pair.client_events()[..], [Event::Reset { status, .. }] if status.code() == Code::ResourceExhausted)
    );
    assert!(!pair.client.is_over() && !pair.server.is_over());
}

#[test]
fn a_server_whose_client_does_not_read_wants_no_input() {
    let mut pair = Pair::connected();
    let stream = pair.opened("call");
    pair.server.send(stream, vec![0; 2 << 20]).unwrap();
    assert!(!pair.server.wants_read());
    pair.drive();
    assert!(pair.server.wants_read());
}

#[test]
fn a_server_whose_replies_wait_for_credit_alone_reads_on() {
    let mut pair = Pair::connected();
    let stream = pair.opened("call");
    pair.server.send(stream, vec![0; 2 << 20]).unwrap();
    while pair.server_speaks() {}
    assert!(pair.server.queued() > Bounds::default().outbound);
    assert!(pair.server.wants_read(), "or the client's CREDIT is never read");
}

#[test]
fn what_waits_on_one_stream_is_counted() {
    let mut pair = Pair::connected();
    let (stream, other) = (pair.opened("a"), pair.opened("b"));
    let credit = Limits::default().credit as usize;
    pair.client.send(stream, vec![0; credit]).unwrap();
    pair.client.send(stream, vec![0; 1000]).unwrap();
    assert_eq!(pair.client.unsent(stream), credit + 1000 + 2 * EVENT_COST);
    pair.drive();
    assert_eq!(pair.client.unsent(stream), 1000 + EVENT_COST, "it waits for credit");
    assert_eq!(pair.client.unsent(other), 0);
    pair.server.consume_many(stream, 1, credit);
    pair.drive();
    assert_eq!((pair.client.unsent(stream), pair.client.queued()), (0, 0));
}

#[test]
fn a_status_ends_a_stream_from_either_side() {
    let mut pair = Pair::connected();
    let stream = pair.opened("call");
    let status = Status::new(Code::NotFound, "no record 7");
    pair.server.reset(stream, &status).unwrap();
    pair.drive();
    assert_eq!(pair.client_events(), [Event::Reset { stream, status }]);
    let stream = pair.opened("call");
    pair.client.send(stream, vec![0; 3 << 20]).unwrap();
    let status = Status::new(Code::Cancelled, "");
    pair.client.reset(stream, &status).unwrap();
    assert_eq!(pair.client.queued(), 0, "what was queued is dropped");
    pair.drive();
    assert_eq!(pair.server_events(), [Event::Reset { stream, status }]);
    assert_eq!(pair.server.send(stream, vec![]), Err(CommandError::UnknownStream));
}

#[test]
fn frames_that_cross_the_end_of_their_stream_are_dropped() {
    let mut pair = Pair::connected();
    let stream = pair.opened("call");
    let status = Status::new(Code::Cancelled, "");
    pair.client.reset(stream, &status).unwrap();
    pair.server.send(stream, vec![1; 1000]).unwrap();
    pair.drive();
    assert_eq!(pair.client_events(), []);
    assert!(!pair.client.is_over());
}

#[test]
fn as_many_streams_as_agreed() {
    let limits = Limits { streams: 2, ..Limits::default() };
    let mut pair = Pair::connected_with(&ClientConfig { limits, ..client_config() }, server_config());
    let first = pair.opened("a");
    pair.opened("b");
    assert_eq!(pair.client.open(&open("c")), Err(CommandError::TooManyStreams(2)));
    pair.client.reset(first, &Status::new(Code::Cancelled, "")).unwrap();
    pair.client.open(&open("c")).unwrap();
    pair.drive();
    assert!(!pair.server.is_over());
}

#[test]
fn the_server_opens_even_streams() {
    let mut pair = Pair::connected();
    let stream = pair.server.open(&open("event")).unwrap();
    assert_eq!(stream.number(), 2);
    pair.drive();
    assert_eq!(pair.client_events(), [Event::Opened { stream, open: open("event") }]);
}

#[test]
fn going_away_serves_what_runs_and_refuses_what_comes() {
    let mut pair = Pair::connected();
    let running = pair.opened("run");
    pair.server.go_away();
    let crossed = pair.client.open(&open("late")).unwrap();
    pair.client_speaks();
    pair.server_speaks();
    let events = pair.client_events();
    assert_eq!(events[0], Event::GoAway { last: running.number() });
    assert!(matches!(&events[1], Event::Reset { stream, status } if *stream == crossed && status.is_not_started()));
    assert_eq!(pair.client.open(&open("later")), Err(CommandError::GoingAway));
    pair.server.send(running, b"done".to_vec()).unwrap();
    pair.drive();
    assert_eq!(pair.client_events(), [message(running, b"done", false)]);
}

#[test]
fn close_comes_after_what_was_sent() {
    let mut pair = Pair::connected();
    let stream = pair.opened("call");
    pair.client.send(stream, vec![1; 100_000]).unwrap();
    pair.client.close();
    pair.drive();
    assert_eq!(pair.server_events(), [message(stream, &[1; 100_000], false), Event::Closed(Closed::Peer)]);
    assert_eq!(closed(&mut pair.client), Closed::Local);
    pair.client.handle_eof();
    pair.server.handle_eof();
    assert_eq!((pair.client.poll_event(), pair.server.poll_event()), (None, None));
}

#[test]
fn the_end_of_input_without_a_close_is_a_truncation() {
    let mut pair = Pair::connected();
    pair.client.handle_eof();
    assert_eq!(closed(&mut pair.client), Closed::Truncated);
}

#[test]
fn a_ping_is_echoed() {
    let mut pair = Pair::connected();
    pair.client.ping(*b"12345678");
    pair.drive();
    assert_eq!(pair.client_events(), [Event::Pong(*b"12345678")]);
    assert_eq!(pair.server_events(), []);
}

#[test]
fn silence_is_met_with_pings_and_then_given_up() {
    let mut pair = Pair::connected();
    assert_eq!(pair.client.poll_timeout(), Some(pair.now + Duration::from_secs(30)));
    pair.pass(Duration::from_secs(30));
    pair.drive();
    assert_eq!(pair.client_events(), [], "a keepalive is nobody's business");
    pair.pass(Duration::from_secs(30));
    assert!(!transmit(&mut pair.client).is_empty());
    assert_eq!(pair.client.poll_timeout(), Some(pair.now + Duration::from_secs(45)));
    pair.pass(Duration::from_secs(45));
    assert_eq!(closed(&mut pair.client), Closed::Silent);
}

#[test]
fn commands_out_of_order_are_errors_not_panics() {
    let mut pair = Pair::new(&client_config(), server_config());
    assert_eq!(pair.client.open(&open("early")), Err(CommandError::NotConnected));
    pair.drive();
    let stream = pair.client.open(&open("call")).unwrap();
    assert_eq!(pair.client.open(&open("")), Err(CommandError::Route));
    assert_eq!(
        pair.client.open(&Open { metadata: vec![(String::new(), String::new()); 33], ..open("r") }),
        Err(CommandError::Metadata)
    );
    pair.client.finish(stream).unwrap();
    assert_eq!(pair.client.finish(stream), Err(CommandError::Finished));
    assert_eq!(pair.client.send(stream, vec![]), Err(CommandError::Finished));
    assert_eq!(pair.client.finish(StreamId(99)), Err(CommandError::UnknownStream));
    pair.client.consume(StreamId(99), 1 << 40);
    pair.client.close();
    pair.drive();
    assert_eq!(pair.client.open(&open("late")), Err(CommandError::Over));
    pair.client.close();
    pair.client.ping([0; 8]);
    pair.client.go_away();
    pair.client.handle_timeout(pair.now + Duration::from_secs(3600));
    assert!(transmit(&mut pair.client).is_empty());
}

#[test]
fn a_watched_stream_tells_when_something_went_out() {
    let mut pair = Pair::connected();
    let (feed, other) = (pair.opened("feed"), pair.opened("other"));
    let credit = Limits::default().credit as usize;
    pair.server.watch(feed);
    for stream in [feed, other] {
        pair.server.send(stream, vec![0; credit + 100]).unwrap();
    }
    assert_eq!((pair.server.queued(), pair.server.sendable()), (2 * credit + 200, 2 * credit));
    assert_eq!(pair.server.poll_sent(), None);
    while pair.server_speaks() {}
    assert_eq!(pair.server.poll_sent(), Some(feed));
    assert_eq!(pair.server.poll_sent(), None, "once, however often something went out");
    assert_eq!((pair.server.unsent(feed), pair.server.sendable()), (100 + EVENT_COST, 0));
    pair.drive();
    assert_eq!(pair.server.poll_sent(), Some(feed));
    assert_eq!((pair.server.unsent(feed), pair.server.queued()), (0, 0));
    pair.server.send(feed, vec![0; 10]).unwrap();
    while pair.server_speaks() {}
    pair.server.reset(feed, &Status::new(Code::Aborted, "")).unwrap();
    assert_eq!(pair.server.poll_sent(), None, "a stream that is over has no room");
}

#[test]
fn shared_bytes_go_out_on_many_streams() {
    let mut pair = Pair::connected();
    let shared: std::sync::Arc<[u8]> = vec![7; 100_000].into();
    for name in ["a", "b", "c"] {
        let stream = pair.opened(name);
        pair.server.send(stream, std::sync::Arc::clone(&shared)).unwrap();
        pair.drive();
        assert_eq!(pair.client_events(), [message(stream, &shared, false)]);
    }
    assert_eq!(std::sync::Arc::strong_count(&shared), 1, "nobody keeps what is sent");
}
