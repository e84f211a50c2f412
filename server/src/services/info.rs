//! Info: what a server says of itself.

use std::sync::Arc;

use bulla_core::value::{Map, Value};
use serde::{Deserialize, Serialize};

use crate::builder::Builder;
use crate::route::Context;
use crate::services::Service;

/// The route `info`: version, codecs, uptime, routes and limits. The request may be any document; it is ignored.
#[derive(Clone, Default)]
pub struct Info {
    sections: Vec<(String, Section)>,
}

type Section = Arc<dyn Fn() -> Value + Send + Sync>;

/// What `info` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// The version of the server.
    pub version: String,
    /// The codecs accepted, by name.
    pub codecs: Vec<String>,
    /// The codec of the session that asks.
    pub codec: String,
    /// The name of the key that the asking peer holds, if it has one.
    pub peer: Option<String>,
    /// How long the server has been there, in whole seconds.
    pub uptime_seconds: u64,
    /// The names of the routes.
    pub routes: Vec<String>,
    /// The limits that the server states in handshakes, and those that it keeps.
    pub limits: InfoLimits,
    /// What services add: `records` counts the records of each collection.
    pub services: Value,
}

/// The limits in a [`ServerInfo`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfoLimits {
    /// The longest message, in bytes.
    pub message_bytes: u64,
    /// The most streams open in a connection.
    pub streams: u64,
    /// The credit of a fresh stream, in bytes.
    pub credit_bytes: u64,
    /// Connections at once.
    pub connections: u64,
    /// How deep a request may nest.
    pub decode_depth: u64,
    /// How many elements a request may have.
    pub decode_elements: u64,
}

impl Info {
    /// The same with a section more: `section` is asked at every call.
    #[must_use]
    pub fn with(mut self, name: &str, section: impl Fn() -> Value + Send + Sync + 'static) -> Self {
        self.sections.push((name.to_owned(), Arc::new(section)));
        self
    }

    fn answer(&self, context: &Context) -> ServerInfo {
        let facts = context.server();
        let services: Map = self.sections.iter().map(|(name, section)| (name.as_str(), section())).collect();
        ServerInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            codecs: facts.codecs.iter().map(ToString::to_string).collect(),
            codec: context.codec().to_string(),
            peer: context.peer().map(str::to_owned),
            uptime_seconds: facts.uptime().as_secs(),
            routes: facts.routes.iter().map(ToString::to_string).collect(),
            limits: InfoLimits {
                message_bytes: facts.limits.message.into(),
                streams: facts.limits.streams.into(),
                credit_bytes: facts.limits.credit.into(),
                connections: facts.capacity.connections.into(),
                decode_depth: facts.capacity.decode.depth.into(),
                decode_elements: facts.capacity.decode.elements.into(),
            },
            services: services.into(),
        }
    }
}

impl Service for Info {
    fn install(self, builder: Builder) -> Builder {
        builder.route("info", move |_: Value, context| Ok(self.answer(context)))
    }
}
