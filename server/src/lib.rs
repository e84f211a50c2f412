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
//! # Shapes
//!
//! | requests | replies | route | the handler gets | and gives |
//! |---|---|---|---|---|
//! | 1 | 0 or 1 | [`route`](Builder::route), [`route_inline`](Builder::route_inline) | `T`, [`&Context`](Context) | `Result<R, Status>` |
//! | 1 | 0 or 1, later | [`route_responder`](Builder::route_responder) | `T`, [`Responder`] | |
//! | 1 | many | [`route_server_stream`](Builder::route_server_stream) | `T`, [`Replies`] | |
//! | many | 0 or 1 | [`route_client_stream`](Builder::route_client_stream) | [`Requests<T>`](Requests), [`&Context`](Context) | `Result<R, Status>` |
//! | many | many | [`route_duplex`](Builder::route_duplex) | [`Requests<T>`](Requests), [`Replies`] | |
//!
//! 0 replies is a notification: the peer wants none. A call is the stream of one message each way, and all shapes are served by the
//! same mechanism.
//!
//! ```
//! use bulla_core::status::Status;
//! use bulla_server::{Context, Replies, Requests, Server};
//!
//! let builder = Server::builder()
//!     .route_server_stream("count", |to: u32, replies: Replies| {
//!         for number in 0..to {
//!             // Waits while the peer does not take what was sent; fails when it is gone.
//!             if replies.send(&number).is_err() {
//!                 return;
//!             }
//!         }
//!     })
//!     .route_client_stream("sum", |requests: Requests<u64>, _: &Context| requests.sum::<Result<u64, Status>>())
//!     .route_duplex("double", |requests: Requests<u32>, replies: Replies| {
//!         // The workers run it for each message; no thread waits for the next.
//!         requests.into_callback(move |request| {
//!             if let Some(Ok(number)) = request {
//!                 let _ = replies.send(&(2 * number));
//!             }
//!         });
//!     });
//! # drop(builder);
//! ```
//!
//! **Who waits for whom.** A stream's messages are granted room as they are taken, so a handler that stops taking costs no more than a
//! window (256 KiB by default), and makes its own peer wait. A peer that stops taking makes its own sender wait:
//! [`Replies::send`] blocks, [`Replies::try_send`] says [`Full`](TrySendError::Full), and [`Replies::on_room`] tells when to go on.
//! No other stream and no call is held up by that, on the same connection or another. Two that each wait for the other to take
//! something wait for ever, here as anywhere: a handler that must not depend on that takes and sends on threads of their own, or takes
//! by [`Requests::into_callback`].
//!
//! **How a stream ends.** Well: when the handler returns or drops its halves, or says [`Replies::finish`]. Badly: with a status of the
//! handler's, with `INTERNAL` when it panics, or with `DEADLINE_EXCEEDED` when the peer's deadline passes, of which the server tells
//! both sides itself. A handler hears that nobody waits for it any more: from the next `send` or item, from
//! [`Context::is_cancelled`], or by [`Context::on_cancel`]. A handler that ends first lets its peer send on, and what comes is dropped.
//! A call whose peer gave up before it was started is never run.
//!
//! **Draining.** [`ServerHandle::drain`] waits for streams as it does for calls. One without an end of its own should end when it hears
//! of it, from [`Context::is_draining`] or by [`Context::on_drain`]: whatever still runs when the drain's patience is over is reset with
//! `UNAVAILABLE`.
//!
//! # Threads
//!
//! ```text
//!              sockets              calls                ┌──────────┐
//! acceptor ─────────────▶ loop 1 ──────────▶ one queue ──▶ worker 1 │ handlers of `route` and `route_responder`,
//!    │                    loop 2 ───────┐                │ worker 2 │ callbacks of `Requests::into_callback`
//!    └──── in turn ─────▶ …             │                │ …        │
//!                         ▲ ▲           │                └─────┬────┘
//!                         │ └───────────┼── replies, one wake ─┘
//!                         │             │   streams      ┌──────────┐
//!                         │             └──▶ one queue ──▶ stream 1 │ handlers of streams: a thread each, for as long
//!                         │                              │ …        │ as it takes; started when needed, used again
//!                         └──── replies, one wake ───────┴──────────┘
//! ```
//!
//! Each loop has its own selector, connections and timers, and does a bounded part of each connection's work a turn. Handlers of
//! `route_inline` run on the loop itself, and so does what is called back by [`Replies::on_room`], [`Context::on_cancel`] and
//! [`Context::on_drain`]. What a turn brought together goes out in one write where possible. There are at most
//! [`Capacity::stream_threads`] threads for streams, 256 by default: a handler that hands its [`Replies`] to somebody else, or its
//! [`Requests`] to a callback, holds none of them. One connection has at most 64 of them, and one name of a key 128
//! ([`Capacity::stream_threads_per_connection`], [`Capacity::stream_threads_per_name`]); keys without a name may be anybody's, so that
//! here each of their connections counts for itself. On such a thread, a handler waits for its peer for [`Capacity::stream_silence`] at
//! most, 5 minutes by default: then the stream is ended with `DEADLINE_EXCEEDED`. A stream that holds no thread, such as a subscription
//! without news, may be quiet for ever, and so may one whose handler waits on a thread of its own.
//!
//! # Architecture invariants
//!
//! - Handlers know nothing of codecs and sockets, and no type parameter infects [`Server`] or [`Builder`].
//! - A call is answered exactly once: by its handler, or, if that panics or drops its [`Responder`], with `INTERNAL`.
//! - No stream, and no peer, holds up another: workers are never held by streams, and no loop ever waits for a handler.
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
//!
//! What `bincode`, `cbor`, `json`, `msgpack` and `postcard` link is compiled for each type that crosses the wire
//! ([`Linked`](bulla_codecs::Linked)). All other codecs, those of other crates included, are reached through a pointer: the same
//! results, for more time a message.

mod acceptor;
mod access;
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
mod shares;
mod socket;
mod stream_threads;
mod sync;
#[cfg(test)]
mod tests;
mod workers;

#[cfg(feature = "program")]
pub mod program;

pub use self::access::{Access, AccessRule, InvalidAccessRule};
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
