//! A mio event-loop server for sealed messages in any format
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
mod workers;

#[cfg(any(feature = "json", feature = "xml", feature = "yaml", feature = "bincode"))]
use bulla_codecs as _;

#[cfg(feature = "program")]
pub mod program;

pub use self::address::{Address, PeerAddress};
pub use self::builder::{Builder, Server};
pub use self::capacity::Capacity;
pub use self::error::{ListenError, StartError};
pub use self::handle::{Control, Drained, ServerHandle};
pub use self::metrics::Snapshot;
pub use self::route::{Context, Responder};
pub use self::services::Service;
pub use self::shared::Facts;

/// The README's examples compile and run.
#[cfg(all(doctest, feature = "json", feature = "xml"))]
#[doc = include_str!("../../README.md")]
struct Readme;
