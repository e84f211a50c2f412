//! The one place where a socket and a connection meet: waiting for the socket, reading it, and keeping the time.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bulla_core::connection::{ClientConfig, Closed, Connection, Session, Start};
use mio::{Events, Poll, Token, Waker};

use crate::link::Link;
use crate::socket::{Address, Socket};
use crate::{ConnectError, Lost};

const SOCKET: Token = Token(0);
const WAKE: Token = Token(1);

/// What one read takes, in bytes: a record of the longest kind, and a bit.
const SCRATCH: usize = 80 << 10;

/// How long the last bytes may take, and then the other side's end, once a connection is over.
const FAREWELL: Duration = Duration::from_secs(1);

/// Connects, starts the keeper, and waits for the end of the handshake.
pub(crate) fn connect(address: &Address, config: &ClientConfig) -> Result<(Arc<Link>, Session), ConnectError> {
    let mut socket = Socket::connect(address, config.bounds.handshake)?;
    let system = |error: io::Error| ConnectError::System(error.to_string());
    let poll = Poll::new().map_err(system)?;
    socket.register(poll.registry(), SOCKET).map_err(system)?;
    let waker = Waker::new(poll.registry(), WAKE).map_err(system)?;
    let connection = Connection::client(config, start()?);
    let driver = Box::new(Driver { poll, events: Events::with_capacity(8), scratch: vec![0; SCRATCH] });
    let link = Arc::new(Link::new(connection, socket, waker, config.bounds, driver));
    let kept = Arc::clone(&link);
    let thread = std::thread::Builder::new().name("bulla-client".to_owned());
    thread.spawn(move || kept.keep()).map_err(system)?;
    match link.wait_for_session() {
        Ok(session) => Ok((link, session)),
        Err(Lost::Closed(Closed::Handshake(error))) => {
            Err(ConnectError::Handshake { server: address.to_string(), key: config.key.id(), error })
        }
        Err(reason) => Err(ConnectError::Unreachable { server: address.to_string(), reason: reason.to_string() }),
    }
}

fn start() -> Result<Start, ConnectError> {
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy).map_err(|error| ConnectError::System(error.to_string()))?;
    let unix_time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Ok(Start { entropy, now: Instant::now(), unix_time })
}

/// What it takes to wait for a connection's socket and to read it. Each link has one; who holds it reads for all.
pub(crate) struct Driver {
    poll: Poll,
    events: Events,
    scratch: Vec<u8>,
}

impl Driver {
    /// Handles what has come already; `false` if that is nothing.
    pub(crate) fn read_ahead(&mut self, link: &Link) -> bool {
        match link.socket.read(&mut self.scratch) {
            Ok(count @ 1..) => {
                let input = &mut self.scratch[..count];
                link.handle(|connection, now| connection.handle_input(now, input));
                true
            }
            // The end, too, is for those who wait to see.
            _ => false,
        }
    }

    /// Waits for something to happen, until `until` at most, and handles it.
    pub(crate) fn turn(&mut self, link: &Link, until: Option<Instant>) -> io::Result<()> {
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let (mut readable, mut at_end) = (false, false);
        for event in &self.events {
            if event.token() == WAKE {
                link.handle_wake();
                continue;
            }
            at_end |= event.is_read_closed() || event.is_error();
            readable |= event.is_readable() || at_end;
            if event.is_writable() || event.is_error() {
                link.handle_writable();
            }
        }
        // A failed write has often left a last word to read.
        at_end |= link.lock().is_write_failed();
        if readable || at_end {
            self.read(link, at_end);
        } else {
            link.handle(|_, _| {});
        }
        Ok(())
    }

    /// Reads until there is nothing more. A short read says so, too, unless the end may follow it.
    fn read(&mut self, link: &Link, at_end: bool) {
        loop {
            match link.socket.read(&mut self.scratch) {
                Ok(0) => return link.handle(|connection, _| connection.handle_eof()),
                Ok(count) => {
                    let input = &mut self.scratch[..count];
                    link.handle(|connection, now| connection.handle_input(now, input));
                    if count < SCRATCH && !at_end {
                        return;
                    }
                    // Credit must go out, or a long answer would not go on.
                    link.flush_for_all();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let failed = link.lock().is_write_failed();
                    return link.handle(|connection, _| {
                        if failed {
                            connection.handle_eof();
                        }
                    });
                }
                Err(_) => return link.handle(|connection, _| connection.handle_eof()),
            }
        }
    }

    /// Gets the last bytes out, then waits for the other side's end: closing with bytes unread would take back what was written.
    pub(crate) fn farewell(&mut self, link: &Link) {
        let until = Instant::now() + FAREWELL;
        while !link.lock().is_written() {
            if Instant::now() >= until || self.turn(link, Some(until)).is_err() {
                return;
            }
            link.flush_for_all();
        }
        link.socket.end_writing();
        let until = Instant::now() + FAREWELL;
        while Instant::now() < until {
            match link.socket.read(&mut self.scratch) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = until.saturating_duration_since(Instant::now());
                    if self.poll.poll(&mut self.events, Some(left)).is_err() {
                        return;
                    }
                }
                Ok(1..) => {}
                _ => return,
            }
        }
    }
}
