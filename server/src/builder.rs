//! Building a server: what it listens on, who may connect, what it answers.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use bulla_core::codec::{CodecName, CodecRegistry};
use bulla_core::connection::{Bounds, Identity, Limits, MAX_CODECS, ServerConfig};
use bulla_core::intercept::{Interceptor, Interceptors};
use bulla_core::key::KeyRing;
use bulla_core::status::Status;
use bulla_core::text::escape;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::acceptor::{Acceptor, selector};
use crate::address::{Address, MAX_SHOWN};
use crate::capacity::Capacity;
use crate::error::{ListenError, StartError};
use crate::event_loop::{EventLoop, Port};
use crate::gate::Gate;
use crate::handle::{Control, Finish, ServerHandle};
use crate::listener::Listener;
use crate::metrics::Metrics;
use crate::route::{
    ClientStream, Context, Deferred, Duplex, Handler, Job, Place, Replies, Requests, Responder, Routes, ServerStream,
    Shape, Unary,
};
use crate::services::Service;
use crate::shared::{Facts, Shared};
use crate::stream_threads::StreamThreads;
use crate::workers::{Plan, Workers};

/// Fewer workers would let two handlers that wait stall all others.
const MIN_WORKERS: usize = 4;

/// A server: begin with [`Server::builder`].
pub enum Server {}

impl Server {
    /// A builder without addresses, keys and routes.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// A server in the making. What is wrong with a route or a codec name is said by [`spawn`](Self::spawn).
#[derive(Default)]
pub struct Builder {
    addresses: Vec<Address>,
    keys: Option<KeyRing>,
    codecs: Option<CodecRegistry>,
    accept: Option<Vec<String>>,
    agent: Option<String>,
    limits: Limits,
    bounds: Bounds,
    capacity: Capacity,
    threads: Option<NonZero<usize>>,
    workers: Option<NonZero<usize>>,
    routes: Routes,
    interceptors: Interceptors,
    /// The first route that was refused.
    refused: Option<StartError>,
}

impl Builder {
    /// Listens on `127.0.0.1:7411`, `[::1]:0`, `localhost:7411` or `unix:/run/bulla.sock`, too. Port 0 lets the system choose;
    /// [`ServerHandle::addresses`] tells.
    ///
    /// # Errors
    /// [`ListenError::Malformed`] or [`ListenError::UnknownHost`]. Whether it can be bound, [`spawn`](Self::spawn) tells.
    pub fn listen(mut self, address: &str) -> Result<Self, ListenError> {
        self.addresses.extend(Address::parse(address)?);
        Ok(self)
    }

    /// The keys of those who may connect.
    #[must_use]
    pub fn keys(mut self, keys: KeyRing) -> Self {
        self.keys = Some(keys);
        self
    }

    /// The codecs to choose from, in place of all that are linked into the program.
    #[must_use]
    pub fn codecs(mut self, codecs: CodecRegistry) -> Self {
        self.codecs = Some(codecs);
        self
    }

    /// The codecs that are accepted, by name, in place of all but those that want to be named. At most 16.
    #[must_use]
    pub fn accept<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.accept = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// What the server calls itself in handshakes: name and version. Default `bulla-server/` and its version.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = Some(agent.into());
        self
    }

