//! Sealed messages in any format: the codec contract, keys, wire, handshake and sans-IO connection of Bulla.

pub mod codec;
pub mod text;
