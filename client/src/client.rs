//! The client: calls over one connection from many threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulla_core::codec::DecodeLimits;
use bulla_core::connection::Session;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builder::ClientBuilder;
use crate::call::{CallOptions, Deadline};
use crate::inbox::{End, Mail};
use crate::line::{Line, Live};
use crate::records::Records;
use crate::stream::{Answer, Incoming, Outgoing, Pending, Shape, Stream, Upload, encode};
use crate::{Address, CallError, ConnectError};

/// How long [`Client::close`] waits for calls under way and for its last bytes to be written.
pub const LINGER: Duration = Duration::from_secs(10);

/// A connection to a server. A clone is the same connection; threads share it freely, each with its own calls in flight.
///
/// When the connection is lost, the next call makes another. What may have run is never sent again: such a call fails with
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
            let stream = Stream::open(live, route, Shape::Call, Some(message), options, (deadline, deadline))?;
            Answer::new(stream).wait(self.inner.decode_limits)
        })
    }

    /// Starts a call without waiting, so that one thread has many in flight. It is on its way at once if it is the only one, and else
    /// within moments, together with what follows, or when somebody [waits](Pending::wait). It waits itself only while as much is under
    /// way as both sides agreed.
    ///
    /// # Errors
    /// As [`call`](Self::call), as far as it can be told before the answer.
    pub fn start<Req, Res>(&self, route: &str, request: &Req, options: &CallOptions) -> Result<Pending<Res>, CallError>
    where
        Req: Serialize + ?Sized,
        Res: DeserializeOwned,
    {
        let deadline = self.deadline(options);
        let stream = self.until_sent(deadline, |live| {
            let message = encode(live, route, request)?;
            Stream::open(live, route, Shape::Start, Some(message), options, (deadline, deadline))
        })?;
        Ok(Pending::new(stream, self.inner.decode_limits, self.clone()))
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
            Stream::open(live, route, Shape::Notify, Some(message), options, (deadline, deadline)).map(|_| ())
        })
    }

    /// Sends one request, and gives the answers as they come: a server stream.
    ///
    /// A stream has no deadline but the one in its options, which holds for all of it; the client's own bounds the wait for a
    /// connection alone.
    ///
    /// # Errors
    /// As [`call`](Self::call), as far as it can be told before the first answer.
    pub fn server_stream<Req, Res>(
        &self,
        route: &str,
        request: &Req,
        options: &CallOptions,
    ) -> Result<Incoming<Res>, CallError>
    where
        Req: Serialize + ?Sized,
        Res: DeserializeOwned,
    {
        let deadlines = self.stream_deadlines(options);
        let stream = self.until_sent(deadlines.0, |live| {
            let message = encode(live, route, request)?;
            Stream::open(live, route, Shape::ServerStream, Some(message), options, deadlines)
        })?;
        Ok(Incoming::new(stream, self.inner.decode_limits, self.clone()))
    }

    /// Opens a stream of requests that has one answer: a client stream. For its deadline, see [`server_stream`](Self::server_stream).
    ///
    /// # Errors
    /// When there is no connection, or the route is none.
    pub fn client_stream<Req, Res>(&self, route: &str, options: &CallOptions) -> Result<Upload<Req, Res>, CallError>
    where
        Req: Serialize + ?Sized,
        Res: DeserializeOwned,
    {
        let stream = self.open(route, Shape::ClientStream, options)?;
        let answer = Pending::new(stream.clone(), self.inner.decode_limits, self.clone());
        Ok(Upload::new(Outgoing::new(stream, self.clone()), answer))
    }

    /// Opens a stream on which both sides send as they like: the halves are independent, and each may have a thread of its own. For
    /// its deadline, see [`server_stream`](Self::server_stream).
    ///
    /// # Errors
    /// When there is no connection, or the route is none.
    pub fn duplex<Req, Res>(
        &self,
        route: &str,
        options: &CallOptions,
    ) -> Result<(Outgoing<Req>, Incoming<Res>), CallError>
    where
        Req: Serialize + ?Sized,
        Res: DeserializeOwned,
    {
        let stream = self.open(route, Shape::Duplex, options)?;
        let outgoing = Outgoing::new(stream.clone(), self.clone());
        Ok((outgoing, Incoming::new(stream, self.inner.decode_limits, self.clone())))
    }

    fn open(&self, route: &str, shape: Shape, options: &CallOptions) -> Result<Stream, CallError> {
        let deadlines = self.stream_deadlines(options);
        self.until_sent(deadlines.0, |live| Stream::open(live, route, shape, None, options, deadlines))
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
        let (bytes, inbox) = live.link.ping().map_err(|reason| CallError::NotSent { route: route(), reason })?;
        live.link.wait_for_mail(&inbox, deadline.until());
        match inbox.take() {
            Some(Mail::End(End::Lost { reason, .. })) => Err(CallError::NotSent { route: route(), reason }),
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

    /// Where the latest connection leads to.
    #[must_use]
    pub fn server(&self) -> Address {
        let line = &self.inner.line;
        line.server(&line.latest()).clone()
    }

    /// The files that the server keeps in a folder.
    #[cfg(feature = "files")]
    #[must_use]
    pub fn files(&self) -> crate::files::Files<'_> {
        crate::files::Files::new(self)
    }

    /// The documents that the server keeps in collections.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records::new(self)
    }

    /// Ends every call and stream under way, on both sides: whoever waits for them has [`CallError::Cancelled`]. The connection goes on.
    pub fn cancel_all(&self) {
        self.inner.line.latest().link.give_up_all();
    }

    /// Ends the connection in order: new calls are refused, calls and streams under way are waited for, then CLOSE is written. After
    /// [`LINGER`] it is over in any case; [`cancel_all`](Self::cancel_all) before it saves that wait for a stream that has no end.
    /// Dropping the last clone, streams included, does the same without waiting.
    pub fn close(&self) {
        self.inner.line.close().link.close(LINGER);
    }

    fn deadline(&self, options: &CallOptions) -> Deadline {
        Deadline::start(options.deadline.or(self.inner.deadline))
    }

    /// The time to open a stream, and the time of all of it.
    fn stream_deadlines(&self, options: &CallOptions) -> (Deadline, Deadline) {
        (self.deadline(options), Deadline::start(options.deadline))
    }

    /// Runs `attempt` on a connection that is up, and again on another as long as nothing of the call was sent, or the server says
    /// that it did not start. A server that merely has no room is asked no second time.
    fn until_sent<T>(
        &self,
        deadline: Deadline,
        attempt: impl Fn(&Arc<Live>) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let line = &self.inner.line;
        let (mut tries, mut refusals) = (0, 0);
        loop {
            let live = line.live(deadline.until())?;
            match attempt(&live) {
                Err(CallError::NotSent { .. }) if tries < line.policy.attempts => tries += 1,
                Err(CallError::Status { status, .. })
                    if status.is_not_started() && refusals < line.alternatives() && line.policy.attempts > 0 =>
                {
                    refusals += 1;
                    line.leave(&live);
                }
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

/// Fails to compile if a client cannot be shared by threads.
const _: () = {
    const fn shared<T: Send + Sync + Clone>() {}
    shared::<Client>();
    const fn movable<T: Send>() {}
    movable::<Incoming<String>>();
    movable::<Outgoing<str>>();
    movable::<Upload<str, String>>();
    const fn error<T: Send + Sync + std::error::Error + 'static>() {}
    error::<ConnectError>();
    error::<CallError>();
};
