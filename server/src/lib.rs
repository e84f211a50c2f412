//! A server for sealed messages in any format: embed it, give it handlers, and clients of every linked codec can call them.
//!
//! A handler is written once, against a serde type. Which codec a client speaks is agreed in the handshake and is no concern of the
//! handler's.
//!
//! ```no_run
//! use bulla_core::key::KeyRing;
//! use bulla_server::{Context, Server};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize)]
//! struct Greet {
//!     name: String,
//! }
//!
//! #[derive(Serialize)]
//! struct Greeting {
//!     text: String,
//! }
//!
//! let server = Server::builder()
//!     .listen("127.0.0.1:7411")?
//!     .listen("unix:/run/bulla.sock")?
//!     .keys(KeyRing::load("bulla.key")?)
//!     .route("greet", |request: Greet, context: &Context| {
//!         let peer = context.peer().unwrap_or("a nameless key");
//!         Ok(Greeting { text: format!("hello {} from {peer}", request.name) })
//!     })
//!     .spawn()?;
//! println!("listening on {}", server.addresses()[0]);
//! server.join();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A handler fails with a [`Status`](bulla_core::status::Status): a code for programs and a reason for people. An error type with
//! `impl From<MyError> for Status` makes `?` do the rest.
//!
//! # Threads
//!
//! ```text
//!              sockets             calls               ┌──────────┐
//! acceptor ─────────────▶ loop 1 ─────────▶ one queue ─▶ worker 1 │ handlers of `route`
//!    │                    loop 2                       │ worker 2 │ and `route_responder`
//!    └──── in turn ─────▶ …       ◀─────────────────── │ …        │
//!                                  answers, one wake   └──────────┘
//! ```
//!
//! Each loop has its own selector, connections and timers, and does a bounded part of each connection's work a turn. Handlers of
//! `route_inline` run on the loop itself. What a turn brought together goes out in one write where possible.
//!
//! # Architecture invariants
//!
//! - Handlers know nothing of codecs and sockets, and no type parameter infects [`Server`] or [`Builder`].
//! - A call is answered exactly once: by its handler, or, if that panics or drops its [`Responder`], with `INTERNAL`.
//! - Whatever a peer may pile up has a bound: see [`Capacity`] and [`Bounds`](bulla_core::connection::Bounds).
//! - No session is counted or logged before the client's first record opens: until then, its handshake may be a replay.
//! - A replaced key ring is for new sessions; those that there are go on.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `bincode`, `cbor`, `json`, `msgpack`, `postcard`, `xml`, `yaml` | link that codec, so that discovery finds it |
//! | `pickle` | that one too; not on by default, and used only where it is named |
//! | `files` | the service `services::files`, on one folder |
//! | `records` | the service `services::records`, on SQLite |
//! | `program` | `program`: what the program `bulla-server` is made of |
//!
//! All others are on by default. Without any of them this is the library alone.

mod acceptor;
mod address;
mod builder;
mod capacity;
mod error;
mod event_loop;
mod gate;
mod handle;
mod listener;
mod metrics;
mod route;
pub mod services;
mod shared;
mod socket;
mod sync;
#[cfg(test)]
mod tests;
mod workers;

#[cfg(any(
    feature = "bincode",
    feature = "cbor",
    feature = "json",
    feature = "msgpack",
    feature = "pickle",
    feature = "postcard",
    feature = "xml",
    feature = "yaml",
))]
use bulla_codecs as _;

#[cfg(feature = "program")]
pub mod program;

pub use self::address::{Address, PeerAddress};
pub use self::builder::{Builder, Server};
pub use self::capacity::Capacity;
pub use self::error::{ListenError, StartError};
pub use self::handle::{Control, Drained, ServerHandle};
pub use self::metrics::Snapshot;
pub use self::route::{Context, Replies, Requests, Responder, TrySendError};
pub use self::services::Service;
pub use self::shared::Facts;

/// The README's examples compile and run.
#[cfg(all(doctest, feature = "json", feature = "xml"))]
#[doc = include_str!("../../README.md")]
struct Readme;
