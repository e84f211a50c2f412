//! Bound sockets, of either kind.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use mio::event::Source;
use mio::{Interest, Registry, Token};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::address::{Address, PeerAddress};
use crate::error::ListenError;
use crate::socket::Socket;

/// Connections that the system keeps for us until we accept them.
const BACKLOG: i32 = 1024;

/// A socket that listens.
pub(crate) enum Listener {
    Tcp(mio::net::TcpListener),
    Unix(mio::net::UnixListener, SocketFile),
}

impl Listener {
    /// Binds and listens.
    pub(crate) fn bind(address: &Address) -> Result<Self, ListenError> {
        let bound = match address {
            Address::Tcp(address) => mio::net::TcpListener::bind(*address).map(Self::Tcp),
            Address::Unix(path) => {
                clear_stale(path, address)?;
                bind_unix(path)
            }
        };
        bound.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse(address.clone()),
            kind => ListenError::Refused { address: address.clone(), kind, reason: error.to_string() },
        })
    }

    /// The address, with the port that the system chose.
    pub(crate) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(_, file) => Ok(Address::Unix(file.path.clone())),
        }
    }

    /// Takes the next connection.
    pub(crate) fn accept(&self) -> io::Result<(Socket, PeerAddress)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                // Records are whole when they are written: waiting for more only delays them. A peer that is gone by now is found
                // out when it is read.
                let _ = stream.set_nodelay(true);
                Ok((Socket::Tcp(stream), PeerAddress::Tcp(address)))
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept()?;
                Ok((Socket::Unix(stream), PeerAddress::Unix))
            }
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            Self::Unix(listener, _) => listener.register(registry, token, Interest::READABLE),
        }
    }
}

/// Closed to other users from the first moment: nobody can connect before `listen`.
fn bind_unix(path: &Path) -> io::Result<Listener> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    let file = SocketFile::new(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    rustix::net::listen(&socket, BACKLOG)?;
    let listener = std::os::unix::net::UnixListener::from(socket);
    Ok(Listener::Unix(mio::net::UnixListener::from_std(listener), file))
}

/// Removes the socket file that a dead server left behind. Whether it is dead, a connect tells.
fn clear_stale(path: &Path, address: &Address) -> Result<(), ListenError> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(ListenError::NotASocket(address.clone()));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            // If it cannot be removed, bind says why.
            let _ = fs::remove_file(path);
            Ok(())
        }
        _ => Err(ListenError::InUse(address.clone())),
    }
}

/// The file of a Unix socket: removed when the listener goes, if it is still ours.
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), inode: (metadata.dev(), metadata.ino()) })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours =
            fs::symlink_metadata(&self.path).is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.inode);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("cannot remove {}: {error}", Address::Unix(self.path.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket_path(folder: &tempfile::TempDir) -> (PathBuf, Address) {
        let path = folder.path().join("bulla.sock");
        (path.clone(), Address::Unix(path))
    }

    #[test]
    fn a_unix_socket_is_ours_alone_and_goes_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let (path, address) = socket_path(&folder);
        let listener = Listener::bind(&address).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(matches!(Listener::bind(&address), Err(ListenError::InUse(_))), "a live server keeps its socket");
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_socket_file_is_replaced_and_another_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, address) = socket_path(&folder);
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "the standard library leaves its file behind");
        let listener = Listener::bind(&address).unwrap();
        UnixStream::connect(&path).unwrap();
        drop(listener);
        fs::write(&path, "precious").unwrap();
        assert!(matches!(Listener::bind(&address), Err(ListenError::NotASocket(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn an_address_in_use_says_so() {
        let first = Listener::bind(&"127.0.0.1:0".parse().map(Address::Tcp).unwrap()).unwrap();
        let address = first.address().unwrap();
        assert_eq!(Listener::bind(&address).err(), Some(ListenError::InUse(address)));
    }
}
