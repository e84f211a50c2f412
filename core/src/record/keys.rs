//! The two keys of a session, one for each direction.

use aes::cipher::{InvalidLength, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::mac::Signer;

/// The key of one direction of a session: 16 bytes that sign, then 16 that encrypt, as in a Fernet key. Erased on drop.
///
/// Not `Clone`, and used up by what it makes: two sealers with one key would give two records the same number.
///
/// ```compile_fail,E0382
/// # use bulla_core::record::{Sealer, SessionKey};
/// let key = SessionKey::from_bytes([1; 32]);
/// let (one, two) = (Sealer::new(key, [2; 32]), Sealer::new(key, [2; 32]));
/// ```
pub struct SessionKey(Zeroizing<[u8; 32]>);

impl SessionKey {
    /// A key from its bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn signer(&self) -> Signer {
        Signer::new(self.0.first_chunk().expect("the first half"))
    }

    /// The AES schedule of either direction.
    pub(super) fn schedule<A: KeyInit>(&self) -> A {
        let made: Result<A, InvalidLength> = A::new_from_slice(&self.0[16..]);
        made.expect("AES-128 takes 16 bytes")
    }
}

/// The client's and the server's session key: HKDF-SHA256 of both keys of the handshake's split, joined, with the handshake hash as
/// salt and "bulla/1 client" or "bulla/1 server" as info.
///
/// The split may be read only after the handshake has finished. Whoever seals with the client's key is the client.
#[must_use]
pub fn session_keys(first: &[u8; 32], second: &[u8; 32], handshake_hash: &[u8]) -> (SessionKey, SessionKey) {
    let mut joined = Zeroizing::new([0; 64]);
    joined[..32].copy_from_slice(first);
    joined[32..].copy_from_slice(second);
    let derived = Hkdf::<Sha256>::new(Some(handshake_hash), joined.as_slice());
    (expand(&derived, b"bulla/1 client"), expand(&derived, b"bulla/1 server"))
}

fn expand(derived: &Hkdf<Sha256>, info: &[u8]) -> SessionKey {
    let mut key = SessionKey::from_bytes([0; 32]);
    derived.expand(info, key.0.as_mut_slice()).expect("one hash is asked for");
    key
}
