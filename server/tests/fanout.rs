//! A thousand subscribers of one topic in every codec: all get everything, memory is bounded, and a hundred that stop hurt nobody.
//!
//! A small run of `examples/fanout.rs`, which measures.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;
#[path = "common/fanout.rs"]
mod crowd;

use std::sync::atomic::{AtomicU64, Ordering};

use bulla_client::Client;
use bulla_core::key::{Key, KeyRing};
use bulla_server::Server;
use bulla_server::services::topics::Topics;

use self::common::CODECS;
use self::crowd::{Crowd, KEY, Load, TOPIC, run};

#[test]
fn a_thousand_hear_everything_and_a_hundred_that_stop_hurt_nobody() {
    const MESSAGES: u64 = 120;
    const QUEUE: u32 = 32;
    const CREDIT: u32 = 4 << 10;
    for stopped in [[0, 0], [60, 40]] {
        let topics = Topics::default();
        let keys = KeyRing::single(Key::from_bytes(KEY));
        let server = Server::builder().listen("127.0.0.1:0").unwrap().keys(keys).accept(CODECS);
        let server = server.service(topics.clone()).spawn().unwrap();
        let crowd = Crowd {
            codecs: &CODECS,
            sharing: 900,
            streams: 100,
            alone: 100,
            stopped,
            messages: MESSAGES,
            queue: QUEUE,
            credit: CREDIT,
            looked_at: 20,
        };
        let address = &server.addresses()[0];
        let most = [AtomicU64::new(0), AtomicU64::new(0)];
        let outcome = run(address, crowd, |progress| {
            let client = Client::builder().server(address.to_string()).key(Key::from_bytes(KEY)).offer(["json"]);
            let client = client.connect().unwrap();
            for number in 0..MESSAGES {
                // Those who do not stop have room for what comes, however slow the machine.
                progress.wait_for((number + 1).saturating_sub(QUEUE.into()));
                let published = client.topics().publish(TOPIC, &Load::new(number)).unwrap();
                assert_eq!((published.delivered, published.missed), (1000, 0));
                for (most, now) in most.iter().zip([server.metrics().queued_bytes, count(&topics, "waiting_bytes")]) {
                    most.fetch_max(now, Ordering::Relaxed);
                }
            }
        });
        assert_eq!(outcome.delivered, MESSAGES * crowd.live() as u64);
        let [unsent, waiting] = most.map(AtomicU64::into_inner);
        // No stream has more unsent than its window, and what waits is held once for each codec.
        assert!(unsent <= 1000 * u64::from(CREDIT), "{unsent} bytes are unsent");
        assert!(waiting <= MESSAGES * CODECS.len() as u64 * 500 + 1000 * u64::from(QUEUE) * 16, "{waiting} bytes wait");
        let dropped = count(&topics, "dropped");
        if stopped == [0, 0] {
            assert_eq!(dropped, 0);
        } else {
            assert!(dropped > 100 * 40, "those who stopped lost {dropped}");
        }
    }
}

fn count(topics: &Topics, what: &str) -> u64 {
    let summary = topics.summary();
    summary.as_map().unwrap().get(what).unwrap().as_integer().unwrap().try_into().unwrap()
}
