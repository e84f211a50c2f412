//! One key: its text, its id and what is derived from it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::KeyError;

const KEY_BYTES: usize = 32;
const KEY_CHARACTERS: usize = 44;

/// A Fernet key: 32 secret bytes, erased on drop, compared in constant time, never printed.
///
/// On the heap, so that moving it (in a growing ring, say) leaves no copy behind.
#[derive(Clone)]
pub struct Key(Box<Zeroizing<[u8; KEY_BYTES]>>);

impl Key {
    /// A key from its bytes, which must come from a cryptographic source of randomness.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Box::new(Zeroizing::new(bytes)))
    }

    /// Reads 44 characters of base64, URL-safe or standard alphabet, with padding; white space around them is fine.
    ///
    /// # Errors
    /// [`KeyError::NotBase64`] or [`KeyError::WrongLength`]; neither shows the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_ascii();
        if !text.bytes().all(is_base64) {
            return Err(KeyError::NotBase64);
        }
        if text.len() != KEY_CHARACTERS {
            return Err(KeyError::WrongLength { characters: text.len() });
        }
        // One byte more than a key has: the decoder asks for room by the length of the text.
        let mut bytes = Zeroizing::new([0; KEY_BYTES + 1]);
        let engine = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
        match engine.decode_slice(text, &mut *bytes) {
            Ok(KEY_BYTES) => {}
            _ => return Err(KeyError::NotBase64),
        }
        let mut key = Self::from_bytes([0; KEY_BYTES]);
        key.0.copy_from_slice(&bytes[..KEY_BYTES]);
        Ok(key)
    }

    /// The key as text: URL-safe base64 with padding, as Python's `Fernet.generate_key()` writes it.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        // Room for all of it, so that nothing is left behind by growing.
        let mut text = Zeroizing::new(String::with_capacity(KEY_CHARACTERS));
        URL_SAFE.encode_string(self.0.as_slice(), &mut text);
        text
    }

    /// The name of the key in a preamble: the first 8 bytes of HKDF-SHA256(key, no salt, "bulla/1 key id").
    #[must_use]
    pub fn id(&self) -> KeyId {
        let mut id = [0; 8];
        self.derive(b"bulla/1 key id", &mut id);
        KeyId(id)
    }

    /// What the handshake mixes in: HKDF-SHA256(key, no salt, "bulla/1 psk").
    #[must_use]
    pub fn psk(&self) -> Zeroizing<[u8; 32]> {
        let mut psk = Zeroizing::new([0; 32]);
        self.derive(b"bulla/1 psk", psk.as_mut_slice());
        psk
    }

    fn derive(&self, info: &[u8], out: &mut [u8]) {
        Hkdf::<Sha256>::new(None, self.0.as_slice()).expand(info, out).expect("at most 255 hashes are asked for");
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    /// Shows the id alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte)
}

/// The public name of a key, in clear in the preamble: 8 bytes that tell nothing about the key. Its text is 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// An id from a preamble.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The bytes as a preamble carries them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    /// Reads 16 hexadecimal digits of either case.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        // The integer parser would take a sign, too.
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(KeyError::BadKeyId);
        }
        u64::from_str_radix(text, 16).map(|id| Self(id.to_be_bytes())).map_err(|_| KeyError::BadKeyId)
    }
}
