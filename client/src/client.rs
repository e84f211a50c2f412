//! The client: calls over one connection from many threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulla_core::codec::DecodeLimits;
use bulla_core::connection::Session;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builder::ClientBuilder;
use crate::call::{CallOptions, Deadline, Kind, Pending, Running};
use crate::line::{Line, Live};
use crate::records::Records;
use crate::slot::Answer;
use crate::{CallError, ConnectError};

/// How long [`Client::close`] waits for calls under way and for its last bytes to be written.
pub const LINGER: Duration = Duration::from_secs(10);

/// A connection to a server. A clone is the same connection; threads share it freely, each with its own calls in flight.
///
/// When the connection is lost, the next call makes another. What was sent is never sent again: such a call fails with
/// [`CallError::MayHaveRun`].
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    line: Line,
    deadline: Option<Duration>,
    decode_limits: DecodeLimits,
}

impl Client {
    /// The settings of a client in the making.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn new(line: Line, deadline: Option<Duration>, decode_limits: DecodeLimits) -> Self {
        Self { inner: Arc::new(Inner { line, deadline, decode_limits }) }
    }

    /// Calls a route and waits for its answer.
    ///
    /// # Errors
    /// [`CallError`]: the server's refusal, a lost connection, a deadline, or a value that the codec cannot carry.
    pub fn call<Req, Res>(&self, route: &str, request: &Req) -> Result<Res, CallError>
    where
        Req: Serialize + ?Sized,
        Res: DeserializeOwned,
    {
        self.call_with(route, request, &CallOptions::new())
    }

    /// As [`call`](Self::call), with a deadline or metadata of its own.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn call_with<Req, Res>(&self, route: &str, request: &Req, options: &CallOptions) -> Result<Res, CallError>
    where
        Req: Serialize + ?Sized,
        Res: DeserializeOwned,
    {
        let deadline = self.deadline(options);
        self.until_sent(deadline, |live| {
            let message = encode(live, route, request)?;
            let mut running = Running::submit(live, route, message, options, deadline, Kind::Call)?;
            let answer = running.wait()?;
            running.decode(&answer, self.inner.decode_limits)
        })
    }

    /// Starts a call without waiting, so that one thread has many in flight. It is on its way within moments, and at once when
    /// somebody [waits](Pending::wait). It waits itself only while as much is under way as both sides agreed.
    ///
    /// # Errors
    /// As [`call`](Self::call), as far as it can be told before the answer.
    pub fn start<Req, Res>(&self, route: &str, request: &Req, options: &CallOptions) -> Result<Pending<Res>, CallError>
    where
        Req: Serialize + ?Sized,
        Res: DeserializeOwned,
    {
        let deadline = self.deadline(options);
        let running = self.until_sent(deadline, |live| {
            let message = encode(live, route, request)?;
            Running::submit(live, route, message, options, deadline, Kind::Soon)
        })?;
        Ok(Pending::new(running, self.inner.decode_limits, self.clone()))
    }

    /// Sends a request that wants no answer. `Ok` says that it is on its way, not that it was served.
    ///
    /// # Errors
    /// As [`call`](Self::call), but nothing of the server.
    pub fn notify<Req: Serialize + ?Sized>(&self, route: &str, request: &Req) -> Result<(), CallError> {
        self.notify_with(route, request, &CallOptions::new())
    }

    /// As [`notify`](Self::notify), with a deadline or metadata of its own.
    ///
    /// # Errors
    /// As [`notify`](Self::notify).
    pub fn notify_with<Req: Serialize + ?Sized>(
        &self,
        route: &str,
        request: &Req,
        options: &CallOptions,
    ) -> Result<(), CallError> {
        let deadline = self.deadline(options);
        self.until_sent(deadline, |live| {
            let message = encode(live, route, request)?;
            Running::submit(live, route, message, options, deadline, Kind::Notify).map(|_| ())
        })
    }

    /// The time that a ping takes to the server and back.
    ///
    /// # Errors
    /// When there is no connection, or no answer within the client's deadline.
    pub fn ping(&self) -> Result<Duration, CallError> {
        let deadline = self.deadline(&CallOptions::new());
        let route = || "ping".to_owned();
        let live = self.inner.line.live(deadline.until())?;
        let begin = Instant::now();
        let (bytes, slot) = live.link.ping().map_err(|reason| CallError::NotSent { route: route(), reason })?;
        match slot.wait(deadline.until()) {
            Some(Answer::Lost { reason, .. }) => Err(CallError::NotSent { route: route(), reason }),
            Some(_) => Ok(begin.elapsed()),
            None => {
                live.link.forget_ping(bytes);
                Err(CallError::Deadline { route: route(), after: begin.elapsed(), sent: true })
            }
        }
    }

    /// What was agreed on the latest connection: codec, limits, and what the server calls itself.
    #[must_use]
    pub fn session(&self) -> Session {
        self.inner.line.latest().session.clone()
    }

    /// The documents that the server keeps in collections.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records::new(self)
    }

    /// Ends the connection in order: new calls are refused, those under way are waited for, then CLOSE is written. After [`LINGER`]
    /// it is over in any case. Dropping the last clone does the same without waiting.
    pub fn close(&self) {
        self.inner.line.close().link.close(LINGER);
    }

    fn deadline(&self, options: &CallOptions) -> Deadline {
        Deadline::start(options.deadline.or(self.inner.deadline))
    }

    /// Runs `attempt` on a connection that is up, and again on another as long as nothing of the call was sent.
    fn until_sent<T>(
        &self,
        deadline: Deadline,
        attempt: impl Fn(&Arc<Live>) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let line = &self.inner.line;
        let mut tries = 0;
        loop {
            let live = line.live(deadline.until())?;
            match attempt(&live) {
                Err(CallError::NotSent { .. }) if tries < line.policy.attempts => tries += 1,
                result => return result,
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.line.close().link.close_soon(LINGER);
    }
}

fn encode<Req: Serialize + ?Sized>(live: &Live, route: &str, request: &Req) -> Result<Vec<u8>, CallError> {
    live.codec.encode_to_vec(request).map_err(|error| CallError::Encode {
        route: bulla_core::text::escape(route, 128),
        codec: live.session.codec,
        error,
    })
}

/// Fails to compile if a client cannot be shared by threads.
const _: () = {
    const fn shared<T: Send + Sync + Clone>() {}
    shared::<Client>();
    const fn error<T: Send + Sync + std::error::Error + 'static>() {}
    error::<ConnectError>();
    error::<CallError>();
};
