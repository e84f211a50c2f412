//! A plain mio event loop over connections of one kind: the floor that everything else stands on.
//!
//! It reads into one scratch buffer, writes when a threshold is reached or the work is done, and watches for room to write only
//! while output waits for it.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::Error;

const LISTENER: Token = Token(usize::MAX);
const SCRATCH: usize = 64 << 10;

/// How long a client's loop waits for anything to happen before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// One end of a connection, without its socket.
pub(crate) trait End {
    /// Takes bytes from the other side, and may use them up where they are.
    fn handle_input(&mut self, bytes: &mut [u8]) -> Result<(), Error>;

    /// Does one piece of the work that there is; `false` if there is none.
    fn advance(&mut self) -> Result<bool, Error>;

    /// Bytes of output that wait, roughly.
    fn queued(&self) -> usize;

    /// Appends output; `false` if there is none.
    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool;

    /// Whether nothing is left to do.
    fn is_over(&self) -> bool {
        false
    }
}

/// A connection with its socket.
struct Line<E> {
    stream: TcpStream,
    end: E,
    /// Output that the socket did not take yet.
    unsent: Vec<u8>,
    watches_writes: bool,
}

/// The loop.
pub(crate) struct Lines<E> {
    poll: Poll,
    /// By token; one that hung up leaves a gap.
    lines: Vec<Option<Line<E>>>,
    scratch: Vec<u8>,
    threshold: usize,
}

/// Whether a connection stays.
type Stays = bool;

impl<E: End> Lines<E> {
    /// `threshold` is how many bytes of output are worth a write while there is work left.
    pub(crate) fn new(threshold: usize) -> Result<Self, Error> {
        Ok(Self { poll: Poll::new()?, lines: Vec::new(), scratch: vec![0; SCRATCH], threshold })
    }

    /// Serves whoever connects, for ever.
    pub(crate) fn serve(mut self, listener: std::net::TcpListener, make: impl Fn() -> E) -> Result<(), Error> {
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        self.poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let mut events = Events::with_capacity(1024);
        loop {
            self.poll.poll(&mut events, None)?;
            for event in events.iter() {
                if event.token() == LISTENER {
                    while let Ok((stream, _)) = listener.accept() {
                        self.insert(stream, make())?;
                    }
                } else {
                    self.handle(event.token(), event.is_readable(), event.is_writable())?;
                }
            }
        }
    }

    /// Connects once more.
    pub(crate) fn connect(&mut self, address: SocketAddr, end: E) -> Result<(), Error> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nonblocking(true)?;
        self.insert(TcpStream::from_std(stream), end)
    }

    /// Turns until every end is over, and gives them back.
    pub(crate) fn drive(mut self) -> Result<Vec<E>, Error> {
        for slot in 0..self.lines.len() {
            self.handle(Token(slot), false, true)?;
        }
        let mut events = Events::with_capacity(1024);
        while self.lines.iter().flatten().any(|line| !line.end.is_over()) {
            self.poll.poll(&mut events, Some(PATIENCE))?;
            if events.is_empty() {
                return Err("nothing happened for ten seconds".into());
            }
            for event in events.iter() {
                if !self.handle(event.token(), event.is_readable(), event.is_writable())? {
                    return Err("the server hung up".into());
                }
            }
        }
        Ok(self.lines.into_iter().flatten().map(|line| line.end).collect())
    }

    fn insert(&mut self, mut stream: TcpStream, end: E) -> Result<(), Error> {
        stream.set_nodelay(true)?;
        let token = Token(self.lines.len());
        self.poll.registry().register(&mut stream, token, Interest::READABLE)?;
        self.lines.push(Some(Line { stream, end, unsent: Vec::new(), watches_writes: false }));
        Ok(())
    }

    fn handle(&mut self, token: Token, readable: bool, writable: bool) -> Result<Stays, Error> {
        let Some(Some(line)) = self.lines.get_mut(token.0) else { return Ok(true) };
        let mut stays = true;
        if writable {
            line.flush()?;
        }
        if readable {
            stays = line.read(&mut self.scratch, self.threshold)?;
        }
        line.work(self.threshold)?;
        line.flush()?;
        let wanted = !line.unsent.is_empty();
        if wanted != line.watches_writes {
            line.watches_writes = wanted;
            let interest = if wanted { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            self.poll.registry().reregister(&mut line.stream, token, interest)?;
        }
        if !stays {
            self.lines[token.0] = None;
        }
        Ok(stays)
    }
}

impl<E: End> Line<E> {
    /// Reads until there is nothing more; a short read says so.
    fn read(&mut self, scratch: &mut [u8], threshold: usize) -> Result<Stays, Error> {
        loop {
            match self.stream.read(scratch) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    self.end.handle_input(&mut scratch[..count])?;
                    self.work(threshold)?;
                    if count < scratch.len() {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(_) => return Ok(false),
            }
        }
    }

    fn work(&mut self, threshold: usize) -> Result<(), Error> {
        while self.end.advance()? {
            if self.end.queued() >= threshold {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Writes as much as the socket takes.
    fn flush(&mut self) -> Result<(), Error> {
        while !self.unsent.is_empty() || self.end.poll_transmit(&mut self.unsent) {
            match self.stream.write(&self.unsent) {
                Ok(count) if count == self.unsent.len() => self.unsent.clear(),
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // The next read tells.
                Err(_) => {
                    self.unsent.clear();
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
