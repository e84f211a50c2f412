//! What all threads of one server share.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bulla_core::codec::{CodecName, CodecRegistry};
use bulla_core::connection::{Bounds, Connection, Limits, ServerConfig, Start};
use bulla_core::intercept::Interceptors;

use crate::capacity::Capacity;
use crate::metrics::Metrics;
use crate::route::{Job, Routes};
use crate::stream_threads::StreamThreads;
use crate::sync::lock;
use crate::workers::Workers;

/// What all threads of one server share.
pub(crate) struct Shared {
    /// What new connections begin with: replaced when the keys are.
    pub(crate) config: Mutex<Arc<ServerConfig>>,
    pub(crate) routes: Routes,
    pub(crate) interceptors: Interceptors,
    pub(crate) codecs: CodecRegistry,
    pub(crate) capacity: Capacity,
    pub(crate) facts: Arc<Facts>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) workers: Workers<Job>,
    /// Threads for handlers of streams, which may take as long as the stream lasts.
    pub(crate) stream_threads: StreamThreads<Job>,
    /// The number of the next connection.
    pub(crate) serials: AtomicU64,
}

impl Shared {
    /// A fresh connection, with randomness of its own.
    pub(crate) fn connection(&self, now: Instant) -> Result<Connection, getrandom::Error> {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy)?;
        let unix_time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let config = Arc::clone(&lock(&self.config));
        Ok(Connection::server(config, Start { entropy, now, unix_time }))
    }

    /// Lets the handlers that run finish, and waits for that no longer than `patience`; `false` if one still runs.
    pub(crate) fn stop_workers(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let done = self.workers.stop(patience);
        self.stream_threads.stop(until.saturating_duration_since(Instant::now())) && done
    }
}

/// What a server can say of itself.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Facts {
    /// The codecs accepted. The client's order of preference decides between them.
    pub codecs: Vec<CodecName>,
    /// The names of the routes, sorted.
    pub routes: Vec<Arc<str>>,
    /// The limits that the server states in handshakes.
    pub limits: Limits,
    /// What one connection may hold.
    pub bounds: Bounds,
    /// What the server takes on.
    pub capacity: Capacity,
    started: Instant,
}

impl Facts {
    pub(crate) fn new(
        codecs: Vec<CodecName>,
        routes: Vec<Arc<str>>,
        limits: Limits,
        bounds: Bounds,
        capacity: Capacity,
    ) -> Self {
        Self { codecs, routes, limits, bounds, capacity, started: Instant::now() }
    }

    /// How long the server has been there.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}
