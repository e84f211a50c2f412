//! Sealed messages in any format: the codec contract, keys, wire, handshake and sans-IO connection of Bulla.

pub mod codec;
#[cfg(feature = "protocol")]
pub mod key;
#[cfg(feature = "protocol")]
pub mod record;
pub mod text;
#[cfg(feature = "protocol")]
pub mod token;