    /// The limits wished for: the smaller of both sides' hold.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What one connection may hold, and how long things may take.
    #[must_use]
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// How much the server takes on in all.
    #[must_use]
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = capacity;
        self
    }

    /// How many event loops there are. Default: one for each core.
    #[must_use]
    pub fn threads(mut self, threads: NonZero<usize>) -> Self {
        self.threads = Some(threads);
        self
    }

    /// How many threads run handlers. Default: one for each core, at least four.
    #[must_use]
    pub fn workers(mut self, workers: NonZero<usize>) -> Self {
        self.workers = Some(workers);
        self
    }

    /// A route whose handler runs on a worker, decoding included: it may take its time. A notification (a call whose opener wants
    /// no answer) comes the same way, and its reply is dropped.
    #[must_use]
    pub fn route<T, R, F>(self, name: &str, handler: F) -> Self
    where
        F: Fn(T, &Context) -> Result<R, Status> + Send + Sync + 'static,
        T: DeserializeOwned + 'static,
        R: Serialize + 'static,
    {
        self.add(name, Place::Worker, Shape::Call, Box::new(Unary::new(handler)))
    }

    /// A route whose handler runs on the event loop: for handlers that only compute, and not for long, since all connections of the
    /// loop wait for it.
    #[must_use]
    pub fn route_inline<T, R, F>(self, name: &str, handler: F) -> Self
    where
        F: Fn(T, &Context) -> Result<R, Status> + Send + Sync + 'static,
        T: DeserializeOwned + 'static,
        R: Serialize + 'static,
    {
        self.add(name, Place::Inline, Shape::Call, Box::new(Unary::new(handler)))
    }

    /// A route whose handler gets a [`Responder`], to be sent to any thread or runtime and answered later.
    #[must_use]
    pub fn route_responder<T, F>(self, name: &str, handler: F) -> Self
    where
        F: Fn(T, Responder) + Send + Sync + 'static,
        T: DeserializeOwned + 'static,
    {
        self.add(name, Place::Worker, Shape::Call, Box::new(Deferred::new(handler)))
    }

    /// A route that answers one request with many replies. The handler runs on a thread of its own, which it may hold for as long as
    /// the stream lasts, or leave at once when it hands its [`Replies`] to somebody else.
    #[must_use]
    pub fn route_server_stream<T, F>(self, name: &str, handler: F) -> Self
    where
        F: Fn(T, Replies) + Send + Sync + 'static,
        T: DeserializeOwned + 'static,
    {
        self.add(name, Place::Thread, Shape::ServerStream, Box::new(ServerStream::new(handler)))
    }

    /// A route that answers many requests with one reply, on a thread of its own. A notification may have many messages, too.
    #[must_use]
    pub fn route_client_stream<T, R, F>(self, name: &str, handler: F) -> Self
    where
        F: Fn(Requests<T>, &Context) -> Result<R, Status> + Send + Sync + 'static,
        T: DeserializeOwned + 'static,
        R: Serialize + 'static,
    {
        self.add(name, Place::Thread, Shape::ClientStream, Box::new(ClientStream::new(handler)))
    }

    /// A route on which both sides send as many messages as they like, in any order, on a thread of its own.
    #[must_use]
    pub fn route_duplex<T, F>(self, name: &str, handler: F) -> Self
    where
        F: Fn(Requests<T>, Replies) + Send + Sync + 'static,
        T: DeserializeOwned + 'static,
    {
        self.add(name, Place::Thread, Shape::Duplex, Box::new(Duplex::new(handler)))
    }

    /// Work that concerns every call, behind that of the interceptors added before.
    ///
    /// ```
    /// use bulla_core::intercept::{CallHead, Ending};
    /// use bulla_core::status::{Code, Status};
    /// use bulla_server::Server;
    ///
    /// let builder = Server::builder().intercept(|call: &mut CallHead<'_>| match call.peer {
    ///     Some(_) => Ok(Ending::none()),
    ///     None => Err(Status::new(Code::PermissionDenied, "calls are for keys with a name")),
    /// });
    /// ```
    #[must_use]
    pub fn intercept(mut self, interceptor: impl Interceptor) -> Self {
        self.interceptors.push(interceptor);
        self
    }

    /// All routes of a service.
    #[must_use]
    pub fn service(self, service: impl Service) -> Self {
        service.install(self)
    }

    /// A route whose handler sees the bytes.
    pub(crate) fn add(mut self, name: &str, place: Place, shape: Shape, handler: Box<dyn Handler>) -> Self {
        if let Err(error) = self.routes.add(name, place, shape, handler) {
            self.refused.get_or_insert(error);
        }
        self
    }

    /// Binds, starts the threads, and serves.
    ///
    /// # Errors
    /// [`StartError`] names what is missing, or what the system refused. Nothing is left running then.
    pub fn spawn(self) -> Result<ServerHandle, StartError> {
        self.spawn_with(bind)
    }

    /// As [`spawn`](Self::spawn), with the listeners that `bind` makes.
    pub(crate) fn spawn_with(
        mut self,
        bind: impl FnOnce(&[Address]) -> Result<Vec<Listener>, StartError>,
    ) -> Result<ServerHandle, StartError> {
        if let Some(error) = self.refused.take() {
            return Err(error);
        }
        let keys = self.keys.take().ok_or(StartError::NoKeys)?;
        let codecs = self.codecs.take().map_or_else(CodecRegistry::discovered, Ok)?;
        let accept = accepted(&codecs, self.accept.as_deref())?;
        let listeners = bind(&self.addresses)?;
        let addresses = listeners.iter().map(Listener::address).collect::<Result<_, _>>();
        let addresses = addresses.map_err(StartError::system("read a listener's address"))?;

        let identity = identity(self.agent.take())?;
        let config = ServerConfig { keys, accept, limits: self.limits, bounds: self.bounds, identity };
        let threads = self.threads;
        let shared = Arc::new(self.into_shared(config, codecs)?);
        start(threads, listeners, addresses, &shared).inspect_err(|_| {
            shared.stop_workers(std::time::Duration::from_secs(1));
        })
    }

    fn into_shared(self, config: ServerConfig, codecs: CodecRegistry) -> Result<Shared, StartError> {
        let metrics = Arc::new(Metrics::default());
        let count = self.workers.map_or_else(|| cores().get().max(MIN_WORKERS), NonZero::get);
        let waiting = usize::try_from(self.capacity.calls_waiting).unwrap_or(usize::MAX);
        let plan = |name, least, most| Plan { name, least, most, capacity: waiting };
        let counted = Arc::clone(&metrics);
        let workers = Workers::start(plan("bulla-worker", count, count), move |job: Job| {
            job.run(&counted);
            None
        });
        let workers = workers.map_err(StartError::system("start a worker"))?;
        let counted = Arc::clone(&metrics);
        let (most, share) = self.capacity.stream_shares();
        let run = move |job: Job| job.run(&counted);
        let stream_threads = StreamThreads::start(plan("bulla-stream", 0, most), share, run);
        let stream_threads = stream_threads.map_err(StartError::system("start a worker"))?;
        let facts = Facts::new(config.accept.clone(), self.routes.names(), config.limits, config.bounds, self.capacity);
        Ok(Shared {
            config: Mutex::new(Arc::new(config)),
            routes: self.routes,
            interceptors: self.interceptors,
            codecs,
            capacity: self.capacity,
            facts: Arc::new(facts),
            metrics,
            workers,
            stream_threads,
            serials: AtomicU64::new(0),
        })
    }
}

