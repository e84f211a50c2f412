//! The one place where a socket and a connection meet: a thread that reads, keeps the time, and writes what callers leave.

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

/// Connects, starts the driver, and waits for the end of the handshake.
pub(crate) fn connect(address: &Address, config: &ClientConfig) -> Result<(Arc<Link>, Session), ConnectError> {
    let mut socket = Socket::connect(address, config.bounds.handshake)?;
    let system = |error: io::Error| ConnectError::System(error.to_string());
    let poll = Poll::new().map_err(system)?;
    socket.register(poll.registry(), SOCKET).map_err(system)?;
    let waker = Waker::new(poll.registry(), WAKE).map_err(system)?;
    let connection = Connection::client(config, start()?);
    let link = Arc::new(Link::new(connection, socket, waker, config.bounds));
    let driven = Arc::clone(&link);
    let thread = std::thread::Builder::new().name("bulla-client".to_owned());
    thread.spawn(move || Driver { link: driven, poll, scratch: vec![0; SCRATCH] }.run()).map_err(system)?;
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

struct Driver {
    link: Arc<Link>,
    poll: Poll,
    scratch: Vec<u8>,
}

impl Driver {
    fn run(mut self) {
        let _ending = Ending(Arc::clone(&self.link));
        let mut events = Events::with_capacity(8);
        while !self.is_over() {
            let until = self.link.poll_timeout();
            if self.turn(&mut events, until).is_err() {
                return;
            }
        }
        self.farewell(&mut events);
    }

    /// Writes what is left, and learns whether the connection is over.
    fn is_over(&self) -> bool {
        self.link.flush();
        let unseen = {
            let state = self.link.lock();
            state.connection.is_over() && state.over.is_none()
        };
        if unseen {
            // CLOSE has been sealed, by us or by a caller: its event waits.
            self.link.handle(|_| {});
        }
        self.link.lock().over.is_some()
    }

    /// Waits for something to happen, until `until` at most, and handles it.
    fn turn(&mut self, events: &mut Events, until: Option<Instant>) -> io::Result<()> {
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let (mut readable, mut at_end) = (false, false);
        for event in events.iter() {
            if event.token() == WAKE {
                self.link.handle_wake();
                continue;
            }
            at_end |= event.is_read_closed() || event.is_error();
            readable |= event.is_readable() || at_end;
            if event.is_writable() || event.is_error() {
                self.link.handle_writable();
            }
        }
        // A failed write has often left a last word to read.
        at_end |= self.link.lock().is_write_failed();
        if readable || at_end {
            self.read(at_end);
        } else {
            self.link.handle(|_| {});
        }
        Ok(())
    }

    /// Reads until there is nothing more. A short read says so, too, unless the end may follow it.
    fn read(&mut self, at_end: bool) {
        loop {
            match self.link.socket.read(&mut self.scratch) {
                Ok(0) => return self.link.handle(Connection::handle_eof),
                Ok(count) => {
                    let input = &mut self.scratch[..count];
                    self.link.handle(|connection| connection.handle_input(Instant::now(), input));
                    if count < SCRATCH && !at_end {
                        return;
                    }
                    // Credit must go out, or a long answer would not go on.
                    self.link.flush();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let failed = self.link.lock().is_write_failed();
                    return self.link.handle(|connection| {
                        if failed {
                            connection.handle_eof();
                        }
                    });
                }
                Err(_) => return self.link.handle(Connection::handle_eof),
            }
        }
    }

    /// Gets the last bytes out, then waits for the other side's end: closing with bytes unread would take back what was written.
    fn farewell(&mut self, events: &mut Events) {
        let until = Instant::now() + FAREWELL;
        while !self.link.lock().is_written() {
            if Instant::now() >= until || self.turn(events, Some(until)).is_err() {
                return;
            }
            self.link.flush();
        }
        self.link.socket.end_writing();
        let until = Instant::now() + FAREWELL;
        while Instant::now() < until {
            match self.link.socket.read(&mut self.scratch) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.poll.poll(events, Some(until.saturating_duration_since(Instant::now()))).is_err() {
                        return;
                    }
                }
                Ok(1..) => {}
                _ => return,
            }
        }
    }
}

/// Fails whoever still waits when the driver is gone, for whatever reason.
struct Ending(Arc<Link>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end(&Lost::Abandoned);
        self.0.socket.shut_down();
    }
}
