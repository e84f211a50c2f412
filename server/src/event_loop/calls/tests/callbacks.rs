//! What is called back: for messages, for room, for an end.

use super::*;

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
fn a_callback_goes_on_where_an_iteration_ended() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, mut requests, replies) = scene.both();
    for number in 0..4 {
        scene.client.send(stream, number.to_string().into_bytes()).unwrap();
    }
    scene.drive();
    assert_eq!(requests.next(), Some(Ok(0)));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = Arc::clone(&seen);
    requests.into_callback(move |item| {
        assert!(!replies.is_cancelled());
        seeing.lock().unwrap().push(item);
    });
    scene.drive();
    scene.client.send(stream, b"4".to_vec()).unwrap();
    scene.client.finish(stream).unwrap();
    scene.drive();
    let expected: Vec<_> = (1..5).map(|number| Some(Ok(number))).chain([None]).collect();
    assert_eq!(*seen.lock().unwrap(), expected);
    scene.assert_at_rest();
}

#[test]
fn a_callback_after_an_iteration_may_come_too_late_for_what_was_fetched() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, mut requests, replies) = scene.both();
    for number in 0..4 {
        scene.client.send(stream, number.to_string().into_bytes()).unwrap();
    }
    scene.drive();
    assert_eq!(requests.next(), Some(Ok(0)));
    let status = Status::new(Code::Cancelled, "enough");
    scene.client.reset(stream, &status).unwrap();
    scene.drive();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = Arc::clone(&seen);
    requests.into_callback(move |item| seeing.lock().unwrap().push(item));
    scene.drive();
    assert_eq!(*seen.lock().unwrap(), [Some(Err(status)), None]);
    drop(replies);
    scene.drive();
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
fn nobody_is_called_for_room_that_is_too_little_for_what_found_none() {
    let mut scene = Scene::new(Capacity { unsent_per_connection: 100 << 10, ..Capacity::default() });
    let (_, hog) = scene.feed();
    let (_, replies) = scene.feed();
    hog.try_send_encoded(vec![b'1'; 200 << 10]).unwrap();
    let message: Arc<[u8]> = vec![b'1'; 20 << 10].into();
    assert_eq!(replies.try_send_encoded(Arc::clone(&message)), Err(TrySendError::Full));
    let calls = Arc::new(AtomicU32::new(0));
    let (replies, called) = (Arc::new(replies), Arc::clone(&calls));
    let sender = Arc::downgrade(&replies);
    replies.on_room(move || {
        // Otherwise this would never end.
        if called.fetch_add(1, Ordering::Relaxed) < 10
            && let Some(replies) = sender.upgrade()
        {
            let _ = replies.try_send_encoded(Arc::clone(&message));
        }
    });
    assert_eq!(calls.load(Ordering::Relaxed), 0, "the connection is full");
    scene.drive();
    assert_eq!(calls.load(Ordering::Relaxed), 1, "it is not any more");
    hog.finish();
    drop(replies);
    scene.drive();
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
fn a_callback_whose_replies_nobody_takes_holds_no_worker_and_goes_on_when_they_are_taken() {
    let mut scene = Scene::new(Capacity::default());
    let (stream, requests, replies) = scene.both();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = Arc::clone(&seen);
    requests.into_callback(move |item| {
        if let Some(Ok(_)) = &item {
            replies.send_encoded(vec![7; 10_000]).unwrap();
        }
        seeing.lock().unwrap().push(item);
    });
    for number in 0..100 {
        scene.client.send(stream, number.to_string().into_bytes()).unwrap();
    }
    scene.client.finish(stream).unwrap();
    // Were a worker held, this would never end.
    scene.drive();
    let window = Limits::default().credit as usize;
    let held = seen.lock().unwrap().len();
    assert!((window / 10_000..2 * window / 10_000).contains(&held), "{held}");
    let mut taken = 0;
    loop {
        let bytes = scene.client_consumes();
        if bytes == 0 {
            break;
        }
        taken += bytes;
        scene.drive();
    }
    assert_eq!(taken, 1_000_000);
    assert_eq!(seen.lock().unwrap().len(), 101);
    assert_eq!(scene.ended(), [("OK", 1)]);
    scene.assert_at_rest();
}

#[test]
fn a_callback_that_waits_for_room_hears_of_the_end_at_once() {
    for cancelled in [true, false] {
        let mut scene = Scene::new(Capacity::default());
        let (stream, requests, replies) = scene.both();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let seeing = Arc::clone(&seen);
        requests.into_callback(move |item| {
            if let Some(Ok(_)) = &item {
                replies.send_encoded(vec![7; 100_000]).unwrap();
            }
            seeing.lock().unwrap().push(item);
        });
        for number in 0..20 {
            scene.client.send(stream, number.to_string().into_bytes()).unwrap();
        }
        scene.drive();
        if cancelled {
            scene.client.reset(stream, &Status::new(Code::Cancelled, "enough")).unwrap();
        } else {
            scene.pass(Duration::ZERO);
            let (calls, desk) = (&mut scene.calls, &scene.desk);
            calls.give_up_all(&mut scene.server, desk);
        }
        scene.drive();
        let seen = seen.lock().unwrap();
        assert!(seen.len() < 20, "{}", seen.len());
        assert!(matches!(seen[seen.len() - 2..], [Some(Err(_)), None]), "{:?}", seen.last());
        drop(seen);
        scene.client_events();
        scene.assert_at_rest();
    }
}
