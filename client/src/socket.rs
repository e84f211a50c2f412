//! Where a server is, and the non-blocking stream to it: TCP or a Unix socket.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use bulla_core::text::escape;
use mio::{Interest, Registry, Token};

use crate::ConnectError;

/// The longest part of an address that an error shows, in characters.
const MAX_SHOWN: usize = 200;

/// Where a server is: `host:port`, or `unix:/path` for a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `host:port`; the host is a name, an IPv4 address, or an IPv6 address in brackets.
    Tcp(String),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = ConnectError;

    fn from_str(text: &str) -> Result<Self, ConnectError> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
        // An IPv6 address has colons of its own: without brackets, its end would be read as the port.
        let is_host =
            |host: &str| !host.is_empty() && (!host.contains(':') || host.starts_with('[') && host.ends_with(']'));
        match text.rsplit_once(':') {
            Some((host, port)) if is_host(host) && is_port(port) => Ok(Self::Tcp(text.to_owned())),
            _ => Err(ConnectError::Address { text: escape(text, MAX_SHOWN) }),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(&escape(address, MAX_SHOWN)),
            Self::Unix(path) => write!(f, "unix:{}", escape(&path.display(), MAX_SHOWN)),
        }
    }
}

/// A connected stream that never blocks.
pub(crate) enum Socket {
    Tcp(mio::net::TcpStream),
    Unix(mio::net::UnixStream),
}

impl Socket {
    /// Connects; each address that the name stands for is tried, within `timeout` in all.
    pub(crate) fn connect(address: &Address, timeout: Duration) -> Result<Self, ConnectError> {
        match address {
            Address::Tcp(host) => connect_tcp(address, host, timeout),
            Address::Unix(path) => match mio::net::UnixStream::connect(path) {
                Ok(stream) => Ok(Self::Unix(stream)),
                Err(error) => Err(unreachable(address, &error)),
            },
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        match self {
            Self::Tcp(stream) => registry.register(stream, token, both),
            Self::Unix(stream) => registry.register(stream, token, both),
        }
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&mut &*stream).read(buffer),
            Self::Unix(stream) => (&mut &*stream).read(buffer),
        }
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&mut &*stream).write(bytes),
            Self::Unix(stream) => (&mut &*stream).write(bytes),
        }
    }

    /// Says that nothing more will be written.
    pub(crate) fn end_writing(&self) {
        self.shutdown(Shutdown::Write);
    }

    /// Ends both directions: the other side need not wait until the last owner drops this.
    pub(crate) fn shut_down(&self) {
        self.shutdown(Shutdown::Both);
    }

    fn shutdown(&self, how: Shutdown) {
        // An error says that the other side has gone already.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        };
    }
}

fn connect_tcp(address: &Address, host: &str, timeout: Duration) -> Result<Socket, ConnectError> {
    let resolved = host
        .to_socket_addrs()
        .map_err(|error| ConnectError::Resolve { server: address.to_string(), reason: escape(&error, MAX_SHOWN) })?;
    let begin = Instant::now();
    let mut refusal =
        ConnectError::Resolve { server: address.to_string(), reason: "the name has no address".to_owned() };
    for candidate in resolved {
        let left = timeout.saturating_sub(begin.elapsed()).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(&candidate, left).and_then(prepare) {
            Ok(stream) => return Ok(Socket::Tcp(stream)),
            Err(error) => refusal = unreachable(address, &error),
        }
    }
    Err(refusal)
}

fn prepare(stream: TcpStream) -> io::Result<mio::net::TcpStream> {
    // Records are whole when they are written: waiting for more would only delay them.
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(mio::net::TcpStream::from_std(stream))
}

fn unreachable(address: &Address, error: &io::Error) -> ConnectError {
    let server = address.to_string();
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => ConnectError::NoServer { server },
        io::ErrorKind::TimedOut => ConnectError::Timeout { server },
        // On a Unix socket: the queue of those who wait to be accepted is full.
        io::ErrorKind::WouldBlock => ConnectError::Timeout { server },
        _ => ConnectError::Unreachable { server, reason: escape(error, MAX_SHOWN) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parsed_and_shown_as_written() {
        for good in ["127.0.0.1:7411", "[::1]:7411", "db.example:1", "unix:/run/bulla.sock"] {
            assert_eq!(good.parse::<Address>().unwrap().to_string(), good);
        }
        assert_eq!("unix:relative.sock".parse(), Ok(Address::Unix("relative.sock".into())));
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_was_expected() {
        for bad in ["", "localhost", ":7411", "host:", "host:0", "host:70000", "::1:7411", "unix:", "http://x"] {
            let error = bad.parse::<Address>().unwrap_err();
            assert!(error.to_string().contains("host:port or unix:/path"), "{bad}: {error}");
        }
    }
}
