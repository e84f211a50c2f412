//! Keys: the secret that two sides share, its id, and rings of named keys in a file.
//!
//! A key is a Fernet key: 32 bytes, written as 44 characters of base64. It is never used as it is for a session: the handshake
//! mixes in what [`Key::psk`] derives from it, and names it by its [`KeyId`].

mod error;
mod file;
mod ring;
mod secret;

pub use self::error::KeyError;
pub use self::file::{MAX_KEY_FILE, read_key_file, write_key_file};
pub use self::ring::{KeyRing, MAX_KEY_NAME, MAX_KEYS, NamedKey};
pub use self::secret::{Key, KeyId};
