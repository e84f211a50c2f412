//! Why a server did not start.

use std::io;

use bulla_core::codec::RegistryError;

use crate::address::Address;

/// An address that a server cannot listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Not an address.
    #[error("not an address: {0:?}: expected host:port, such as 127.0.0.1:7411, or unix:/path")]
    Malformed(String),
    /// The host of the address has no address.
    #[error("cannot find the address of {address}: {reason}")]
    UnknownHost {
        /// As given.
        address: String,
        /// The system's reason.
        reason: String,
    },
    /// Another program, or another server of ours, listens there.
    #[error("{0} is in use: stop the program that listens there, or listen on another address")]
    InUse(Address),
    /// A file that is no socket is in the way of a Unix socket.
    #[error("{0} is a file, and not a socket: remove it, or listen on another path")]
    NotASocket(Address),
    /// The operating system refused.
    #[error("cannot listen on {address}: {reason}")]
    Refused {
        /// The address.
        address: Address,
        /// The kind of the system's reason.
        kind: io::ErrorKind,
        /// The system's reason.
        reason: String,
    },
}

/// Why a server did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address that the server cannot listen on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Nothing to listen on.
    #[error("no address to listen on: call `listen` before `spawn`")]
    NoAddress,
    /// No keys.
    #[error("no keys: call `keys` before `spawn`")]
    NoKeys,
    /// No codec is linked, or none is left that a config need not name.
    #[error("no codec to accept: link one (`use bulla_codec_json as _;`), or hand over a registry that holds one")]
    NoCodec,
    /// A text that names no codec.
    #[error("not a codec name: {0:?}: expected 1 to 32 characters of a-z 0-9 + . _ -, the first a letter or digit")]
    CodecName(String),
    /// A codec that is to be accepted is not linked, or two codecs have one name.
    #[error(transparent)]
    Codecs(#[from] RegistryError),
    /// More codecs accepted than an answer to a client can list.
    #[error("{0} codecs are accepted, but at most 16 can be: name the ones to accept")]
    TooManyCodecs(usize),
    /// Not the name of a route.
    #[error("not a route: {0:?}: expected 1 to 128 printable ASCII characters without blanks")]
    Route(String),
    /// Two handlers for one route.
    #[error("two handlers for the route {0}: a route has one")]
    DuplicateRoute(String),
    /// A thread, a selector or randomness that the operating system did not give.
    #[error("cannot {action}: {reason}")]
    System {
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        reason: String,
    },
}

impl StartError {
    pub(crate) fn system(action: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::System { action, reason: error.to_string() }
    }
}
