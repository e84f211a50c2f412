//! Streams: room, credit, and every way to end.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::route::TrySendError;

const WINDOW: usize = 256 << 10;

/// Sends messages of 1 KiB until there is no room; how many went.
fn fill(replies: &Replies) -> usize {
    let message: Arc<[u8]> = vec![b' '; 1 << 10].into();
    (0..100_000).take_while(|_| replies.try_send_encoded(Arc::clone(&message)) != Err(TrySendError::Full)).count()
}

fn counter() -> (Arc<AtomicU32>, impl FnMut() + Send + 'static) {
    let count = Arc::<AtomicU32>::default();
    let counted = Arc::clone(&count);
    let count_one = move || {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    (count, count_one)
}

impl Scene {
    /// A stream whose handler hands its halves to the test.
    fn feed(&mut self) -> (StreamId, Replies) {
        let stream = self.call("feed", b"1");
        self.drive();
        (stream, self.streams.reply())
    }

    /// As `feed`, with many messages each way.
    fn both(&mut self) -> (StreamId, Requests<u32>, Replies) {
        let stream = self.open("both");
        self.drive();
        (stream, self.streams.request(), self.streams.reply())
    }

    /// The client takes what has come on a stream; the bytes of it.
    fn client_consumes(&mut self) -> usize {
        let mut bytes = 0;
        for event in self.client_events() {
            if let Event::Message { stream, message, .. } = event {
                self.client.consume(stream, message.len());
                bytes += message.len();
            }
        }
        bytes
    }

    /// Consumes and drives until nothing more comes.
    fn client_consumes_all(&mut self) -> usize {
        let mut sum = 0;
        loop {
            self.drive();
            match self.client_consumes() {
                0 => return sum,
                bytes => sum += bytes,
            }
        }
    }
}

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

/// A stream with messages under way both ways ends as `end` has it: the handler hears of `expected`, everywhere and once.
fn ends_with(scene: &mut Scene, expected: &Status, end: impl FnOnce(&mut Scene, StreamId)) -> StreamId {
    let open = Open { route: "both".to_owned(), deadline_ms: 5000, ..Open::default() };
    let stream = scene.client.open(&open).unwrap();
    scene.client.send(stream, b"1".to_vec()).unwrap();
    scene.drive();
    let (mut requests, replies) = (scene.streams.request(), scene.streams.reply());
    fill(&replies);
    let (cancels, count) = counter();
    replies.on_cancel(count);
    end(scene, stream);
    scene.drive();
    assert!(replies.is_cancelled());
    assert_eq!(cancels.load(Ordering::Relaxed), 1);
    assert_eq!(requests.next(), Some(Err(expected.clone())), "what was not taken is dropped");
    assert_eq!(requests.next(), None);
    assert_eq!(replies.send(&1), Err(expected.clone()));
    assert_eq!(replies.try_send(&1), Err(TrySendError::Failed(expected.clone())));
    let (late, count) = counter();
    replies.on_cancel(count);
    assert_eq!(late.load(Ordering::Relaxed), 1, "it is over already");
    replies.fail(Status::new(Code::Internal, "too late"));
    drop(requests);
    scene.drive();
    stream
}

#[test]
fn a_peer_that_gives_up_is_heard_by_the_handler() {
    let mut scene = Scene::new(Capacity::default());
    let status = Status::new(Code::Aborted, "enough").with_detail("why", "x");
    ends_with(&mut scene, &status, |scene, stream| scene.client.reset(stream, &status).unwrap());
    assert_eq!(scene.ended(), [("CANCELLED", 1)], "whatever the peer calls it");
    scene.assert_at_rest();
}

#[test]
fn a_deadline_is_heard_by_both() {
    let mut scene = Scene::new(Capacity::default());
    let status = Status::new(Code::DeadlineExceeded, "the deadline passed");
    let stream = ends_with(&mut scene, &status, |scene, _| scene.pass(Duration::from_secs(5)));
    assert_eq!(scene.statuses(), [(stream, Code::DeadlineExceeded)]);
    assert_eq!(scene.ended(), [("DEADLINE_EXCEEDED", 1)]);
    scene.assert_at_rest();
}

#[test]
fn a_loss_is_heard_by_the_handler() {
    let mut scene = Scene::new(Capacity::default());
    let status = Status::new(Code::Unavailable, "the connection is lost");
    ends_with(&mut scene, &status, |scene, _| scene.calls.abandon(&mut scene.server, &scene.desk));
    assert_eq!(scene.ended(), [("CANCELLED", 1)]);
    assert!(scene.calls.is_empty() && scene.calls.owed() == 0);
}

#[test]
fn a_handlers_status_reaches_the_client_with_its_details_and_drops_what_waits() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, requests, replies) = scene.both();
    for _ in 0..2 {
        fill(&replies);
        scene.drive();
    }
    scene.client_events();
    let status = Status::new(Code::DataLoss, "gone").with_detail("at", 7);
    replies.fail(status.clone());
    scene.drive();
    assert_eq!(scene.client_events(), [Event::Reset { stream, status }]);
    drop(requests);
    scene.drive();
    assert_eq!(scene.ended(), [("DATA_LOSS", 1)]);
    scene.assert_at_rest();
}

