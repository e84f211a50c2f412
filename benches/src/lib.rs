//! What the benchmarks share: payloads, and two connections with a wire of memory between them.
//!
//! Run them with `cargo bench -p bulla-benches`.

pub mod payload;

use std::sync::Arc;
use std::time::{Duration, Instant};

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
    timed_handshake(client, server).0
}

/// Two connections after their handshake, and the time that it cost the client and the server.
#[must_use]
pub fn timed_handshake(client: &ClientConfig, server: &Arc<ServerConfig>) -> ((Connection, Connection), [Duration; 2]) {
    let now = Instant::now();
    let start = |byte| Start { entropy: [byte; 32], now, unix_time: 0 };
    let mut clock = Clock(Instant::now());
    let mut client = Connection::client(client, start(1));
    let client_time = clock.lap();
    let mut server = Connection::server(Arc::clone(server), start(2));
    let mut times = [client_time, clock.lap()];
    let mut wire = Vec::new();
    loop {
        let mut said = false;
        for turn in 0..2 {
            let (from, to) = if turn == 0 { (&mut client, &mut server) } else { (&mut server, &mut client) };
            wire.clear();
            said |= from.poll_transmit(&mut wire);
            times[turn] += clock.lap();
            to.handle_input(now, &mut wire);
            times[1 - turn] += clock.lap();
        }
        if !said {
            break;
        }
    }
    assert!(client.session().is_some() && server.session().is_some(), "the handshake succeeds");
    ((client, server), times)
}

/// Tells the time since it was asked last.
struct Clock(Instant);

impl Clock {
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.0, now)
    }
}

/// Carries what one end has to say to the other; `false` if that is nothing.
pub fn carry(from: &mut Connection, to: &mut Connection, now: Instant, wire: &mut Vec<u8>) -> bool {
    wire.clear();
    let any = from.poll_transmit(wire);
    to.handle_input(now, wire);
    any
}
