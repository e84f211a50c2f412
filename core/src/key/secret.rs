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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The secret of the Fernet specification's examples.
    const TEXT: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

    #[test]
    fn derives_what_another_hkdf_derives() {
        // Computed with Python's cryptography.
        let key = Key::parse(TEXT).unwrap();
        let psk: String = key.psk().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(psk, "790e07f21975e46e91f73ea0dfe15c9e1105966bd5ba233cd97ff0e24019d3be");
        assert_eq!(key.id().to_string(), "50a70e59fd929f97");
    }

    #[test]
    fn reads_both_alphabets_and_white_space_around() {
        let key = Key::parse(TEXT).unwrap();
        let standard = TEXT.replace('-', "+").replace('_', "/");
        for text in [&standard, &format!("{TEXT}\n"), &format!(" \t{TEXT}\r\n\r\n")] {
            assert_eq!(Key::parse(text).as_ref(), Ok(&key));
        }
        assert_eq!(*key.to_text(), TEXT);
    }

    #[test]
    fn refuses_everything_else_without_showing_it() {
        let [short, long] = [&TEXT[..43], &format!("{TEXT}A")];
        let mixed = TEXT.replacen('_', "/", 1);
        let not_canonical = TEXT.replace("e4=", "e5=");
        let broken = TEXT.replacen('p', "\n", 1);
        let padded_twice = format!("{}==", &TEXT[..42]);
        for (text, error) in [
            ("", KeyError::WrongLength { characters: 0 }),
            (short, KeyError::WrongLength { characters: 43 }),
            (long, KeyError::WrongLength { characters: 45 }),
            (&mixed, KeyError::NotBase64),
            (&not_canonical, KeyError::NotBase64),
            (&broken, KeyError::NotBase64),
            (&padded_twice, KeyError::NotBase64),
            (&"=".repeat(44), KeyError::NotBase64),
            (&"ä".repeat(22), KeyError::NotBase64),
        ] {
            assert_eq!(Key::parse(text), Err(error.clone()), "{text}");
            assert!(!error.to_string().contains("cw_0"));
        }
    }

    #[test]
    fn debug_shows_the_id_alone() {
        let key = Key::parse(TEXT).unwrap();
        assert_eq!(format!("{key:?} {:?}", key.id()), "Key(50a70e59fd929f97) KeyId(50a70e59fd929f97)");
    }

    #[test]
    fn key_ids_are_sixteen_digits() {
        let id = KeyId::from_bytes([0, 1, 2, 0xa, 0xb, 0xc, 0xd, 0xef]);
        assert_eq!(id.to_string(), "0001020a0b0c0def");
        assert_eq!("0001020A0b0c0def".parse(), Ok(id));
        for bad in ["", "+001020a0b0c0def", "0001020a0b0c0de", "0001020a0b0c0def0", "0x01020a0b0c0def", "äääääääß"]
        {
            assert_eq!(bad.parse::<KeyId>(), Err(KeyError::BadKeyId), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_and_back(bytes: [u8; 32], id: [u8; 8]) {
            let key = Key::from_bytes(bytes);
            prop_assert_eq!(&Key::parse(&key.to_text()).unwrap(), &key);
            let id = KeyId::from_bytes(id);
            prop_assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        }

        #[test]
        fn one_other_bit_is_another_key(bytes: [u8; 32], bit in 0..256usize) {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            let (key, other) = (Key::from_bytes(bytes), Key::from_bytes(other));
            prop_assert_ne!(&key, &other);
            prop_assert_ne!(key.id(), other.id());
            prop_assert_ne!(key.psk(), other.psk());
        }
    }
}
