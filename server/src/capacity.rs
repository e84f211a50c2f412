//! How much a server takes on.

use std::time::Duration;

use bulla_core::codec::DecodeLimits;
use bulla_core::status::{Code, Status};

use crate::shares::Share;

/// What a call is answered that was not begun because the whole server has no room for it: another server may have some.
pub(crate) fn no_room(reason: &str) -> Status {
    Status::new(Code::Unavailable, reason).not_started()
}

/// How much a server takes on, in all and for each connection. What one peer has too much of is answered `RESOURCE_EXHAUSTED`, to it
/// alone. A call that is not begun because the whole server is full is answered `UNAVAILABLE`, marked as
/// [not started](Status::not_started): a client that knows another server asks that one. What two sides agree on is in
/// [`Limits`](bulla_core::connection::Limits), what one connection may hold in [`Bounds`](bulla_core::connection::Bounds).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capacity {
    /// Connections at once. A client beyond that hears that the server is busy. Default 10,000.
    pub connections: u32,
    /// Connections in handshake at once; beyond that as above. Default 256.
    pub handshakes: u32,
    /// Calls of one connection that wait for a worker or run; more are answered `RESOURCE_EXHAUSTED`. Default 1,024.
    pub calls_per_connection: u32,
    /// Calls that wait for a worker, of all connections; more are answered `UNAVAILABLE`. Default 65,536.
    pub calls_waiting: u32,
    /// Handlers of streams that run at once, each on a thread that is started when it is needed and used again; one that finds no
    /// thread within a second is answered `UNAVAILABLE`. Default 256.
    pub stream_threads: u32,
    /// Of these, how many the streams of one connection may hold; one beyond that waits a second, too, and is answered
    /// `RESOURCE_EXHAUSTED`. Default 64.
    pub stream_threads_per_connection: u32,
    /// As much for the streams of one name: of all connections whose keys have it. A key without a name may be
    /// anybody's, so that here each of its connections counts for itself. Default 128.
    pub stream_threads_per_name: u32,
    /// How long a handler on such a thread waits for a peer that sends it no whole message, or takes nothing of what it sends, where
    /// it does not say itself how long. Then its stream is ended with `DEADLINE_EXCEEDED`, on both sides. Default 5 min.
    pub stream_silence: Duration,
    /// Bytes of replies that one connection may leave unsent for want of credit: in its streams, which wait beyond that, and as much
    /// again in its calls, which are held. Default 16 MiB.
    pub unsent_per_connection: usize,
    /// Bytes of requests that wait and of replies that are not sent, of all connections. Beyond that, calls are answered
    /// `UNAVAILABLE`, and replies become `RESOURCE_EXHAUSTED`. Default 1 GiB.
    pub queued_bytes: u64,
    /// How long output may wait without a byte being taken before the connection is closed. Default 10 s.
    pub write_stall: Duration,
    /// How long a connection that is over waits for the peer to read its last bytes. Default 1 s.
    pub linger: Duration,
    /// What decoding one request may cost.
    pub decode: DecodeLimits,
}

impl Capacity {
    /// The threads for streams, and how many of them each peer may have.
    pub(crate) fn stream_shares(&self) -> (usize, Share) {
        let number = |count| usize::try_from(count).unwrap_or(usize::MAX);
        let share = Share {
            connection: number(self.stream_threads_per_connection),
            name: number(self.stream_threads_per_name),
        };
        (number(self.stream_threads), share)
    }
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            connections: 10_000,
            handshakes: 256,
            calls_per_connection: 1024,
            calls_waiting: 65_536,
            stream_threads: 256,
            stream_threads_per_connection: 64,
            stream_threads_per_name: 128,
            stream_silence: Duration::from_secs(300),
            unsent_per_connection: 16 << 20,
            queued_bytes: 1 << 30,
            write_stall: Duration::from_secs(10),
            linger: Duration::from_secs(1),
            decode: DecodeLimits::default(),
        }
    }
}
