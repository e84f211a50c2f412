//! Counters: plain atomics, and a snapshot to look at.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use bulla_core::handshake::HandshakeError;
use bulla_core::status::{Code, Status};
use serde::Serialize;

/// A number that any thread may change.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self, count: u64) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds one unless that exceeds `most`; `false` if it does.
    pub(crate) fn admit(&self, most: u64) -> bool {
        let admitted = |count| (count < most).then_some(count + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admitted).is_ok()
    }
}

/// What a server counts.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) accepted: Counter,
    pub(crate) connections: Counter,
    pub(crate) handshaking: Counter,
    pub(crate) refusing: Counter,
    pub(crate) sessions: Counter,
    pub(crate) sessions_total: Counter,
    pub(crate) refused_busy: Counter,
    pub(crate) slow_closed: Counter,
    pub(crate) protocol_errors: Counter,
    pub(crate) accept_errors: Counter,
    pub(crate) panics: Counter,
    pub(crate) calls_running: Counter,
    pub(crate) streams_running: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_out: Counter,
    pub(crate) queued_bytes: Counter,
    handshakes_failed: [Counter; FAILURES.len()],
    calls: [Counter; OUTCOMES],
}

/// OK, and the status codes behind it.
const OUTCOMES: usize = Code::ALL.len() + 1;

impl Metrics {
    /// Counts a handshake that failed.
    pub(crate) fn handshake_failed(&self, error: &HandshakeError) {
        let name = failure_name(error);
        let place = FAILURES.iter().position(|known| *known == name).expect("failure_name gives names from the list");
        self.handshakes_failed[place].add(1);
    }

    /// Counts a call that ended.
    pub(crate) fn call_ended(&self, outcome: Result<(), &Status>) {
        let number = outcome.err().map_or(0, |status| usize::from(status.code().number()));
        self.calls.get(number).unwrap_or(&self.calls[usize::from(Code::Unknown.number())]).add(1);
    }

    /// The numbers at this moment.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let failures = FAILURES.iter().zip(&self.handshakes_failed);
        let codes = std::iter::once("OK").chain(Code::ALL.iter().map(|code| code.name())).zip(&self.calls);
        Snapshot {
            accepted: self.accepted.value(),
            connections: self.connections.value(),
            handshaking: self.handshaking.value(),
            sessions: self.sessions.value(),
            sessions_total: self.sessions_total.value(),
            refused_busy: self.refused_busy.value(),
            slow_closed: self.slow_closed.value(),
            protocol_errors: self.protocol_errors.value(),
            accept_errors: self.accept_errors.value(),
            panics: self.panics.value(),
            calls_running: self.calls_running.value(),
            streams_running: self.streams_running.value(),
            stream_threads: 0,
            bytes_in: self.bytes_in.value(),
            bytes_out: self.bytes_out.value(),
            queued_bytes: self.queued_bytes.value(),
            handshakes_failed: nonzero(failures.map(|(name, counter)| (*name, counter))),
            calls: nonzero(codes),
        }
    }
}

fn nonzero<'a>(counters: impl Iterator<Item = (&'static str, &'a Counter)>) -> BTreeMap<&'static str, u64> {
    counters.map(|(name, counter)| (name, counter.value())).filter(|(_, count)| *count > 0).collect()
}

/// A server's numbers at one moment. Those that do not say otherwise count since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Sockets accepted.
    pub accepted: u64,
    /// Connections now, those in handshake included.
    pub connections: u64,
    /// Connections in handshake now.
    pub handshaking: u64,
    /// Sessions now: the client's first record opened.
    pub sessions: u64,
    /// Sessions that began.
    pub sessions_total: u64,
    /// Connections refused because there was no room.
    pub refused_busy: u64,
    /// Connections closed because the peer did not read.
    pub slow_closed: u64,
    /// Sessions ended by a broken rule of the protocol or a record that did not open.
    pub protocol_errors: u64,
    /// Times that the system gave no socket, for want of descriptors above all.
    pub accept_errors: u64,
    /// Handlers that panicked.
    pub panics: u64,
    /// Calls that wait for a worker or run, now.
    pub calls_running: u64,
    /// Those of them that are streams.
    pub streams_running: u64,
    /// Threads for handlers of streams, those that wait for work included, now.
    pub stream_threads: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes of requests that wait and of replies that are not sent, now, in all connections.
    pub queued_bytes: u64,
    /// Handshakes that failed, by name. Names without a failure are left out.
    pub handshakes_failed: BTreeMap<&'static str, u64>,
    /// Calls that ended, by status: `OK` or the name of a status code. Those without a call are left out.
    pub calls: BTreeMap<&'static str, u64>,
}

const FAILURES: [&str; 14] = [
    "unknown-key",
    "not-authentic",
    "no-common-codec",
    "version",
    "suite",
    "http",
    "tls",
    "not-bulla",
    "deadline",
    "busy",
    "own-instance",
    "malformed",
    "hung-up",
    "other",
];

/// The name under which a failed handshake is counted.
fn failure_name(error: &HandshakeError) -> &'static str {
    match error {
        HandshakeError::UnknownKey(_) => "unknown-key",
        HandshakeError::OfferNotAuthentic => "not-authentic",
        HandshakeError::NoCommonCodec { .. } => "no-common-codec",
        HandshakeError::Version(_) => "version",
        HandshakeError::Suite(_) => "suite",
        HandshakeError::PeerSpeaksHttp => "http",
        HandshakeError::PeerSpeaksTls => "tls",
        HandshakeError::NotBulla => "not-bulla",
        HandshakeError::Deadline => "deadline",
        HandshakeError::Busy => "busy",
        HandshakeError::OwnInstance => "own-instance",
        HandshakeError::Malformed(_) => "malformed",
        HandshakeError::HungUp => "hung-up",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_name() {
        let metrics = Metrics::default();
        metrics.handshake_failed(&HandshakeError::PeerSpeaksTls);
        metrics.handshake_failed(&HandshakeError::PeerSpeaksTls);
        metrics.call_ended(Ok(()));
        metrics.call_ended(Err(&Status::new(Code::Unauthenticated, "")));
        let snapshot = metrics.snapshot();
        assert_eq!(snapshot.handshakes_failed, BTreeMap::from([("tls", 2)]));
        assert_eq!(snapshot.calls, BTreeMap::from([("OK", 1), ("UNAUTHENTICATED", 1)]));
    }

    #[test]
    fn admits_up_to_the_limit() {
        let counter = Counter::default();
        assert!(counter.admit(2) && counter.admit(2));
        assert!(!counter.admit(2));
        counter.subtract(1);
        assert!(counter.admit(2));
    }
}
