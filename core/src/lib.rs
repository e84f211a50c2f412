//! Sealed messages in any format: the codec contract, keys, wire, handshake and sans-IO connection of Bulla.

pub mod codec;
pub mod text;
pub mod value;

#[cfg(feature = "protocol")]
pub mod bytes;
#[cfg(feature = "protocol")]
pub mod connection;
#[cfg(feature = "protocol")]
mod frame;
#[cfg(feature = "protocol")]
pub mod handshake;
#[cfg(feature = "protocol")]
pub mod intercept;
#[cfg(feature = "protocol")]
pub mod key;
#[cfg(feature = "protocol")]
pub mod protocol;
#[cfg(feature = "protocol")]
pub mod record;
#[cfg(feature = "protocol")]
pub mod status;
#[cfg(all(test, feature = "protocol"))]
mod tests;
#[cfg(feature = "protocol")]
pub mod token;
#[cfg(feature = "protocol")]
mod wire;

/// What the exported macro expands to. Nothing here is API.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::codec::Registration;
}
