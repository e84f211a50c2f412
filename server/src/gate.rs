//! Who is let in: the caps on connections, and the tickets that count them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::acceptor::Order;
use crate::capacity::Capacity;
use crate::event_loop::Mailbox;
use crate::metrics::Metrics;

/// Connections that are told at once that there is no room; beyond that, sockets are closed without a word.
const MAX_REFUSING: u64 = 256;

/// Counts who is in, and tells the acceptor when somebody leaves.
pub(crate) struct Gate {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) capacity: Capacity,
    /// The acceptor waits for a descriptor.
    pub(crate) starving: AtomicBool,
    pub(crate) acceptor: Mailbox<Order>,
}

impl Gate {
    /// A ticket for a new connection; `None` if it cannot even be told that there is no room.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Ticket> {
        let metrics = &self.metrics;
        metrics.accepted.add(1);
        let stage = if !metrics.connections.admit(self.capacity.connections.into()) {
            self.refuse()?
        } else if metrics.handshaking.admit(self.capacity.handshakes.into()) {
            Stage::Handshaking
        } else {
            metrics.connections.subtract(1);
            self.refuse()?
        };
        Some(Ticket { gate: Arc::clone(self), stage })
    }

    fn refuse(&self) -> Option<Stage> {
        self.metrics.refused_busy.add(1);
        self.metrics.refusing.admit(MAX_REFUSING).then_some(Stage::Refused)
    }
}

/// A connection's place among all: given back when dropped.
pub(crate) struct Ticket {
    gate: Arc<Gate>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Refused,
    Handshaking,
    Established,
}

impl Ticket {
    /// Whether the connection is only there to be told that there is no room.
    pub(crate) fn is_refusal(&self) -> bool {
        self.stage == Stage::Refused
    }

    /// The handshake is done: a session begins.
    pub(crate) fn establish(&mut self) {
        if self.stage == Stage::Handshaking {
            self.gate.metrics.handshaking.subtract(1);
            self.gate.metrics.sessions.add(1);
            self.gate.metrics.sessions_total.add(1);
            self.stage = Stage::Established;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let metrics = &self.gate.metrics;
        match self.stage {
            Stage::Refused => metrics.refusing.subtract(1),
            Stage::Handshaking => metrics.handshaking.subtract(1),
            Stage::Established => metrics.sessions.subtract(1),
        }
        if self.stage != Stage::Refused {
            metrics.connections.subtract(1);
        }
        if self.gate.starving.swap(false, Ordering::Relaxed) {
            self.gate.acceptor.post(Order::Retry);
        }
    }
}

#[cfg(test)]
mod tests {
    use mio::{Poll, Token, Waker};

    use super::*;

    fn gate(connections: u32, handshakes: u32) -> Arc<Gate> {
        let poll = Poll::new().unwrap();
        let acceptor = Mailbox::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let capacity = Capacity { connections, handshakes, ..Capacity::default() };
        Arc::new(Gate { metrics: Arc::default(), capacity, starving: AtomicBool::new(false), acceptor })
    }

    #[test]
    fn a_place_is_free_again_when_its_ticket_goes() {
        let gate = gate(2, 1);
        let mut first = gate.admit().unwrap();
        assert!(!first.is_refusal());
        assert!(gate.admit().unwrap().is_refusal(), "one handshake at a time");
        first.establish();
        let second = gate.admit().unwrap();
        assert!(!second.is_refusal());
        assert!(gate.admit().unwrap().is_refusal(), "two connections at a time");
        drop(first);
        drop(second);
        let snapshot = gate.metrics.snapshot();
        assert_eq!((snapshot.connections, snapshot.handshaking, snapshot.sessions), (0, 0, 0));
        assert_eq!((snapshot.accepted, snapshot.refused_busy, snapshot.sessions_total), (4, 2, 1));
    }

    #[test]
    fn refusals_are_bounded_too() {
        let gate = gate(0, 0);
        let tickets: Vec<_> = (0..300).map_while(|_| gate.admit()).collect();
        assert_eq!(tickets.len() as u64, MAX_REFUSING);
    }

    #[test]
    fn a_ticket_that_goes_rouses_a_starving_acceptor_once() {
        let gate = gate(9, 9);
        let tickets = [gate.admit(), gate.admit()];
        gate.starving.store(true, Ordering::Relaxed);
        drop(tickets);
        let mut orders = Vec::new();
        gate.acceptor.take(&mut orders);
        assert!(matches!(orders[..], [Order::Retry]));
    }
}
