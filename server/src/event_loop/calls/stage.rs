//! How far a call is.

use std::sync::Arc;
use std::time::Instant;

use crate::route::{Context, Exchange, Route};

/// How far a call is.
pub(super) enum Stage {
    /// The request is not whole.
    Receiving(Box<Receiving>),
    /// The handler has it, or will.
    Running(Running),
    /// The handler is done and the peer is not: what it still sends is dropped.
    Discarding { deadline: Option<Instant> },
}

pub(super) struct Receiving {
    pub(super) route: Arc<Route>,
    pub(super) context: Context,
    pub(super) request: Option<Vec<u8>>,
}

pub(super) struct Running {
    pub(super) exchange: Arc<Exchange>,
    /// Bytes of replies that are with the connection, each message with its cost.
    pub(super) queued: usize,
    /// The peer sends no more.
    pub(super) peer_done: bool,
}

impl Stage {
    /// Goes on from a whole request, or from none where many are expected.
    pub(super) fn begin(&mut self) -> Option<Receiving> {
        let Self::Receiving(receiving) = self else { return None };
        let exchange = Arc::clone(&receiving.context.exchange);
        let peer_done = !exchange.shape.takes_many();
        match std::mem::replace(self, Self::Running(Running { exchange, queued: 0, peer_done })) {
            Self::Receiving(receiving) => Some(*receiving),
            _ => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Receiving(receiving) => receiving.context.deadline(),
            Self::Running(running) => running.exchange.deadline,
            Self::Discarding { deadline } => *deadline,
        }
    }

    /// Bytes of replies that are with the connection.
    pub(super) fn queued(&self) -> usize {
        if let Self::Running(running) = self { running.queued } else { 0 }
    }

    pub(super) fn exchange(&self) -> Option<&Arc<Exchange>> {
        match self {
            Self::Receiving(receiving) => Some(&receiving.context.exchange),
            Self::Running(running) => Some(&running.exchange),
            Self::Discarding { .. } => None,
        }
    }
}
