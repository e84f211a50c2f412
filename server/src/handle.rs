//! A running server, seen from outside.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bulla_core::connection::ServerConfig;
use bulla_core::key::KeyRing;

use crate::acceptor::Order;
use crate::address::Address;
use crate::event_loop::{Mail, Port, after};
use crate::gate::Gate;
use crate::metrics::Snapshot;
use crate::shared::{Facts, Shared};
use crate::sync::lock;

/// How long handlers that run may take to end when the server stops; after that their threads are left to themselves.
const WORKER_PATIENCE: Duration = Duration::from_secs(1);

/// A running server. Dropped, it shuts down.
pub struct ServerHandle {
    control: Control,
    addresses: Vec<Address>,
    threads: Vec<JoinHandle<()>>,
}

/// What can be told to a running server, from any thread: a clone is for the same server.
#[derive(Clone)]
pub struct Control {
    pub(crate) shared: Arc<Shared>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) loops: Vec<Arc<Port>>,
    pub(crate) finish: Arc<Finish>,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every call that had begun was answered.
    Complete,
    /// The deadline came first, or a stop: what still ran was cut off.
    CutOff,
}

impl ServerHandle {
    pub(crate) fn new(control: Control, addresses: Vec<Address>) -> Self {
        Self { control, addresses, threads: Vec::new() }
    }

    pub(crate) fn push(&mut self, thread: JoinHandle<()>) {
        self.threads.push(thread);
    }

    /// Where the server listens, with the ports that the system chose, in the order of the `listen` calls.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The numbers at this moment.
    #[must_use]
    pub fn metrics(&self) -> Snapshot {
        self.control.metrics()
    }

    /// What the server says of itself.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.control.shared.facts
    }

    /// A way to tell the server something from another thread.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Drains: accepts no more, tells every peer so, and waits until the calls that run are answered, or for `patience`.
    pub fn drain(self, patience: Duration) -> Drained {
        self.control.drain(patience);
        self.join()
    }

    /// Waits until the server ends, which another thread brings about through a [`Control`].
    pub fn join(mut self) -> Drained {
        self.control.finish.wait();
        self.end()
    }

    /// Stops at once: every peer gets a CLOSE if it can take it now.
    pub fn shutdown(mut self) {
        self.control.stop();
        self.end();
    }

    fn end(&mut self) -> Drained {
        self.control.gate.acceptor.post(Order::Stop);
        for thread in self.threads.drain(..) {
            // A panic of a thread of ours was reported where it happened.
            let _ = thread.join();
        }
        let idle = self.control.shared.stop_workers(WORKER_PATIENCE);
        if idle && self.control.finish.is_complete() { Drained::Complete } else { Drained::CutOff }
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.control.stop();
            self.end();
        }
    }
}

impl Control {
    /// Begins to drain: accepts no more, tells every peer so, answers the calls that run, and ends; after `patience` at the latest.
    pub fn drain(&self, patience: Duration) {
        let until = after(Instant::now(), patience);
        self.gate.acceptor.post(Order::Stop);
        for port in &self.loops {
            port.post(Mail::Drain { until });
        }
    }

    /// Stops at once.
    pub fn stop(&self) {
        self.gate.acceptor.post(Order::Stop);
        for port in &self.loops {
            port.post(Mail::Stop);
        }
    }

    /// Takes other keys for new connections. Sessions that there are go on.
    pub fn replace_keys(&self, keys: KeyRing) {
        let mut config = lock(&self.shared.config);
        *config = Arc::new(ServerConfig { keys, ..ServerConfig::clone(&config) });
    }

    /// The numbers at this moment.
    #[must_use]
    pub fn metrics(&self) -> Snapshot {
        let stream_threads = self.shared.stream_threads.alive() as u64;
        Snapshot { stream_threads, ..self.shared.metrics.snapshot() }
    }
}

/// Where the loops say that they have ended.
#[derive(Debug)]
pub(crate) struct Finish {
    state: Mutex<Loops>,
    ended: Condvar,
}

#[derive(Debug)]
struct Loops {
    running: usize,
    cut_off: bool,
}

impl Finish {
    pub(crate) fn new(running: usize) -> Self {
        Self { state: Mutex::new(Loops { running, cut_off: false }), ended: Condvar::new() }
    }

    /// A loop ended; `complete` if it left no call unanswered.
    pub(crate) fn count(&self, complete: bool) {
        let mut state = lock(&self.state);
        state.running -= 1;
        state.cut_off |= !complete;
        self.ended.notify_all();
    }

    fn wait(&self) {
        let mut state = lock(&self.state);
        while state.running > 0 {
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn is_complete(&self) -> bool {
        let state = lock(&self.state);
        state.running == 0 && !state.cut_off
    }
}