/// The names to accept, each of them known.
fn accepted(codecs: &CodecRegistry, wanted: Option<&[String]>) -> Result<Vec<CodecName>, StartError> {
    let names = match wanted {
        None => codecs.accepted_by_default().map(|entry| entry.codec().name()).collect(),
        Some(wanted) => {
            let mut names: Vec<CodecName> = Vec::with_capacity(wanted.len());
            for text in wanted {
                let name = text.parse().map_err(|_| StartError::CodecName(escape(text, MAX_SHOWN)))?;
                codecs.require(&name)?;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            names
        }
    };
    match names.len() {
        0 => Err(StartError::NoCodec),
        1..=MAX_CODECS => Ok(names),
        count => Err(StartError::TooManyCodecs(count)),
    }
}

fn bind(addresses: &[Address]) -> Result<Vec<Listener>, StartError> {
    if addresses.is_empty() {
        return Err(StartError::NoAddress);
    }
    addresses.iter().map(|address| Listener::bind(address).map_err(StartError::from)).collect()
}

fn identity(agent: Option<String>) -> Result<Identity, StartError> {
    let mut instance = [0; 16];
    getrandom::fill(&mut instance)
        .map_err(|error| StartError::System { action: "draw random numbers", reason: error.to_string() })?;
    let agent = agent.unwrap_or_else(|| concat!("bulla-server/", env!("CARGO_PKG_VERSION")).to_owned());
    Ok(Identity { instance, agent })
}

fn cores() -> NonZero<usize> {
    thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

/// Starts loops and acceptor. If one of them does not start, the handle's drop ends those that did.
fn start(
    threads: Option<NonZero<usize>>,
    listeners: Vec<Listener>,
    addresses: Vec<Address>,
    shared: &Arc<Shared>,
) -> Result<ServerHandle, StartError> {
    let count = threads.unwrap_or_else(cores).get();
    let mut loops = Vec::with_capacity(count);
    for _ in 0..count {
        let (poll, mailbox) = selector()?;
        let port = Arc::new(Port::new(mailbox, Arc::clone(&shared.metrics), &shared.capacity));
        loops.push(EventLoop::new(poll, Arc::clone(shared), port));
    }
    let (poll, mailbox) = selector()?;
    let gate = Arc::new(Gate {
        metrics: Arc::clone(&shared.metrics),
        capacity: shared.capacity,
        starving: AtomicBool::new(false),
        acceptor: mailbox,
    });
    let ports: Vec<Arc<Port>> = loops.iter().map(EventLoop::port).collect();
    let finish = Arc::new(Finish::new(count));
    let acceptor = Acceptor::new(poll, Arc::clone(&gate), listeners, ports.clone())?;
    let control = Control { shared: Arc::clone(shared), gate, loops: ports, finish };
    let mut handle = ServerHandle::new(control.clone(), addresses);
    for (number, event_loop) in loops.into_iter().enumerate() {
        let control = control.clone();
        handle.push(spawn(format!("bulla-loop-{number}"), move || run_loop(event_loop, &control))?);
    }
    handle.push(spawn("bulla-acceptor".to_owned(), move || acceptor.run())?);
    Ok(handle)
}

/// A loop that panics is a bug of ours. Its connections are lost, so the whole server ends, for whoever watches it to start again.
fn run_loop(event_loop: EventLoop, control: &Control) {
    let complete = catch_unwind(AssertUnwindSafe(|| event_loop.run())).unwrap_or_else(|_| {
        tracing::error!("an event loop panicked: the server stops");
        control.stop();
        false
    });
    control.finish.count(complete);
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    thread::Builder::new().name(name).spawn(run).map_err(StartError::system("start a thread"))
}
