//! Sealed messages in any format: the codec contract, keys, wire, handshake and sans-IO connection of Bulla.

pub mod codec;
pub mod text;
pub mod value;

/// What the exported macro expands to. Nothing here is API.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::codec::Registration;
}
