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
//! A lone call waits for nothing: its caller seals and writes it. Under load, whoever is writing takes along what others have
//! queued meanwhile. The driver always reads, so two sides that both send much never wait for each other.
//!
//! # Architecture invariants
//!
//! - `drive.rs` is the one place where a socket and a connection meet.
//! - No type parameter on [`Client`]: codecs are chosen by name, when the connection is made.
//! - What was sent is never sent again. Only a call of which nothing was sent moves to another connection.
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
#[cfg(feature = "program")]
pub mod program;
mod reconnect;
pub mod records;
mod socket;
mod stream;

pub use self::builder::{ClientBuilder, DEFAULT_SERVER, client_bounds, default_offer};
pub use self::call::CallOptions;
pub use self::client::{Client, LINGER};
pub use self::error::{CallError, ConnectError, Lost};
pub use self::reconnect::Reconnect;
pub use self::socket::Address;
pub use self::stream::{Canceller, Incoming, Outgoing, Pending, Upload};
