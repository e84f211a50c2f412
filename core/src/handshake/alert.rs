//! The alert: one byte in clear from a server that cannot answer. A hint for the human, trusted for nothing else.

use crate::handshake::HandshakeError;

/// What a server says in place of message 2. Every alert is above 127, no first byte of a message 2 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Alert {
    UnknownKey = 0x81,
    BadSeal = 0x82,
    Version = 0x83,
    Busy = 0x84,
    Deadline = 0x85,
    Malformed = 0x86,
}

impl Alert {
    /// The alert for an error that the server met before message 1 was authentic; none for peers that speak something else.
    pub(crate) fn for_error(error: &HandshakeError) -> Option<Self> {
        Some(match error {
            HandshakeError::UnknownKey(_) => Self::UnknownKey,
            HandshakeError::OfferNotAuthentic => Self::BadSeal,
            HandshakeError::Version(_) | HandshakeError::Suite(_) => Self::Version,
            HandshakeError::Busy => Self::Busy,
            HandshakeError::Deadline => Self::Deadline,
            HandshakeError::Malformed(_) => Self::Malformed,
            _ => return None,
        })
    }

    /// What a client makes of the first byte of an answer; `None` if it is no alert.
    pub(crate) fn parse(byte: u8) -> Option<HandshakeError> {
        Some(match byte {
            0x81 => HandshakeError::KeyRefused,
            0x82 => HandshakeError::OfferRefused,
            0x83 => HandshakeError::VersionRefused,
            0x84 => HandshakeError::Busy,
            0x85 => HandshakeError::DeadlineAtServer,
            0x86 => HandshakeError::OfferRefused,
            _ => return None,
        })
    }
}
