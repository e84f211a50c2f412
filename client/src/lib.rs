//! A blocking client for sealed messages in any format.
//!
//! ```no_run
//! use bulla_client::Client;
//! use bulla_core::key::KeyRing;
//!
//! let ring = KeyRing::load("bulla.key")?;
//! let client = Client::builder().server("127.0.0.1:7411").key(ring.current().key().clone()).connect()?;
//! let greeting: String = client.call("greet", &("Ada", 36))?;
//! client.close();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Calls and streams
//!
//! | requests | answers | method | gives |
//! |---|---|---|---|
//! | 1 | 1 | [`Client::call`] | the answer |
//! | 1 | 1, later | [`Client::start`] | [`Pending`] |
//! | 1 | none | [`Client::notify`] | |
//! | 1 | many | [`Client::server_stream`] | [`Incoming`], an iterator |
//! | many | 1 | [`Client::client_stream`] | [`Upload`] |
//! | many | many | [`Client::duplex`] | [`Outgoing`] and [`Incoming`], for two threads if you like |
//!
//! ```no_run
//! # use std::time::Duration;
//! # use bulla_client::{CallOptions, Client, CallError};
//! # fn example(client: &Client) -> Result<(), CallError> {
//! let options = CallOptions::new().deadline(Duration::from_secs(60));
//! for price in client.server_stream::<_, f64>("prices", "ABC", &options)? {
//!     println!("{}", price?);
//! }
//!
//! let upload = client.client_stream::<f64, f64>("mean", &options)?;
//! for number in [1.0, 2.5, 4.0] {
//!     upload.send(&number)?;
//! }
//! let mean = upload.finish()?;
//!
//! let (questions, answers) = client.duplex::<str, String>("oracle", &options)?;
//! std::thread::scope(|scope| {
//!     scope.spawn(move || {
//!         questions.send("why?")?;
//!         questions.finish()
//!     });
//!     answers.for_each(|answer| println!("{answer:?}"));
//! });
//! # Ok(())
//! # }
//! ```
//!
//! **Who waits for whom.** What a server sends is granted room as it is taken, so an [`Incoming`] that nobody reads costs a window (256 KiB
//! by default) and makes its server wait; [`Incoming::try_next`] and [`Incoming::next_timeout`] look without waiting for ever. What
//! is sent waits for room at the server: then [`Outgoing::send`] blocks, and [`Outgoing::try_send`] says that it would. No other call or
//! stream is held up by that. What is left unread on all streams together has a bound, too: three quarters of
//! [`Bounds::inbound`](bulla_core::connection::Bounds::inbound), 48 MiB of the 64 that [`client_bounds`] gives. Beyond that, the stream
//! that was left alone for longest of those that hold much ends with `RESOURCE_EXHAUSTED`, and what is unread of it is dropped: those that
//! are read go on.
//!
//! **How a stream ends.** Well, when each side has said that it is done: [`Outgoing::finish`], and the end of the iteration. Early, with the
//! server's status, when the connection is lost, when the deadline passes, or when this side gives it up: by dropping a half before its end, or by
//! a [`Canceller`] from another thread. An iteration ends after its first `Err`, and both halves are told the same.
//!
//! **Several servers.** [`ClientBuilder::server`] may be given more than once: the client has one connection, to the first that takes it, and
//! makes another to the next one when that is lost, goes away, or says that it did not start a call. Waits between the attempts are
//! [jittered](Reconnect).
//!
//! # How it works
//!
//! ```text
//!  caller ──┐ encode, queue, write                    ┌── caller wakes, decodes
//!  caller ──┼──► Link: one lock around core's ────────┼──
//!  caller ──┘    Connection, never held while waiting │
//!                        ▲                            │
//!                        └── driver thread: reads, keeps the time, writes what callers left
//! ```
//!
//! A call is a stream of one message each way, and the link treats all alike. A lone call waits for nothing: its caller seals and writes it.
//! Under load, whoever is writing takes along what others have queued meanwhile. Messages of a stream are joined until they are a quarter
//! of what may be in flight, and are written before anybody waits. The driver always reads, so two sides that both send much never wait
//! for each other.
//!
//! # Architecture invariants
//!
//! - `drive.rs` is the one place where a socket and a connection meet.
//! - No type parameter on [`Client`]: codecs are chosen by name, when the connection is made.
//! - What may have run is never sent again. Only a call of which nothing was sent, or of which its server says that it was not
//!   started, moves to another connection.
//!
//! # Features
//!
//! | feature | what it links |
//! |---|---|
//! | `bincode`, `cbor`, `json`, `msgpack`, `postcard`, `xml`, `yaml` | the codec of that name |
//! | `pickle` | that one too; not on by default, and used only where it is named |
//! | `files` | `files`: files of the stock server |
//! | `program` | the program `bulla` |
//!
//! All others are on by default.
//!
//! What `bincode`, `cbor`, `json`, `msgpack` and `postcard` link is compiled for each type that crosses the wire
//! ([`Linked`](bulla_codecs::Linked)). All other codecs, those of other crates included, are reached through a pointer: the same
//! results, for more time a message.

mod builder;
mod call;
mod client;
mod drive;
mod error;
#[cfg(feature = "files")]
pub mod files;
mod inbox;
pub mod info;
mod line;
mod link;
mod pages;
#[cfg(feature = "program")]
pub mod program;
mod reconnect;
pub mod records;
mod socket;
mod stream;
pub mod topics;

pub use self::builder::{ClientBuilder, DEFAULT_SERVER, client_bounds, default_offer};
pub use self::call::CallOptions;
pub use self::client::{Client, LINGER};
pub use self::error::{CallError, ConnectError, Lost};
pub use self::reconnect::Reconnect;
pub use self::socket::Address;
pub use self::stream::{Canceller, Incoming, Outgoing, Pending, Upload};
