//! Every way in which a stream ends, and what is left of it.

use super::*;

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
fn a_stream_whose_thread_is_slow_to_start_waits_for_it() {
    let mut scene = Scene::new(Capacity::default());
    scene.call("feed", b"1");
    scene.client_speaks();
    for _ in 0..3 {
        scene.pass(Duration::from_secs(1));
        scene.server_speaks();
        assert_eq!(scene.statuses(), []);
    }
    scene.drive();
    scene.streams.reply().finish();
    scene.drive();
    assert_eq!(scene.ended(), [("OK", 1)]);
    scene.assert_at_rest();
}

#[test]
fn a_stream_that_finds_no_thread_in_time_is_refused_and_never_run() {
    let mut scene = Scene::new(Capacity { stream_threads: 0, ..Capacity::default() });
    let stream = scene.call("feed", b"1");
    scene.client_speaks();
    assert_eq!(scene.desk.streams.len(), 1);
    scene.pass(Duration::from_millis(999));
    scene.server_speaks();
    assert_eq!(scene.statuses(), []);
    scene.pass(Duration::from_millis(1));
    scene.server_speaks();
    assert_eq!(scene.statuses(), [(stream, Code::Unavailable)]);
    scene.drive();
    assert!(scene.streams.replies.lock().unwrap().is_empty());
    assert_eq!(scene.ended(), [("UNAVAILABLE", 1)]);
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
