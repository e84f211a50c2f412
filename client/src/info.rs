//! What the stock server says of itself.
//!
//! The types mirror the server's, field for field: see [`records`](crate::records).

use bulla_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::{CallError, Client};

/// What the route `info` answers.
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
    /// What services add.
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

impl Client {
    /// Asks the server for its version, codecs, routes and limits.
    ///
    /// # Errors
    /// As [`call`](Self::call); `UNIMPLEMENTED` from a server without the stock service.
    pub fn info(&self) -> Result<ServerInfo, CallError> {
        self.call("info", &Value::Null)
    }
}
