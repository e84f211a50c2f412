//! The handshake: a preamble in clear, then two Noise messages that carry the offer and the selection.
//!
//! Each state consumes itself and gives how far it came: more input wanted, done, or failed for a reason with a name.

mod alert;
mod client;
mod error;
mod noise;
mod offer;
mod preamble;
mod server;

use crate::connection::Session;
use crate::record::{Opener, Sealer};

pub(crate) use self::alert::Alert;
pub(crate) use self::client::ExpectMessage2;
pub use self::error::HandshakeError;
pub use self::noise::MAX_MESSAGE;
#[cfg(test)]
pub(crate) use self::noise::{Noise, split_seed};
#[cfg(test)]
pub(crate) use self::offer::Offer;
pub use self::preamble::{PREAMBLE_LEN, SUITE, VERSION};
pub(crate) use self::preamble::{name_stranger, parse_preamble, preamble};
pub(crate) use self::server::{Answer, ExpectMessage1, ExpectPreamble};

/// How far a state came with the input it was shown.
pub(crate) enum Progress<Same, Next> {
    /// Not enough input: the state, unchanged.
    More(Same),
    /// The next state, and how many bytes of the input were used up.
    Done(Next, usize),
    /// The handshake is over.
    Failed(HandshakeError),
}

/// A finished handshake: what was agreed, and the two directions' seals.
pub(crate) struct Established {
    pub(crate) session: Session,
    pub(crate) sealer: Sealer,
    pub(crate) opener: Opener,
}

/// The Noise message behind a two-byte length, once it is whole.
fn take_message(input: &[u8]) -> Result<Option<&[u8]>, HandshakeError> {
    let Some((length, rest)) = input.split_first_chunk::<2>() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > MAX_MESSAGE {
        return Err(HandshakeError::Malformed("message length"));
    }
    Ok(rest.get(..length))
}