#[test]
fn both_sides_may_end_a_stream_at_once() {
    for finishes in [true, false] {
        let mut scene = Scene::new(Capacity::default());
        let (stream, requests, replies) = scene.both();
        scene.client.reset(stream, &Status::new(Code::Cancelled, "")).unwrap();
        if finishes {
            replies.finish();
        } else {
            replies.fail(Status::new(Code::Internal, ""));
        }
        drop(requests);
        scene.server_speaks();
        scene.drive();
        assert!(!scene.client.is_over() && !scene.server.is_over());
        scene.assert_at_rest();
    }
}

#[test]
fn a_handler_that_is_done_first_lets_the_peer_send_on_and_drops_it() {
    let mut scene = Scene::new(Capacity::default());
    let stream = scene.open("upload");
    scene.client.send(stream, b"1".to_vec()).unwrap();
    scene.drive();
    drop(scene.streams.request());
    scene.drive();
    assert_eq!(scene.client_events(), [Event::Message { stream, message: b"7".to_vec(), last: true }]);
    assert!(scene.calls.is_empty(), "nothing is under way any more");
    for _ in 0..10 {
        scene.client.send(stream, vec![b' '; WINDOW]).unwrap();
        scene.drive();
        assert_eq!((scene.client.queued(), scene.calls.owed()), (0, 0));
    }
    scene.client.finish(stream).unwrap();
    scene.drive();
    assert_eq!(scene.ended(), [("OK", 1)]);
    scene.assert_at_rest();
}

#[test]
fn after_its_own_end_a_handler_gets_nothing_more() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, mut requests, replies) = scene.both();
    scene.client.send(stream, b"1".to_vec()).unwrap();
    scene.drive();
    replies.finish();
    assert_eq!(requests.next(), None);
    scene.client.finish(stream).unwrap();
    scene.drive();
    scene.assert_at_rest();
}

#[test]
fn a_notification_may_have_many_messages_and_a_feed_is_none() {
    let mut scene = Scene::new(Capacity::default());
    let notify = |route: &str| Open { route: route.to_owned(), one_way: true, ..Open::default() };
    let stream = scene.client.open(&notify("upload")).unwrap();
    scene.client.send(stream, b"1".to_vec()).unwrap();
    scene.client.send(stream, b"2".to_vec()).unwrap();
    scene.client.finish(stream).unwrap();
    let feed = scene.client.open(&notify("feed")).unwrap();
    scene.client.send(feed, b"1".to_vec()).unwrap();
    scene.drive();
    let requests = scene.streams.request();
    assert_eq!(requests.collect::<Vec<_>>(), [], "the handler of this test returned before: it gets nothing");
    scene.drive();
    assert_eq!(scene.client_events().len(), 1, "the feed is refused while it is open");
    assert_eq!(scene.ended(), [("INVALID_ARGUMENT", 1), ("OK", 1)]);
    scene.assert_at_rest();
}

#[test]
fn a_callback_takes_messages_in_order_and_hears_of_the_end() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, requests, replies) = scene.both();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = Arc::clone(&seen);
    requests.into_callback(move |item| {
        if let Some(Ok(number)) = &item {
            replies.try_send(&(number + 1)).unwrap();
        }
        seeing.lock().unwrap().push(item);
    });
    scene.drive();
    assert!(seen.lock().unwrap().is_empty(), "nobody waits for it");
    for number in 0..100 {
        scene.client.send(stream, number.to_string().into_bytes()).unwrap();
        if number % 7 == 0 {
            scene.drive();
        }
    }
    scene.drive();
    assert_eq!(seen.lock().unwrap().len(), 100);
    scene.client.finish(stream).unwrap();
    scene.drive();
    let expected: Vec<_> = (0..100).map(|number| Some(Ok(number))).chain([None]).collect();
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!(Arc::strong_count(&seen), 1, "the callback is gone, and the replies with it");
    scene.drive();
    assert!(matches!(scene.client_events().last(), Some(Event::Finished { .. })));
    assert_eq!(scene.ended(), [("OK", 1)]);
    scene.assert_at_rest();
}

