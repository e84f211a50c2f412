//! The line to the servers: the connection that is up, or the one thread that is making it again.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bulla_core::codec::{CodecRegistry, SharedCodec};
use bulla_core::connection::{ClientConfig, Session};
use bulla_core::intercept::Interceptors;

use crate::link::Link;
use crate::socket::Address;
use crate::{ConnectError, Reconnect, drive};

/// A connection that is up, and what was agreed on it.
pub(crate) struct Live {
    /// Which of the line's servers it leads to.
    server: usize,
    pub(crate) address: Address,
    pub(crate) interceptors: Interceptors,
    pub(crate) link: Arc<Link>,
    pub(crate) session: Session,
    pub(crate) codec: SharedCodec,
}

/// Where a client connects to, and with what.
///
/// Of several servers each is as good as the others. They are tried in the order given, beginning with the first, and again beginning
/// behind the one that was lost: so that one which goes away is asked last.
pub(crate) struct Line {
    /// At least one.
    servers: Vec<Address>,
    config: ClientConfig,
    codecs: CodecRegistry,
    interceptors: Interceptors,
    pub(crate) policy: Reconnect,
    state: Mutex<State>,
    /// An attempt ended, or the line was closed.
    changed: Condvar,
}

struct State {
    /// The latest connection; it may be over.
    live: Arc<Live>,
    /// A thread is connecting again; the others wait for it.
    connecting: bool,
    /// How many times connecting again has ended, and how it failed the last time.
    ended: u64,
    failure: Option<ConnectError>,
    closed: bool,
}

impl Line {
    /// Connects for the first time: one attempt at each server, so that a wrong address shows at once.
    pub(crate) fn connect(
        servers: Vec<Address>,
        config: ClientConfig,
        codecs: CodecRegistry,
        interceptors: Interceptors,
        policy: Reconnect,
    ) -> Result<Self, ConnectError> {
        let live = dial_each(&servers, 0, || config.clone(), &codecs, &interceptors)?;
        let state = State { live: Arc::new(live), connecting: false, ended: 0, failure: None, closed: false };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        Ok(Self { servers, config, codecs, interceptors, policy, state, changed })
    }

    /// The address of the server that a connection leads to.
    pub(crate) fn server(&self, live: &Live) -> &Address {
        &self.servers[live.server]
    }

    /// How many more servers there are than one.
    pub(crate) fn alternatives(&self) -> usize {
        self.servers.len() - 1
    }

    /// The latest connection, whatever its state.
    pub(crate) fn latest(&self) -> Arc<Live> {
        Arc::clone(&self.lock().live)
    }

    /// A connection that takes calls: the one that is up, or a new one.
    pub(crate) fn live(&self, until: Option<Instant>) -> Result<Arc<Live>, ConnectError> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Err(ConnectError::Closed);
            }
            if state.live.link.is_usable() {
                return Ok(Arc::clone(&state.live));
            }
            if !state.connecting {
                break;
            }
            let seen = state.ended;
            state = self.wait(state, until)?;
            match &state.failure {
                // Another caller's deadline is not ours.
                Some(ConnectError::Deadline { .. }) | None => {}
                Some(error) if state.ended > seen => return Err(error.clone()),
                Some(_) => {}
            }
        }
        state.connecting = true;
        drop(state);
        let result = self.redial(until);
        let mut state = self.lock();
        state.connecting = false;
        state.ended += 1;
        state.failure = result.as_ref().err().cloned();
        self.changed.notify_all();
        let live = Arc::new(result?);
        state.live = Arc::clone(&live);
        if state.closed {
            live.link.close_soon(Duration::ZERO);
            return Err(ConnectError::Closed);
        }
        Ok(live)
    }

    /// Leaves a server that would rather not: what is under way there goes on, what comes next goes to another one.
    pub(crate) fn leave(&self, live: &Live) {
        live.link.retire();
    }

    /// Refuses further calls; gives the latest connection, to be closed.
    pub(crate) fn close(&self) -> Arc<Live> {
        let mut state = self.lock();
        state.closed = true;
        self.changed.notify_all();
        Arc::clone(&state.live)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        until: Option<Instant>,
    ) -> Result<MutexGuard<'a, State>, ConnectError> {
        let Some(until) = until else { return Ok(self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)) };
        let left = until.saturating_duration_since(Instant::now());
        let (state, waited) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() { Err(self.too_late()) } else { Ok(state) }
    }

    /// Tries until it works, the attempts are used up, the cause is a lasting one, or time is up.
    fn redial(&self, until: Option<Instant>) -> Result<Live, ConnectError> {
        let mut failure = None;
        let next = self.latest().server + 1;
        for attempt in 0..self.policy.attempts {
            self.pause(self.policy.jittered_wait(attempt), until)?;
            match dial_each(&self.servers, next, || self.config_until(until), &self.codecs, &self.interceptors) {
                Err(error) if error.is_transient() => failure = Some(error),
                result => return result,
            }
        }
        Err(failure.unwrap_or_else(|| ConnectError::NotAgain { server: self.names() }))
    }

    /// Sleeps, unless the line is closed or time is up before.
    fn pause(&self, wait: Duration, until: Option<Instant>) -> Result<(), ConnectError> {
        let begin = Instant::now();
        if until.is_some_and(|until| wait >= until.saturating_duration_since(begin)) {
            return Err(self.too_late());
        }
        let mut state = self.lock();
        loop {
            if state.closed {
                return Err(ConnectError::Closed);
            }
            let left = wait.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The config, with no more time for the handshake than the caller has.
    fn config_until(&self, until: Option<Instant>) -> ClientConfig {
        let mut config = self.config.clone();
        if let Some(until) = until {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            config.bounds.handshake = config.bounds.handshake.min(left);
        }
        config
    }

    fn too_late(&self) -> ConnectError {
        ConnectError::Deadline { server: self.names() }
    }

    fn names(&self) -> String {
        self.servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Tries each server once, beginning with number `first`, counted round.
fn dial_each(
    servers: &[Address],
    first: usize,
    config: impl Fn() -> ClientConfig,
    codecs: &CodecRegistry,
    interceptors: &Interceptors,
) -> Result<Live, ConnectError> {
    let mut failures = Vec::new();
    for server in (0..servers.len()).map(|at| (first + at) % servers.len()) {
        match dial(servers, server, &config(), codecs, interceptors) {
            Ok(live) => return Ok(live),
            Err(error) => failures.push(error),
        }
    }
    match failures.pop() {
        Some(only) if failures.is_empty() => Err(only),
        last => Err(ConnectError::NoneOf(failures.into_iter().chain(last).collect())),
    }
}

fn dial(
    servers: &[Address],
    server: usize,
    config: &ClientConfig,
    codecs: &CodecRegistry,
    interceptors: &Interceptors,
) -> Result<Live, ConnectError> {
    let (link, session) = drive::connect(&servers[server], config)?;
    let codec = codecs.require(&session.codec)?.clone();
    let (address, interceptors) = (servers[server].clone(), interceptors.clone());
    Ok(Live { server, address, interceptors, link, session, codec })
}
