//! Stock services: sets of routes that many servers want.

mod echo;
#[cfg(feature = "files")]
pub mod files;
mod info;
#[cfg(feature = "records")]
pub mod records;
pub mod topics;

pub use self::echo::Echo;
pub use self::info::{Info, InfoLimits, ServerInfo};
use crate::builder::Builder;

/// A set of routes that belong together.
pub trait Service {
    /// Adds the routes to a server in the making.
    fn install(self, builder: Builder) -> Builder;
}
