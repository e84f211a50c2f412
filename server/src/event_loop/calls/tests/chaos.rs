//! Streams of every shape while both sides do whatever they like, in any order: nobody panics, and nothing is left at the end.

use std::task::Poll;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What either side does next; the number chooses among the streams that there are.
#[derive(Debug, Clone, Copy)]
enum Step {
    Open(u8),
    ClientSends(usize, u16),
    ClientFinishes(usize),
    ClientResets(usize),
    ClientConsumes,
    HandlerTakes(usize),
    HandlerSends(usize, u16),
    HandlerFinishes(usize),
    HandlerFails(usize),
    HandlerDropsRequests(usize),
    HandlerCallsBack(usize),
    Pass(u16),
    ClientSpeaks,
    ServerSpeaks,
    Drive,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => any::<u8>().prop_map(Step::Open),
        6 => (any::<usize>(), any::<u16>()).prop_map(|(which, size)| Step::ClientSends(which, size)),
        1 => any::<usize>().prop_map(Step::ClientFinishes),
        1 => any::<usize>().prop_map(Step::ClientResets),
        2 => Just(Step::ClientConsumes),
        4 => any::<usize>().prop_map(Step::HandlerTakes),
        6 => (any::<usize>(), any::<u16>()).prop_map(|(which, size)| Step::HandlerSends(which, size)),
        1 => any::<usize>().prop_map(Step::HandlerFinishes),
        1 => any::<usize>().prop_map(Step::HandlerFails),
        1 => any::<usize>().prop_map(Step::HandlerDropsRequests),
        1 => any::<usize>().prop_map(Step::HandlerCallsBack),
        1 => any::<u16>().prop_map(Step::Pass),
        3 => Just(Step::ClientSpeaks),
        3 => Just(Step::ServerSpeaks),
        2 => Just(Step::Drive),
    ];
    vec(step, 1..120)
}

struct Chaos {
    scene: Scene,
    opened: Vec<StreamId>,
    consumable: Vec<(StreamId, usize)>,
}

impl Chaos {
    fn stream(&self, which: usize) -> Option<StreamId> {
        (!self.opened.is_empty()).then(|| self.opened[which % self.opened.len()])
    }

    fn take<T>(kept: &Mutex<Vec<T>>, which: usize) -> Option<T> {
        let mut kept = kept.lock().unwrap();
        let count = kept.len();
        (count > 0).then(|| kept.swap_remove(which % count))
    }

    fn with_replies(&self, which: usize, act: impl FnOnce(&Replies)) {
        let kept = self.scene.streams.replies.lock().unwrap();
        if let Some(replies) = kept.get(which % kept.len().max(1)) {
            act(replies);
        }
    }

    // What the client is refused, such as to send on a stream that is over, changes nothing.
    fn take_step(&mut self, step: Step) {
        let streams = self.scene.streams.clone();
        match step {
            Step::Open(number) => {
                let route = ["feed", "upload", "both"][usize::from(number % 3)];
                let open = Open {
                    route: route.to_owned(),
                    deadline_ms: u32::from(number / 3) * 10,
                    one_way: number > 250,
                    ..Open::default()
                };
                self.opened.extend(self.scene.client.open(&open));
            }
            Step::ClientSends(which, size) => {
                if let Some(stream) = self.stream(which) {
                    let mut message = vec![b' '; size.into()];
                    message.push(b'1');
                    let _ = self.scene.client.send(stream, message);
                }
            }
            Step::ClientFinishes(which) => {
                let _ = self.stream(which).map(|stream| self.scene.client.finish(stream));
            }
            Step::ClientResets(which) => {
                let status = Status::new(Code::Cancelled, "enough");
                let _ = self.stream(which).map(|stream| self.scene.client.reset(stream, &status));
            }
            Step::ClientConsumes => self.client_consumes_what_came(),
            Step::HandlerTakes(which) => {
                let mut kept = streams.requests.lock().unwrap();
                let count = kept.len();
                if let Some(requests) = kept.get_mut(which % count.max(1)) {
                    let item = requests.next_timeout(Duration::ZERO);
                    assert!(!matches!(item, Poll::Ready(Some(Ok(number))) if number != 1));
                }
            }
            Step::HandlerSends(which, size) => self.with_replies(which, |replies| {
                let _ = replies.try_send_encoded(vec![b' '; size.into()]);
            }),
            Step::HandlerFinishes(which) => drop(Self::take(&streams.replies, which)),
            Step::HandlerFails(which) => {
                if let Some(replies) = Self::take(&streams.replies, which) {
                    replies.fail(Status::new(Code::Aborted, "enough"));
                }
            }
            Step::HandlerDropsRequests(which) => drop(Self::take(&streams.requests, which)),
            Step::HandlerCallsBack(which) => {
                if let Some(requests) = Self::take(&streams.requests, which) {
                    requests.into_callback(|_| {});
                }
            }
            Step::Pass(ms) => self.scene.pass(Duration::from_millis(u64::from(ms) / 100)),
            Step::ClientSpeaks => drop(self.scene.client_speaks()),
            Step::ServerSpeaks => drop(self.scene.server_speaks()),
            Step::Drive => self.scene.drive(),
        }
    }

    fn client_consumes_what_came(&mut self) {
        for event in self.scene.client_events() {
            if let Event::Message { stream, message, .. } = event {
                self.consumable.push((stream, message.len()));
            }
        }
        for (stream, length) in self.consumable.drain(..) {
            self.scene.client.consume(stream, length);
        }
    }

    /// Both sides end what they have not, and take what comes.
    fn end(&mut self) {
        self.scene.drive();
        self.scene.streams.requests.lock().unwrap().clear();
        self.scene.streams.replies.lock().unwrap().clear();
        for stream in std::mem::take(&mut self.opened) {
            let _ = self.scene.client.finish(stream);
        }
        loop {
            self.scene.drive();
            self.client_consumes_what_came();
            self.scene.streams.requests.lock().unwrap().clear();
            self.scene.streams.replies.lock().unwrap().clear();
            if !self.scene.client_speaks() {
                break;
            }
        }
        // A feed without a request is refused by its END, an upload that was never whole by its deadline or its END.
        self.scene.pass(Duration::from_secs(10));
        self.scene.drive();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_both_sides_do_nothing_is_left(steps in steps()) {
        let mut chaos = Chaos { scene: Scene::new(Capacity::default()), opened: Vec::new(), consumable: Vec::new() };
        for step in steps {
            chaos.take_step(step);
        }
        chaos.end();
        prop_assert!(!chaos.scene.client.is_over() && !chaos.scene.server.is_over());
        chaos.scene.assert_at_rest();
    }
}
