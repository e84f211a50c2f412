//! What the benchmarks share: payloads, and two connections with a wire of memory between them.
//!
//! Run them with `cargo bench -p bulla-benches`.

pub mod payload;

use std::sync::Arc;
use std::time::Instant;

use bulla_core::codec::CodecName;
use bulla_core::connection::{Bounds, ClientConfig, Connection, Identity, Limits, ServerConfig, Start};
use bulla_core::key::{Key, KeyRing};

/// A client's and a server's configuration that agree with each other.
#[must_use]
pub fn configs() -> (ClientConfig, Arc<ServerConfig>) {
    let key = Key::from_bytes([1; 32]);
    let codec = CodecName::new("json");
    let client = ClientConfig {
        key: key.clone(),
        offer: vec![codec],
        limits: Limits::default(),
        bounds: Bounds::default(),
        identity: Identity { instance: [1; 16], agent: "bench".to_owned() },
    };
    let server = ServerConfig {
        keys: KeyRing::single(key),
        accept: vec![codec],
        limits: Limits::default(),
        bounds: Bounds::default(),
        identity: Identity { instance: [2; 16], agent: "bench".to_owned() },
    };
    (client, Arc::new(server))
}

/// Two connections after their handshake.
#[must_use]
pub fn connected(client: &ClientConfig, server: &Arc<ServerConfig>) -> (Connection, Connection) {
    let now = Instant::now();
    let start = |byte| Start { entropy: [byte; 32], now, unix_time: 0 };
    let mut ends = (Connection::client(client, start(1)), Connection::server(Arc::clone(server), start(2)));
    let mut wire = Vec::new();
    while carry(&mut ends.0, &mut ends.1, now, &mut wire) | carry(&mut ends.1, &mut ends.0, now, &mut wire) {}
    assert!(ends.0.session().is_some() && ends.1.session().is_some(), "the handshake succeeds");
    ends
}

/// Carries what one end has to say to the other; `false` if that is nothing.
pub fn carry(from: &mut Connection, to: &mut Connection, now: Instant, wire: &mut Vec<u8>) -> bool {
    wire.clear();
    let any = from.poll_transmit(wire);
    to.handle_input(now, wire);
    any
}
