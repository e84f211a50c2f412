//! What each side brings to a connection: keys, codecs, limits, timeouts, identity.

use std::time::{Duration, Instant};

use crate::codec::CodecName;
use crate::key::{Key, KeyRing};

/// The most codecs that an offer or an allow-list names.
pub const MAX_CODECS: usize = 16;

/// The longest agent string, in bytes.
pub const MAX_AGENT: usize = 64;

/// The limits that both sides state in the handshake; the smaller of each pair holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest message, in bytes. Default 4 MiB.
    pub message: u32,
    /// The most streams that either side may have open. Default 1,024.
    pub streams: u32,
    /// The bytes that a fresh stream may carry before the receiver grants more. Default 256 KiB.
    pub credit: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message: 4 << 20, streams: 1024, credit: 256 << 10 }
    }
}

impl Limits {
    /// The smaller of each pair.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self {
            message: self.message.min(other.message),
            streams: self.streams.min(other.streams),
            credit: self.credit.min(other.credit),
        }
    }
}

/// The bounds that one side keeps for itself, without asking the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// Bytes of received messages, whole or not, that the application has not consumed yet. Past a half of it the connection
    /// wants no input while the application has messages to take; past the whole, the stream that would exceed it is reset.
    /// Default 16 MiB.
    pub inbound: usize,
    /// Bytes queued for the peer at which `wants_read` turns false while some of them could be sent, so that a peer that does not
    /// read cannot make more work. A peer that reads, but grants no credit, is for the application to stop: see
    /// [`queued`](crate::connection::Connection::queued).
    /// Default 1 MiB.
    pub outbound: usize,
    /// The whole handshake, from connect to the first record. Default 5 s.
    pub handshake: Duration,
    /// Silence after which a ping is sent. Default 30 s.
    pub keepalive: Duration,
    /// Silence after which the peer is given up. Default 75 s.
    pub idle: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            inbound: 16 << 20,
            outbound: 1 << 20,
            handshake: Duration::from_secs(5),
            keepalive: Duration::from_secs(30),
            idle: Duration::from_secs(75),
        }
    }
}

/// Who a program is: a random number of its own, and what it calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Drawn at random once a process; a server that sees its own refuses the connection.
    pub instance: [u8; 16],
    /// Name and version for the other side's log, such as `bulla/0.1.0`; cut to [`MAX_AGENT`] bytes.
    pub agent: String,
}

/// A client's side of a connection.
#[derive(Clone)]
pub struct ClientConfig {
    /// The key shared with the server.
    pub key: Key,
    /// The codecs offered, in order of preference: 1 to [`MAX_CODECS`].
    pub offer: Vec<CodecName>,
    /// The limits wished for.
    pub limits: Limits,
    /// The client's own bounds.
    pub bounds: Bounds,
    /// Who the client is.
    pub identity: Identity,
}

/// A server's side of its connections.
#[derive(Clone)]
pub struct ServerConfig {
    /// The keys accepted.
    pub keys: KeyRing,
    /// The codecs accepted: 1 to [`MAX_CODECS`].
    pub accept: Vec<CodecName>,
    /// The limits wished for.
    pub limits: Limits,
    /// The server's own bounds.
    pub bounds: Bounds,
    /// Who the server is.
    pub identity: Identity,
}

/// What a connection cannot know by itself: entropy and the time at which it starts.
pub struct Start {
    /// Fresh random bytes for this connection alone. Never reuse them: ephemeral keys and IVs come from them.
    pub entropy: [u8; 32],
    /// Now, on the monotonic clock.
    pub now: Instant,
    /// Now, in seconds since 1970-01-01 UTC: written into records, checked by nobody in a live session.
    pub unix_time: u64,
}
