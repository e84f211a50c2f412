//! Setting up a client: where to, with which key, which codecs to offer.

use std::sync::OnceLock;
use std::time::Duration;

use bulla_core::codec::{Capability, CodecName, CodecRegistry, DecodeLimits};
use bulla_core::connection::{Bounds, ClientConfig, Identity, Limits, MAX_CODECS};
use bulla_core::intercept::{Interceptor, Interceptors};
use bulla_core::key::Key;
use bulla_core::text::escape;

use crate::client::Client;
use crate::line::Line;
use crate::{Address, ConnectError, Reconnect};

/// Where a server is, unless something else is said.
pub const DEFAULT_SERVER: &str = "127.0.0.1:7411";

/// What is received and not yet whole may take more than a server grants one peer: many calls of one client share it.
const INBOUND: usize = 64 << 20;

/// The settings of a [`Client`] in the making. Only the key has no default.
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    servers: Vec<String>,
    key: Option<Key>,
    codecs: Option<CodecRegistry>,
    offer: Option<Vec<String>>,
    limits: Limits,
    bounds: Bounds,
    decode_limits: DecodeLimits,
    agent: String,
    deadline: Option<Duration>,
    reconnect: Reconnect,
    interceptors: Interceptors,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            key: None,
            codecs: None,
            offer: None,
            limits: Limits::default(),
            bounds: client_bounds(),
            decode_limits: DecodeLimits::DEFAULT,
            agent: concat!("bulla-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            deadline: None,
            reconnect: Reconnect::default(),
            interceptors: Interceptors::default(),
        }
    }
}

impl ClientBuilder {
    /// Where a server is: `host:port` or `unix:/path`. Default [`DEFAULT_SERVER`].
    ///
    /// May be given more than once for servers of which one is as good as the other. A client has one connection. It tries them in the
    /// order given, and takes the first that takes it; when that one is lost or goes away, it begins with the next. What had not
    /// started there is tried again on the other, what may have run is not.
    ///
    /// ```
    /// # use bulla_client::Client;
    /// let builder = Client::builder().server("db1.example:7411").server("db2.example:7411");
    /// ```
    pub fn server(mut self, address: impl Into<String>) -> Self {
        self.servers.push(address.into());
        self
    }

    /// As [`server`](Self::server), for each of a list.
    pub fn servers<I: IntoIterator<Item: Into<String>>>(mut self, addresses: I) -> Self {
        self.servers.extend(addresses.into_iter().map(Into::into));
        self
    }

    /// The key that is shared with the server.
    pub fn key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// The codecs to choose from. Default: those that are [discovered](CodecRegistry::discovered).
    pub fn codecs(mut self, codecs: CodecRegistry) -> Self {
        self.codecs = Some(codecs);
        self
    }

    /// The names of the codecs to offer, the preferred one first; the server takes the first that it accepts.
    ///
    /// Default: all but those that ask to be named, self-describing ones first, each kind by name. A codec that does not describe
    /// itself needs the very same types on both sides.
    pub fn offer<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.offer = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The limits wished for; the smaller of both sides' hold.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The bounds that this side keeps. Default: those of [`client_bounds`].
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// What decoding one answer may cost.
    pub fn decode_limits(mut self, limits: DecodeLimits) -> Self {
        self.decode_limits = limits;
        self
    }

    /// What this program calls itself in the server's log. Default `bulla-client/VERSION`.
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// The deadline of calls that do not bring their own. Default: none; a server that falls silent is given up after the idle bound.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// How to connect again once the connection is lost.
    pub fn reconnect(mut self, policy: Reconnect) -> Self {
        self.reconnect = policy;
        self
    }

    /// Work that concerns every call, behind that of the interceptors added before. What it does at an end is done on a caller's
    /// thread, or on the connection's own; it may call this client and wait.
    ///
    /// ```
    /// # use bulla_client::Client;
    /// use bulla_core::intercept::{CallHead, Ending};
    ///
    /// let builder = Client::builder().intercept(|call: &mut CallHead<'_>| {
    ///     call.metadata.push(("trace".to_owned(), "7f3a".to_owned()));
    ///     Ok(Ending::none())
    /// });
    /// ```
    pub fn intercept(mut self, interceptor: impl Interceptor) -> Self {
        self.interceptors.push(interceptor);
        self
    }

    /// Connects: one attempt at each server, which ends with the handshake.
    ///
    /// # Errors
    /// [`ConnectError`] names what is wrong with the settings, the way to the server, the key or the codecs.
    pub fn connect(self) -> Result<Client, ConnectError> {
        let mut servers = self.servers.iter().map(|text| text.parse()).collect::<Result<Vec<Address>, _>>()?;
        if servers.is_empty() {
            servers.push(DEFAULT_SERVER.parse()?);
        }
        let codecs = match self.codecs {
            Some(codecs) => codecs,
            None => CodecRegistry::discovered()?,
        };
        let config = ClientConfig {
            key: self.key.ok_or(ConnectError::NoKey)?,
            offer: checked_offer(&codecs, self.offer)?,
            limits: self.limits,
            bounds: self.bounds,
            identity: Identity { instance: instance()?, agent: self.agent },
        };
        let line = Line::connect(servers, config, codecs, self.interceptors, self.reconnect)?;
        Ok(Client::new(line, self.deadline, self.decode_limits))
    }
}

/// The bounds of a client: those of core, but 64 MiB for what comes in, since many calls of one client share a connection.
#[must_use]
pub fn client_bounds() -> Bounds {
    let mut bounds = Bounds::default();
    bounds.inbound = INBOUND;
    bounds
}

fn checked_offer(codecs: &CodecRegistry, names: Option<Vec<String>>) -> Result<Vec<CodecName>, ConnectError> {
    let offer = match names {
        None => default_offer(codecs),
        Some(names) => names.iter().map(|name| known(codecs, name)).collect::<Result<_, _>>()?,
    };
    match offer.len() {
        0 => Err(ConnectError::NoCodecs),
        1..=MAX_CODECS => Ok(offer),
        more => Err(ConnectError::TooManyCodecs(more)),
    }
}

fn known(codecs: &CodecRegistry, name: &str) -> Result<CodecName, ConnectError> {
    let found = name.parse().ok().filter(|name| codecs.find(name).is_some());
    found.ok_or_else(|| ConnectError::UnknownCodec { name: escape(name, 64), known: codecs.names().collect() })
}

/// What a client offers that names no codec, in order.
#[must_use]
pub fn default_offer(codecs: &CodecRegistry) -> Vec<CodecName> {
    let mut offer: Vec<_> = codecs.accepted_by_default().map(|entry| entry.codec()).collect();
    // The registry is sorted by name, and the sort is stable.
    offer.sort_by_key(|codec| !codec.capabilities().has(Capability::SelfDescribing));
    offer.iter().map(|codec| codec.name()).take(MAX_CODECS).collect()
}

/// This process, for a server that might meet itself.
fn instance() -> Result<[u8; 16], ConnectError> {
    static INSTANCE: OnceLock<[u8; 16]> = OnceLock::new();
    if let Some(instance) = INSTANCE.get() {
        return Ok(*instance);
    }
    let mut drawn = [0; 16];
    getrandom::fill(&mut drawn).map_err(|error| ConnectError::System(error.to_string()))?;
    Ok(*INSTANCE.get_or_init(|| drawn))
}
