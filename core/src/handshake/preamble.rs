//! The preamble: 16 bytes in clear, client first, and the Noise prologue.
//!
//! `"BULLA"` | version (1) | suite (1) | zero byte | 8-byte key id.

use crate::handshake::HandshakeError;
use crate::key::KeyId;

/// The length of a preamble, in bytes.
pub const PREAMBLE_LEN: usize = 16;

/// The version of the protocol.
pub const VERSION: u8 = 1;

/// The cipher suite: `Noise_NNpsk0_25519_ChaChaPoly_SHA256` and Fernet records.
pub const SUITE: u8 = 1;

const MAGIC: [u8; 5] = *b"BULLA";

/// The preamble of a client that holds the key with this id.
#[must_use]
pub(crate) fn preamble(key: KeyId) -> [u8; PREAMBLE_LEN] {
    let mut bytes = [0; PREAMBLE_LEN];
    bytes[..5].copy_from_slice(&MAGIC);
    bytes[5] = VERSION;
    bytes[6] = SUITE;
    bytes[8..].copy_from_slice(key.as_bytes());
    bytes
}

/// Parses a preamble as it comes in: `Ok(None)` when it is good so far but not whole.
///
/// # Errors
/// At the first byte that cannot be of a preamble, so that a peer that waits for our answer gets one.
pub(crate) fn parse_preamble(input: &[u8]) -> Result<Option<KeyId>, HandshakeError> {
    let magic = input.len().min(MAGIC.len());
    if input[..magic] != MAGIC[..magic] {
        return Err(name_stranger(input));
    }
    match input.get(5) {
        Some(&version) if version != VERSION => return Err(HandshakeError::Version(version)),
        _ => {}
    }
    match input.get(6) {
        Some(&suite) if suite != SUITE => return Err(HandshakeError::Suite(suite)),
        _ => {}
    }
    match input.get(7) {
        Some(&reserved) if reserved != 0 => return Err(HandshakeError::Malformed("preamble")),
        _ => {}
    }
    Ok(input.get(8..PREAMBLE_LEN).and_then(|id| id.try_into().ok()).map(KeyId::from_bytes))
}

/// Names a peer that does not speak Bulla by how its first bytes look.
///
/// HTTP requests begin with an upper-case method, answers with `HTTP/`
/// ([RFC 9112](https://www.rfc-editor.org/rfc/rfc9112#section-3)); TLS records with a content type of 20 to 23 and version 3
/// ([RFC 8446](https://www.rfc-editor.org/rfc/rfc8446#section-5.1)).
#[must_use]
pub(crate) fn name_stranger(input: &[u8]) -> HandshakeError {
    const METHODS: [&[u8]; 11] = [
        b"GET ",
        b"HEAD ",
        b"POST ",
        b"PUT ",
        b"DELETE ",
        b"CONNECT ",
        b"OPTIONS ",
        b"TRACE ",
        b"PATCH ",
        b"PRI * ",
        b"HTTP/",
    ];
    let begins = |word: &[u8]| {
        let common = input.len().min(word.len());
        common > 0 && input[..common] == word[..common]
    };
    match input {
        [20..=23] | [20..=23, 3, ..] => HandshakeError::PeerSpeaksTls,
        _ if METHODS.iter().any(|method| begins(method)) => HandshakeError::PeerSpeaksHttp,
        _ => HandshakeError::NotBulla,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_waits_for_the_rest() {
        let bytes = preamble(KeyId::from_bytes(*b"12345678"));
        for cut in 0..PREAMBLE_LEN {
            assert_eq!(parse_preamble(&bytes[..cut]), Ok(None));
        }
        assert_eq!(parse_preamble(&bytes), Ok(Some(KeyId::from_bytes(*b"12345678"))));
    }

    #[test]
    fn names_strangers_at_their_first_bytes() {
        assert_eq!(parse_preamble(b"GET / HTTP/1.1\r\n"), Err(HandshakeError::PeerSpeaksHttp));
        assert_eq!(parse_preamble(b"P"), Err(HandshakeError::PeerSpeaksHttp));
        assert_eq!(parse_preamble(&[0x16, 3, 1, 2, 0, 1]), Err(HandshakeError::PeerSpeaksTls));
        assert_eq!(parse_preamble(&[0x16]), Err(HandshakeError::PeerSpeaksTls));
        assert_eq!(parse_preamble(b"SSH-2.0"), Err(HandshakeError::NotBulla));
        assert_eq!(parse_preamble(b"BULLET"), Err(HandshakeError::NotBulla));
        assert_eq!(parse_preamble(b"BULLA\x02"), Err(HandshakeError::Version(2)));
        assert_eq!(parse_preamble(b"BULLA\x01\x09"), Err(HandshakeError::Suite(9)));
        assert_eq!(parse_preamble(b"BULLA\x01\x01\x01"), Err(HandshakeError::Malformed("preamble")));
    }
}
