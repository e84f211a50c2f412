//! What a handler may know of its call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulla_core::codec::{CodecName, SharedCodec};
use bulla_core::connection::{Limits, Session};

use crate::address::PeerAddress;
#[cfg(feature = "files")]
use crate::event_loop::PeerKey;
use crate::route::{Exchange, Flow};
use crate::shared::Facts;

/// What a handler may know of its call: who asks, for what, and how long the answer is waited for. The codec is there for logs
/// alone; a handler never has to care.
#[derive(Clone)]
pub struct Context {
    pub(crate) session: Arc<SessionFacts>,
    pub(crate) route: Arc<str>,
    pub(crate) one_way: bool,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) server: Arc<Facts>,
}

/// What all calls of a session have in common.
pub(crate) struct SessionFacts {
    pub(crate) peer: Option<Arc<str>>,
    pub(crate) agent: String,
    pub(crate) address: PeerAddress,
    pub(crate) codec: SharedCodec,
    pub(crate) limits: Limits,
    pub(crate) flow: Flow,
    /// How many bytes of a peer's messages are worth granting again: what streams hold back of it is a fraction of what the
    /// connection may hold.
    pub(crate) worth_granting: usize,
}

/// Who a peer is where its share is counted: all connections of one name are one peer. A key without a name may be anybody's, so each
/// of its connections is one.
#[cfg(feature = "files")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum PeerId {
    Name(Arc<str>),
    Connection(PeerKey),
}

impl SessionFacts {
    pub(crate) fn new(session: Session, address: PeerAddress, codec: SharedCodec, server: &Facts) -> Self {
        let limits = session.limits;
        let (credit, streams) = (limits.credit as usize, limits.streams as usize);
        // Streams leave the other half of what may be unsent to calls.
        let flow = Flow::new(credit, server.bounds.outbound / 2, server.capacity.unsent_per_connection);
        let worth_granting = (credit / 4).min(server.bounds.inbound / 4 / streams.max(1));
        Self { peer: session.peer.map(Arc::from), agent: session.agent, address, codec, limits, flow, worth_granting }
    }
}

impl Context {
    /// The name of the key that the peer holds: its identity. `None` for a key without a name.
    #[must_use]
    pub fn peer(&self) -> Option<&str> {
        self.session.peer.as_deref()
    }

    #[cfg(feature = "files")]
    pub(crate) fn peer_id(&self) -> PeerId {
        self.session.peer.clone().map_or(PeerId::Connection(self.exchange.peer), PeerId::Name)
    }

    /// Where the peer comes from.
    #[must_use]
    pub fn peer_address(&self) -> PeerAddress {
        self.session.address
    }

    /// What the peer's program calls itself, escaped: a claim, not an identity.
    #[must_use]
    pub fn agent(&self) -> &str {
        &self.session.agent
    }

    /// The codec that the session speaks.
    #[must_use]
    pub fn codec(&self) -> CodecName {
        self.session.codec.name()
    }

    /// The longest message that both sides agreed on, in bytes, as the codec writes it.
    #[must_use]
    pub fn max_message(&self) -> usize {
        self.session.limits.message as usize
    }

    /// The route that was asked for.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// When the peer stops waiting for the answer, if it said so.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.exchange.deadline
    }

    /// What is left until the deadline: zero when it has passed, `None` without one.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Whether the peer wants no answer.
    #[must_use]
    pub fn is_one_way(&self) -> bool {
        self.one_way
    }

    /// The pairs that the peer sent along, in its order. They are the peer's words: escape them before they reach a log.
    #[must_use]
    pub fn metadata(&self) -> &[(String, String)] {
        &self.metadata
    }

    /// The first metadata value with this key.
    #[must_use]
    pub fn metadata_value(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether the peer gave up or is gone, or the deadline passed: the answer goes nowhere.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.exchange.is_cancelled()
    }

    /// Runs `callback` when the call [is cancelled](Self::is_cancelled): at once, if it is; never, if it ends before. It runs on the
    /// connection's event loop: let it be brief, as by waking whoever works for the call.
    pub fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) {
        self.exchange.on_cancel(Box::new(callback));
    }

    /// Whether the server drains: it waits for the calls that run, until its patience ends. A stream without an end of its own should
    /// end now.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.exchange.is_draining()
    }

    /// Runs `callback` when the server begins to [drain](Self::is_draining): at once, if it does; never, if the call ends before.
    /// It runs on the connection's event loop: let it be brief.
    pub fn on_drain(&self, callback: impl FnOnce() + Send + 'static) {
        self.exchange.on_drain(Box::new(callback));
    }

    /// What the server says of itself.
    #[must_use]
    pub fn server(&self) -> &Facts {
        &self.server
    }
}
