//! Streams: what is sent and taken in order, who waits for room, who grants it.

use super::*;

#[test]
fn a_feed_is_sent_in_order_and_ends_well() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, replies) = scene.feed();
    for number in [1, 2, 3] {
        replies.send(&number).unwrap();
    }
    replies.finish();
    scene.drive();
    let message = |bytes: &[u8], last| Event::Message { stream, message: bytes.to_vec(), last };
    assert_eq!(scene.client_events(), [message(b"1", false), message(b"2", false), message(b"3", true)]);
    assert_eq!(scene.ended(), [("OK", 1)]);
    scene.assert_at_rest();
}

#[test]
fn the_request_of_a_feed_is_not_kept_while_it_lasts() {
    let mut scene = Scene::new(Capacity::default());
    let mut request = vec![b' '; 100_000];
    request.push(b'1');
    scene.call("feed", &request);
    scene.drive();
    assert_eq!(scene.calls.owed(), 0);
    scene.streams.reply().finish();
    scene.drive();
    scene.assert_at_rest();
}

#[test]
fn a_reader_that_stops_costs_two_windows_and_hears_of_the_rest_when_it_goes_on() {
    let mut scene = Scene::new(Capacity::default());
    let (_, replies) = scene.feed();
    let (rooms, count) = counter();
    replies.on_room(count);
    // One window is with the peer, which does not consume it; another waits here.
    let mut sent = 0;
    for _ in 0..4 {
        sent += fill(&replies);
        scene.drive();
    }
    assert!((WINDOW..=2 * WINDOW).contains(&(sent << 10)), "{sent} KiB");
    assert!(scene.server.queued() <= WINDOW);
    let before = rooms.load(Ordering::Relaxed);
    assert_eq!(fill(&replies), 0);
    scene.client_consumes();
    scene.drive();
    assert_eq!(rooms.load(Ordering::Relaxed), before + 1, "room is told of once");
    assert!(fill(&replies) > 0);
    scene.client_consumes_all();
    replies.finish();
    scene.drive();
    scene.client_consumes();
    scene.assert_at_rest();
}

#[test]
fn feeds_that_nobody_reads_slow_no_other_feed_and_no_call() {
    let mut scene = Scene::new(Capacity::default());
    // Together they hold more than the connection's outbound bound.
    let stuck: Vec<Replies> = (0..20).map(|_| scene.feed().1).collect();
    while stuck.iter().map(fill).sum::<usize>() > 0 {
        scene.drive();
    }
    assert!(scene.server.queued() > 4 * scene.desk.shared.facts.bounds.outbound);
    scene.client_events();
    let (stream, live) = scene.feed();
    for _ in 0..10 {
        assert!(fill(&live) << 10 > WINDOW / 2, "a window at a time");
        scene.drive();
        for event in scene.client_events() {
            let Event::Message { stream: from, message, .. } = event else { panic!("{event:?}") };
            assert_eq!(from, stream);
            scene.client.consume(stream, message.len());
        }
    }
    scene.call("grow", &[1]);
    scene.drive();
    assert!(scene.client_events().iter().any(|event| matches!(event, Event::Message { last: true, .. })));
    drop((stuck, live));
    scene.client.close();
    scene.drive();
}

#[test]
fn streams_hold_no_more_than_the_connection_may() {
    let mut scene = Scene::new(Capacity { unsent_per_connection: 1 << 20, ..Capacity::default() });
    let feeds: Vec<Replies> = (0..50).map(|_| scene.feed().1).collect();
    while feeds.iter().map(fill).sum::<usize>() > 0 {
        scene.drive();
    }
    let always = feeds.len() * (16 << 10);
    assert!(scene.server.queued() <= (1 << 20) + always, "{}", scene.server.queued());
    // And no longer when the peer takes them.
    let listen = |replies: &Replies| {
        let (rooms, count) = counter();
        replies.on_room(count);
        rooms
    };
    let rooms: Vec<_> = feeds.iter().map(listen).collect();
    scene.client_consumes_all();
    assert!(rooms.iter().all(|rooms| rooms.load(Ordering::Relaxed) > 0));
    drop(feeds);
    scene.client_consumes_all();
    scene.assert_at_rest();
}

#[test]
fn a_message_longer_than_the_window_passes_and_one_longer_than_agreed_is_refused() {
    let mut scene = Scene::new(Capacity::default());
    let (_, replies) = scene.feed();
    replies.try_send_encoded(vec![b' '; 4 << 20]).unwrap();
    assert_eq!(replies.try_send(&1), Err(TrySendError::Full));
    let status = replies.send_encoded(vec![b' '; (4 << 20) + 1]).unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(scene.client_consumes_all(), 4 << 20);
    replies.try_send(&1).unwrap();
    replies.finish();
    scene.client_consumes_all();
    scene.assert_at_rest();
}

#[test]
fn the_whole_server_holds_no_more_than_it_may() {
    let mut scene = Scene::new(Capacity { queued_bytes: 100_000, ..Capacity::default() });
    let (_, replies) = scene.feed();
    replies.try_send_encoded(vec![b' '; 90_000]).unwrap();
    let Err(TrySendError::Failed(status)) = replies.try_send_encoded(vec![b' '; 20_000]) else { panic!() };
    assert_eq!(status.code(), Code::ResourceExhausted);
    scene.drive();
    replies.try_send_encoded(vec![b' '; 20_000]).unwrap();
    replies.finish();
    scene.drive();
    scene.assert_at_rest();
}

#[test]
fn a_handler_that_does_not_take_costs_a_window_and_taking_grants_more() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, mut requests, replies) = scene.both();
    let mut message = vec![b' '; 1 << 10];
    message.push(b'5');
    for _ in 0..1000 {
        scene.client.send(stream, message.clone()).unwrap();
    }
    scene.client.finish(stream).unwrap();
    scene.drive();
    assert!(scene.calls.owed() < WINDOW + WINDOW / 10, "{}", scene.calls.owed());
    assert!(scene.client.unsent(stream) > 600 << 10, "the rest waits at the client");
    let mut sum = 0;
    for taken in 0..1000 {
        sum += requests.next().unwrap().unwrap();
        if taken % 10 == 0 {
            scene.drive();
        }
    }
    assert_eq!((sum, requests.next()), (5000, None));
    drop((requests, replies));
    scene.drive();
    assert_eq!(scene.ended(), [("OK", 1)]);
    scene.assert_at_rest();
}

#[test]
fn a_message_that_does_not_decode_is_an_error_in_its_place() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, mut requests, replies) = scene.both();
    for message in ["1", "x", "3"] {
        scene.client.send(stream, message.as_bytes().to_vec()).unwrap();
    }
    scene.client.finish(stream).unwrap();
    scene.drive();
    assert_eq!(requests.next(), Some(Ok(1)));
    assert_eq!(requests.next().unwrap().unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(requests.next(), Some(Ok(3)));
    assert_eq!(requests.next(), None);
    drop((requests, replies));
    scene.drive();
    scene.assert_at_rest();
}
