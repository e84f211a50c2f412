//! Records: the sealed units of a session.
//!
//! On the wire a record is `u32 BE length | token`. The token is a [Fernet](https://github.com/fernet/spec) token before its last
//! step, base64url: `0x80 | u64 BE time | 16-byte IV | AES-128-CBC ciphertext, PKCS #7 | HMAC-SHA256` over all before it. Its
//! plaintext is `u64 BE sequence | frames`. The time is informative: a live session does not check it.
//!
//! A [`Sealer`] and an [`Opener`] serve one direction of one session. Both count from 0 and neither can be set back, so a record
//! that is replayed, moved, left out or reflected does not open.
//!
//! ```
//! # use bulla_core::record::{LENGTH_PREFIX, Opener, Sealer, session_keys};
//! # let (first, second, handshake_hash, entropy, now) = ([1; 32], [2; 32], [3; 32], [4; 32], 0);
//! let (client, _server) = session_keys(&first, &second, &handshake_hash);
//! let mut sealer = Sealer::new(client, entropy);
//! let mut wire = Vec::new();
//! sealer.seal(now, b"frames", &mut wire)?;
//!
//! let (client, _server) = session_keys(&first, &second, &handshake_hash); // on the other side
//! let mut opener = Opener::new(client);
//! assert_eq!(opener.open(&mut wire[LENGTH_PREFIX..])?, b"frames");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Much to send is better cut into several records of about the same length: a [`Batch`] of them is encrypted and signed side by side.
//!
//! ```
//! # use bulla_core::record::{Batch, LENGTH_PREFIX, OpenError, Opener, Sealer, SessionKey};
//! # let (mut sealer, mut opener) = (Sealer::new(SessionKey::from_bytes([1; 32]), [2; 32]), Opener::new(SessionKey::from_bytes([1; 32])));
//! let mut wire = Vec::new();
//! let mut batch = Batch::new(&mut wire);
//! for frames in [&b"some frames"[..], b"and some more"] {
//!     batch.add(|record| record.put(frames).ok());
//! }
//! sealer.seal_all(0, batch)?;
//!
//! let mut opened = Vec::new();
//! let used = opener.open_each(&mut wire, |frames| {
//!     opened.push(frames.to_vec());
//!     Ok::<_, OpenError>(())
//! })?;
//! assert_eq!((used, opened), (wire.len(), vec![b"some frames".to_vec(), b"and some more".to_vec()]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod chains;
mod keys;
mod mac;
mod open;
mod seal;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod vectors;

pub use self::batch::{Batch, Frames};
pub use self::keys::{SessionKey, session_keys};
pub use self::open::{OpenError, Opener};
pub use self::seal::{SealError, Sealer};

/// The longest plaintext of a record in bytes, its sequence number included.
pub const MAX_PLAINTEXT: usize = 65_536;
/// The most bytes of frames in a record.
pub const MAX_FRAMES: usize = MAX_PLAINTEXT - SEQUENCE;
/// What a token has besides its ciphertext, in bytes: version, time, IV and HMAC.
pub const TOKEN_OVERHEAD: usize = HEADER + TAG;
/// The longest token, in bytes.
pub const MAX_TOKEN: usize = TOKEN_OVERHEAD + (MAX_PLAINTEXT / BLOCK + 1) * BLOCK;
/// The length before a token on the wire, in bytes.
pub const LENGTH_PREFIX: usize = 4;

const VERSION: u8 = 0x80;
const BLOCK: usize = 16;
/// Version and time; the IV follows.
const IV_AT: usize = 1 + 8;
const HEADER: usize = IV_AT + BLOCK;
const TAG: usize = 32;
const SEQUENCE: usize = 8;

/// Whether a token can have that many bytes: 57 + 16k, for a k from 1 to what the longest plaintext needs. To be asked before
/// anything is buffered.
#[must_use]
pub const fn is_legal_token_length(length: usize) -> bool {
    length >= TOKEN_OVERHEAD + BLOCK && length <= MAX_TOKEN && (length - TOKEN_OVERHEAD).is_multiple_of(BLOCK)
}