#[test]
fn a_callback_hears_of_a_reset_and_is_gone() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, requests, replies) = scene.both();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = Arc::clone(&seen);
    requests.into_callback(move |item| {
        assert!(replies.is_cancelled());
        seeing.lock().unwrap().push(item);
    });
    let status = Status::new(Code::Cancelled, "enough");
    scene.client.reset(stream, &status).unwrap();
    scene.drive();
    assert_eq!(*seen.lock().unwrap(), [Some(Err(status)), None]);
    assert_eq!(Arc::strong_count(&seen), 1);
    scene.assert_at_rest();
}

#[test]
fn a_callback_that_panics_ends_its_stream() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, requests, replies) = scene.both();
    requests.into_callback(move |_| panic!("on purpose: {}", replies.is_cancelled()));
    scene.client.send(stream, b"1".to_vec()).unwrap();
    scene.drive();
    assert_eq!(scene.statuses(), [(stream, Code::Internal)]);
    assert_eq!(scene.desk.shared.metrics.panics.value(), 1);
    scene.assert_at_rest();
}

#[test]
fn a_callback_whose_turn_never_comes_is_dropped() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, requests, replies) = scene.both();
    let held = Arc::new(());
    let holding = Arc::clone(&held);
    requests.into_callback(move |_| drop((Arc::clone(&holding), replies.is_cancelled())));
    scene.drive();
    scene.client.send(stream, b"1".to_vec()).unwrap();
    scene.client_speaks();
    scene.take_answers();
    assert_eq!(scene.desk.resumes.len(), 1);
    // As when the workers have stopped.
    scene.desk.resumes.clear();
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn what_is_called_back_may_hold_on_to_the_stream() {
    let mut scene = Scene::new(Capacity::default());
    let held = Arc::new(());
    for finish in [true, false] {
        let (stream, replies) = scene.feed();
        let (replies, holding) = (Arc::new(Mutex::new(Some(replies))), Arc::clone(&held));
        let again = Arc::clone(&replies);
        let guard = replies.lock().unwrap();
        guard.as_ref().unwrap().on_room(move || {
            let _ = (again.lock().unwrap().is_some(), &holding);
        });
        drop(guard);
        if finish {
            replies.lock().unwrap().take().unwrap().finish();
        } else {
            scene.client.reset(stream, &Status::new(Code::Cancelled, "")).unwrap();
        }
        drop(replies);
        scene.drive();
        assert_eq!(Arc::strong_count(&held), 1, "nothing holds on to anything after the end");
    }
    scene.assert_at_rest();
}

#[test]
fn a_callback_that_panics_on_the_loop_costs_nobody_anything() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, replies) = scene.feed();
    replies.on_cancel(|| panic!("on purpose"));
    let (cancels, count) = counter();
    replies.on_cancel(count);
    scene.client.reset(stream, &Status::new(Code::Cancelled, "")).unwrap();
    scene.drive();
    assert_eq!(cancels.load(Ordering::Relaxed), 1);
}

#[test]
fn a_stream_that_finds_no_thread_in_time_is_refused_and_never_run() {
    let mut scene = Scene::new(Capacity::default());
    let stream = scene.call("feed", b"1");
    scene.client_speaks();
    assert_eq!(scene.desk.streams.len(), 1);
    scene.pass(Duration::from_millis(999));
    scene.server_speaks();
    assert_eq!(scene.statuses(), []);
    scene.pass(Duration::from_millis(1));
    scene.server_speaks();
    assert_eq!(scene.statuses(), [(stream, Code::ResourceExhausted)]);
    scene.drive();
    assert!(scene.streams.replies.lock().unwrap().is_empty());
    assert_eq!(scene.ended(), [("RESOURCE_EXHAUSTED", 1)]);
    scene.assert_at_rest();
    let (_, replies) = scene.feed();
    scene.pass(Duration::from_secs(10));
    assert!(!replies.is_cancelled(), "one that has started may last");
}

