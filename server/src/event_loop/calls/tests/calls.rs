//! Calls of one message each way.

use super::*;

#[test]
fn whatever_becomes_of_a_call_its_request_is_consumed_once() {
    let mut scene = Scene::new(Capacity::default());
    let answered = scene.call("grow", &[1]);
    let empty = scene.call("grow", &[]);
    let unknown = scene.call("missing", &[1, 2, 3]);
    let two = scene.open("grow");
    scene.client.send(two, vec![1]).unwrap();
    scene.client.send(two, vec![1]).unwrap();
    scene.client.finish(two).unwrap();
    let none = scene.open("grow");
    scene.client.finish(none).unwrap();
    let given_up = scene.open("grow");
    scene.client.send(given_up, vec![1]).unwrap();
    scene.drive();
    scene.client.reset(given_up, &Status::new(Code::Cancelled, "")).unwrap();
    scene.drive();
    let mut statuses = scene.statuses();
    statuses.sort();
    let expected = [(unknown, Code::Unimplemented), (two, Code::InvalidArgument), (none, Code::InvalidArgument)];
    assert_eq!(statuses, expected, "{answered:?} and {empty:?} are answered");
    scene.assert_at_rest();
}

#[test]
fn an_answer_that_comes_after_a_reset_is_dropped_and_the_handler_was_told() {
    let mut scene = Scene::new(Capacity::default());
    let stream = scene.call("keep", &[1]);
    scene.drive();
    scene.client.reset(stream, &Status::new(Code::Cancelled, "")).unwrap();
    scene.drive();
    let call = scene.kept.lock().unwrap().pop().unwrap();
    assert!(call.context.is_cancelled());
    call.slot.fill(Some(vec![1].into()), End::Done);
    scene.drive();
    assert_eq!(scene.statuses(), []);
    scene.assert_at_rest();
}

#[test]
fn calls_beyond_the_cap_are_refused_and_the_others_go_on() {
    let mut scene = Scene::new(Capacity { calls_per_connection: 2, ..Capacity::default() });
    let streams: Vec<StreamId> = (0..3).map(|_| scene.call("keep", &[1])).collect();
    scene.drive();
    assert_eq!(scene.statuses(), [(streams[2], Code::ResourceExhausted)]);
    for call in scene.kept.lock().unwrap().drain(..) {
        call.slot.fill(Some(vec![1].into()), End::Done);
    }
    scene.drive();
    scene.assert_at_rest();
}

#[test]
fn while_replies_wait_calls_are_held_and_go_on_when_the_peer_takes_them() {
    let mut scene = Scene::new(Capacity::default());
    for _ in 0..8 {
        scene.call("grow", &[255]);
    }
    scene.client_speaks();
    scene.take_answers();
    assert!(scene.server.queued() > scene.desk.shared.facts.bounds.outbound);
    let late = scene.call("grow", &[1]);
    scene.client_speaks();
    assert_eq!(scene.calls.held.len(), 1, "{late:?} waits");
    scene.drive();
    assert_eq!(scene.statuses(), []);
    scene.assert_at_rest();
}

#[test]
fn a_connection_that_ends_leaves_nobody_waiting() {
    let mut scene = Scene::new(Capacity::default());
    scene.call("keep", &[1]);
    let half = scene.open("grow");
    scene.client.send(half, vec![1]).unwrap();
    scene.drive();
    scene.calls.abandon(&mut scene.server, &scene.desk);
    let call = scene.kept.lock().unwrap().pop().unwrap();
    assert!(call.context.is_cancelled());
    drop(call);
    assert_eq!(scene.desk.shared.metrics.calls_running.value(), 0);
}
