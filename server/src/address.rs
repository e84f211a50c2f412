//! Where a server listens, and where a peer comes from.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use bulla_core::text::escape;
use serde::Serialize;

use crate::error::ListenError;

/// What comes before the path of a Unix socket.
const UNIX: &str = "unix:";

/// The longest part of an address that an error shows, in characters.
pub(crate) const MAX_SHOWN: usize = 200;

/// Where a server listens: a TCP address, or the path of a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IP address and a port; port 0 lets the system choose one.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Parses `127.0.0.1:7411`, `[::1]:7411`, `localhost:7411` (every address that the name has) or `unix:/run/bulla.sock`.
    ///
    /// # Errors
    /// [`ListenError::Malformed`] or [`ListenError::UnknownHost`].
    pub fn parse(text: &str) -> Result<Vec<Self>, ListenError> {
        let shown = || escape(text, MAX_SHOWN);
        if let Some(path) = text.strip_prefix(UNIX) {
            let whole = !path.is_empty() && !path.contains('\0');
            return if whole { Ok(vec![Self::Unix(path.into())]) } else { Err(ListenError::Malformed(shown())) };
        }
        if let Ok(address) = text.parse() {
            return Ok(vec![Self::Tcp(address)]);
        }
        let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
        if !matches!(port, Some(Ok(_))) {
            return Err(ListenError::Malformed(shown()));
        }
        match text.to_socket_addrs() {
            Ok(found) => Ok(found.map(Self::Tcp).collect()),
            Err(error) => Err(ListenError::UnknownHost { address: shown(), reason: error.to_string() }),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", escape(&path.display(), MAX_SHOWN)),
        }
    }
}

/// Where a peer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddress {
    /// Over TCP, from this address.
    Tcp(SocketAddr),
    /// Over a Unix socket of this machine.
    Unix,
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["127.0.0.1:7411", "[::1]:0", "unix:/run/bulla.sock"] {
            let addresses = Address::parse(text).unwrap();
            assert_eq!(addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
        }
        assert!(Address::parse("localhost:7411").unwrap().iter().all(|address| matches!(address, Address::Tcp(_))));
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in ["", "7411", ":7411", "localhost", "localhost:http", "127.0.0.1:70000", "unix:", "unix:a\0b"] {
            assert!(matches!(Address::parse(text), Err(ListenError::Malformed(_))), "{text:?}");
        }
    }
}