#[test]
fn deadlines_are_kept_by_the_server_itself() {
    let mut scene = Scene::new(Capacity::default());
    let open = |ms| Open { route: "keep".to_owned(), deadline_ms: ms, ..Open::default() };
    let streams: Vec<StreamId> = [300, 100, 200].map(|ms| scene.client.open(&open(ms)).unwrap()).into();
    for &stream in &streams {
        scene.client.send(stream, b"1".to_vec()).unwrap();
        scene.client.finish(stream).unwrap();
    }
    let half = scene.client.open(&open(150)).unwrap();
    scene.client.send(half, b"1".to_vec()).unwrap();
    scene.drive();
    let start = scene.desk.now;
    for (ms, expired) in [(100, streams[1]), (150, half), (200, streams[2]), (300, streams[0])] {
        let due = start + Duration::from_millis(ms);
        assert!(scene.calls.poll_timeout().unwrap() <= due);
        scene.pass(due - scene.desk.now - Duration::from_nanos(1));
        scene.drive();
        assert_eq!(scene.statuses(), []);
        scene.pass(Duration::from_nanos(1));
        scene.drive();
        assert_eq!(scene.statuses(), [(expired, Code::DeadlineExceeded)]);
    }
    assert_eq!(scene.calls.poll_timeout(), None);
    for call in scene.kept.lock().unwrap().drain(..) {
        assert!(call.context.is_cancelled());
        call.slot.fill(Some(vec![1].into()), End::Done);
    }
    scene.drive();
    assert_eq!(scene.ended(), [("DEADLINE_EXCEEDED", 4)]);
    scene.assert_at_rest();
}

#[test]
fn a_drain_tells_those_who_want_to_know_and_its_end_resets_the_rest() {
    let mut scene = Scene::new(Capacity::default());
    let (polite, replies) = scene.feed();
    let replies = Arc::new(Mutex::new(Some(replies)));
    let ending = Arc::clone(&replies);
    let guard = replies.lock().unwrap();
    guard.as_ref().unwrap().on_drain(move || ending.lock().unwrap().take().unwrap().finish());
    drop(guard);
    let (endless, stubborn) = scene.feed();
    scene.server.go_away();
    scene.calls.drain();
    scene.drive();
    assert!(stubborn.is_draining());
    let (told, count) = counter();
    stubborn.on_drain(count);
    assert_eq!(told.load(Ordering::Relaxed), 1, "whoever asks late is told at once");
    stubborn.send(&1).unwrap();
    scene.drive();
    let events = scene.client_events();
    assert!(events.contains(&Event::Finished { stream: polite }), "{events:?}");
    assert!(events.contains(&Event::Message { stream: endless, message: b"1".to_vec(), last: false }));
    assert!(!scene.calls.is_empty());
    scene.calls.give_up_all(&mut scene.server, &scene.desk);
    scene.drive();
    assert_eq!(scene.statuses(), [(endless, Code::Unavailable)]);
    assert_eq!(stubborn.send(&1).unwrap_err().code(), Code::Unavailable);
    drop(stubborn);
    scene.drive();
    scene.assert_at_rest();
}

#[test]
fn as_many_streams_as_there_may_be_opened_and_left() {
    let mut scene = Scene::new(Capacity::default());
    for _ in 0..1024 {
        let stream = scene.open("both");
        scene.client.send(stream, vec![b' '; 1 << 10]).unwrap();
    }
    scene.drive();
    assert_eq!(scene.desk.shared.metrics.streams_running.value(), 1024);
    assert!(scene.calls.owed() <= 1024 * (1100 + 64), "{}", scene.calls.owed());
    scene.client.close();
    scene.drive();
    scene.calls.abandon(&mut scene.server, &scene.desk);
    for mut requests in scene.streams.requests.lock().unwrap().drain(..) {
        assert_eq!(requests.next().unwrap().unwrap_err().code(), Code::Unavailable);
    }
    scene.streams.replies.lock().unwrap().clear();
    scene.take_answers();
    assert!(scene.calls.is_empty() && scene.calls.owed() == 0);
    assert_eq!(scene.desk.shared.metrics.streams_running.value(), 0);
}

#[test]
fn a_peer_that_opens_and_resets_for_ever_ends_its_own_session() {
    let mut scene = Scene::new(Capacity::default());
    let mut rounds = 0;
    while !scene.server.is_over() {
        let stream = scene.open("both");
        scene.client_speaks();
        let _ = scene.client.reset(stream, &Status::new(Code::Cancelled, ""));
        scene.drive();
        scene.streams.requests.lock().unwrap().clear();
        scene.streams.replies.lock().unwrap().clear();
        rounds += 1;
        assert!(rounds < 10_000, "there is a budget for such frames");
    }
    assert!(rounds > 1000, "and it is not a small one: {rounds}");
    scene.calls.abandon(&mut scene.server, &scene.desk);
    scene.take_answers();
    assert_eq!(scene.desk.shared.metrics.streams_running.value(), 0);
    assert_eq!(scene.calls.owed(), 0);
}
