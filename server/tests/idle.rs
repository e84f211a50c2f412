//! Many connections that are silent: what they take, and that they still answer.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::num::NonZero;

use bulla_server::Context;
use peak_alloc::PeakAlloc;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::common::{Client, builder, key};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// With the one before them a power of two, as is the room in the server's table.
const CONNECTIONS: u16 = 1023;

/// Bytes for each of them. A quarter of so few is awake; where there are ten thousand it is less than 2 KiB.
const BUDGET: usize = 2200;

/// As many descriptors as the system grants.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

#[test]
fn a_thousand_silent_connections_take_little_and_answer() {
    raise_descriptors();
    let server = builder()
        .threads(NonZero::<usize>::MIN)
        .route_inline("next", |number: u16, _: &Context| Ok(number.wrapping_add(1)))
        .spawn()
        .unwrap();
    let mut warm = Client::connect(&server.addresses()[0], key(), &["json"]).unwrap();
    assert_eq!(warm.call("next", &1), Ok(2));

    let before = ALLOCATOR.current_usage();
    let mut clients: Vec<Client> =
        (0..CONNECTIONS).map(|_| Client::connect(&server.addresses()[0], key(), &["json"]).unwrap()).collect();
    for number in 0..2 * CONNECTIONS {
        let client = &mut clients[usize::from(number % CONNECTIONS)];
        assert_eq!(client.call("next", &number), Ok(number + 1));
    }

    // Not collected: that would keep the room of the clients.
    let mut streams = Vec::with_capacity(clients.len());
    streams.extend(clients.into_iter().map(Client::into_stream));
    let each = (ALLOCATOR.current_usage() - before) / usize::from(CONNECTIONS);
    println!("{each} bytes for each connection");
    assert!(each <= BUDGET, "an idle connection takes {each} bytes");
    drop(streams);
    drop(warm);
    server.shutdown();
}
