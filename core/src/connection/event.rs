//! What a connection tells the application.

use crate::codec::CodecName;
use crate::connection::{Closed, Limits};
use crate::status::Status;

/// A stream: odd when the client opened it, even when the server did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(crate) u32);

impl StreamId {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// What both sides agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// The codec of every message.
    pub codec: CodecName,
    /// The limits that hold.
    pub limits: Limits,
    /// What the other side calls itself, escaped.
    pub agent: String,
    /// On a server: the name of the client's key, if it has one.
    pub peer: Option<String>,
}

/// How a stream begins: the first thing that its opener says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Open {
    /// The route asked for: 1 to 128 printable characters of ASCII, without blanks.
    pub route: String,
    /// Milliseconds that the opener waits for an answer; 0 for no deadline.
    pub deadline_ms: u32,
    /// The opener wants no answer.
    pub one_way: bool,
    /// Pairs for the handler: at most 32, keys up to 64 bytes, values up to 1,024.
    pub metadata: Vec<(String, String)>,
}

/// What a connection tells the application, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The handshake is done. On a server: and the client's first record opened, so that nobody replayed it.
    Connected(Session),
    /// The peer opened a stream.
    Opened {
        /// The new stream.
        stream: StreamId,
        /// What the peer asks for.
        open: Open,
    },
    /// A whole message arrived. Hand its length back with [`Connection::consume`](crate::connection::Connection::consume).
    Message {
        /// Its stream.
        stream: StreamId,
        /// The bytes of exactly one value, in the session's codec.
        message: Vec<u8>,
        /// The peer sends no more on this stream.
        last: bool,
    },
    /// The peer sends no more on this stream, and said so without a message.
    Finished {
        /// The stream.
        stream: StreamId,
    },
    /// The peer, or a limit, ended the stream early. Nothing more comes of it.
    Reset {
        /// The stream.
        stream: StreamId,
        /// Why.
        status: Status,
    },
    /// The answer to [`Connection::ping`](crate::connection::Connection::ping).
    Pong([u8; 8]),
    /// The peer serves no stream of ours after this one (0: none); later ones may be retried elsewhere.
    GoAway {
        /// The number of the last stream that it serves.
        last: u32,
    },
    /// The connection is over: the last event.
    Closed(Closed),
}
