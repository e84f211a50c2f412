//! Why a connection ended: one name for each way.

use crate::handshake::HandshakeError;
use crate::record::OpenError;

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// This side closed it in order.
    #[error("closed by this side")]
    Local,
    /// The other side closed it in order.
    #[error("closed by the other side")]
    Peer,
    /// The session never began.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// A record that did not open: damaged, replayed, reordered, dropped or reflected on the way.
    #[error("record refused: {0}")]
    Record(#[from] OpenError),
    /// The other side broke the protocol.
    #[error("the other side broke the protocol: {0}")]
    Violation(#[from] Violation),
    /// The other side says that this side broke the protocol, or that it failed.
    #[error("the other side gave up: {0}")]
    PeerGaveUp(String),
    /// The input ended without a CLOSE: cut off by the network, or the other side died.
    #[error("the connection was cut off: the other side died, or the network did")]
    Truncated,
    /// Nothing came for longer than the idle bound, not even an answer to a ping.
    #[error("the other side has been silent for too long")]
    Silent,
}

/// A rule of the protocol that the other side broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A frame is longer than what is left of its record.
    #[error("a frame ends outside its record")]
    FrameLength,
    /// A frame of an unknown kind that may not be skipped.
    #[error("unknown frame kind {0}")]
    FrameKind(u8),
    /// A payload that does not parse as its kind demands.
    #[error("malformed {0} frame")]
    Malformed(&'static str),
    /// A stream number that the other side may not open, or not in this order.
    #[error("illegal stream number {0}")]
    StreamNumber(u32),
    /// A frame for a stream that was never opened.
    #[error("{0} for stream {1}, which was never opened")]
    IdleStream(&'static str, u32),
    /// More streams at once than agreed.
    #[error("more than {0} streams at once")]
    TooManyStreams(u32),
    /// More bytes on a stream than granted.
    #[error("more bytes on stream {0} than granted")]
    Credit(u32),
    /// Data on a stream after its end.
    #[error("data on stream {0} after its end")]
    AfterEnd(u32),
    /// A stream's end inside a message.
    #[error("stream {0} ends inside a message")]
    EndInsideMessage(u32),
    /// A message longer than agreed.
    #[error("a message of more than {0} bytes")]
    MessageLength(u32),
    /// Too many frames that cost their sender nothing.
    #[error("a flood of {0} frames")]
    Flood(&'static str),
}

/// A command that a connection did not carry out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The handshake is not done.
    #[error("not connected yet")]
    NotConnected,
    /// The connection is over.
    #[error("the connection is over")]
    Over,
    /// One side said that it serves no new streams.
    #[error("the connection is going away and takes no new calls")]
    GoingAway,
    /// The stream is over, or never was.
    #[error("no such stream")]
    UnknownStream,
    /// This side of the stream has ended.
    #[error("this side of the stream has ended")]
    Finished,
    /// As many streams are open as agreed.
    #[error("{0} streams are open, as many as agreed")]
    TooManyStreams(u32),
    /// All stream numbers were used: reconnect.
    #[error("all stream numbers of this connection are used up")]
    StreamsUsedUp,
    /// The message is longer than agreed.
    #[error("a message of {length} bytes is longer than the {limit} agreed")]
    MessageTooLong {
        /// The message's length, in bytes.
        length: usize,
        /// The longest message agreed, in bytes.
        limit: u32,
    },
    /// A route is 1 to 128 printable characters of ASCII, without blanks.
    #[error("a route is 1 to 128 printable ASCII characters without blanks")]
    Route,
    /// Too many or too long metadata pairs.
    #[error("metadata is at most 32 pairs, keys of 64 and values of 1,024 bytes")]
    Metadata,
}
