//! The acceptor: one thread that takes connections from all listeners and hands them to the loops in turn.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};

use crate::address::PeerAddress;
use crate::error::StartError;
use crate::event_loop::{Mail, Mailbox, Port};
use crate::gate::Gate;
use crate::listener::Listener;
use crate::socket::Socket;

/// Connections taken from one listener before the next one has its turn.
const BATCH: usize = 64;

/// How long to wait for descriptors, unless a connection closes before.
const RETRY: Duration = Duration::from_millis(100);

/// How long the log is silent about the want of descriptors once it said so.
const SILENCE: Duration = Duration::from_secs(10);

/// The token of the waker; listeners have their index.
const WAKE: Token = Token(usize::MAX);

/// What the acceptor is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// A connection closed: there may be a descriptor again.
    Retry,
    /// Close the listeners and end.
    Stop,
}

/// The acceptor's state.
pub(crate) struct Acceptor {
    poll: Poll,
    gate: Arc<Gate>,
    listeners: Vec<Door>,
    loops: Vec<Arc<Port>>,
    next_loop: usize,
    /// When the log last told of a want of descriptors.
    told: Option<Instant>,
}

/// A listener, and whether connections may wait there: readiness is told once, so it is kept.
struct Door {
    listener: Listener,
    ready: bool,
}

/// A selector and the mailbox that wakes it.
pub(crate) fn selector<T>() -> Result<(Poll, Mailbox<T>), StartError> {
    let poll = Poll::new().map_err(StartError::system("make a selector"))?;
    let waker = Waker::new(poll.registry(), WAKE).map_err(StartError::system("make a waker"))?;
    Ok((poll, Mailbox::new(waker)))
}

impl Acceptor {
    /// Watches the listeners.
    pub(crate) fn new(
        poll: Poll,
        gate: Arc<Gate>,
        listeners: Vec<Listener>,
        loops: Vec<Arc<Port>>,
    ) -> Result<Self, StartError> {
        let mut doors = Vec::with_capacity(listeners.len());
        for (index, mut listener) in listeners.into_iter().enumerate() {
            let watched = listener.register(poll.registry(), Token(index));
            watched.map_err(StartError::system("watch a listener"))?;
            doors.push(Door { listener, ready: false });
        }
        Ok(Self { poll, gate, listeners: doors, loops, next_loop: 0, told: None })
    }

    /// Accepts until it is told to stop.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(64);
        let mut orders = Vec::new();
        let mut wait = None;
        loop {
            let wait_now = if self.gate.acceptor.doze() { wait } else { Some(Duration::ZERO) };
            let polled = self.poll.poll(&mut events, wait_now);
            self.gate.acceptor.rouse();
            if let Err(error) = polled
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!("cannot wait for connections, and accepts no more: {error}");
                return;
            }
            for event in events.iter().filter(|event| event.token() != WAKE) {
                self.listeners[event.token().0].ready = true;
            }
            orders.clear();
            self.gate.acceptor.take(&mut orders);
            if orders.iter().any(|order| matches!(order, Order::Stop)) {
                return;
            }
            wait = self.accept_ready();
        }
    }

    /// Takes what waits, up to a batch from each listener. Gives how long to wait before the next attempt.
    fn accept_ready(&mut self) -> Option<Duration> {
        let mut wait = None;
        for index in 0..self.listeners.len() {
            let mut taken = 0;
            while self.listeners[index].ready && taken < BATCH {
                match self.listeners[index].listener.accept() {
                    Ok((socket, address)) => {
                        self.gate.starving.store(false, Ordering::Relaxed);
                        self.hand_over(socket, address);
                        taken += 1;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.listeners[index].ready = false,
                    Err(error) if is_about_one_connection(&error) => taken += 1,
                    Err(error) => {
                        self.starve(&error);
                        return Some(RETRY);
                    }
                }
            }
            if self.listeners[index].ready {
                wait = Some(Duration::ZERO);
            }
        }
        wait
    }

    /// The readiness stays, the next attempt comes with time or when a connection closes: never at once.
    fn starve(&mut self, error: &io::Error) {
        self.gate.metrics.accept_errors.add(1);
        self.gate.starving.store(true, Ordering::Relaxed);
        if self.told.is_none_or(|told| told.elapsed() >= SILENCE) {
            self.told = Some(Instant::now());
            tracing::warn!("cannot accept a connection: {error}; trying again when one closes, and every {RETRY:?}");
        }
    }

    fn hand_over(&mut self, socket: Socket, address: PeerAddress) {
        let Some(ticket) = self.gate.admit() else { return };
        self.loops[self.next_loop].post(Mail::Connected { socket, address, ticket });
        self.next_loop = (self.next_loop + 1) % self.loops.len();
    }
}

/// Errors of the connection that was about to be accepted, not of the listener: the next one may do better
/// ([accept(2)](https://man7.org/linux/man-pages/man2/accept.2.html), "Error handling").
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::Interrupted
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::HostUnreachable
            | Kind::PermissionDenied
            | Kind::TimedOut
    )
}
