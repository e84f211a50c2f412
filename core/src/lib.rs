//! Sealed messages in any format: the codec contract, keys, wire, handshake and sans-IO connection of Bulla.

pub mod codec;
pub mod text;

#[cfg(feature = "protocol")]
pub mod connection;
#[cfg(feature = "protocol")]
mod frame;
#[cfg(feature = "protocol")]
pub mod handshake;
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
