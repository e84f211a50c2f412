//! Opening: tokens in, frames out.

use aes::Aes128Dec;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, InnerIvInit};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{BLOCK, HEADER, IV_AT, MAX_PLAINTEXT, SEQUENCE, SessionKey, TAG, VERSION, is_legal_token_length};

/// A record that does not open. The session is over: what follows cannot be trusted to be in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No token has this length, or its plaintext is longer than a record's or has no room for a sequence number.
    #[error("a record of {0} bytes has no legal length")]
    BadLength(usize),
    /// The token does not start with 0x80.
    #[error("a record of version {0:#04x}: this side knows 0x80")]
    BadVersion(u8),
    /// The HMAC is not that of this key over these bytes: changed on the way, or sealed by someone else.
    #[error("a record's seal is broken: it was changed on the way, or sealed with another key")]
    BadSeal,
    /// The seal is right but the padding is not: the peer's own sealing is at fault.
    #[error("a record's seal holds but its padding is wrong: the other side seals wrongly")]
    BadPadding,
    /// A record was replayed, moved or left out.
    #[error("record {found} came where record {expected} was due: records were repeated, moved or lost on the way")]
    OutOfSequence {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
}

/// Opens one direction of one session: the counterpart of a [`Sealer`](super::Sealer) with the same key.
pub struct Opener {
    cipher: Aes128Dec,
    signing: Hmac<Sha256>,
    pub(super) sequence: u64,
    broken: Option<OpenError>,
}

impl Opener {
    /// The first record must have the number 0.
    #[must_use]
    pub fn new(key: SessionKey) -> Self {
        Self { cipher: key.schedule(), signing: key.signing(), sequence: 0, broken: None }
    }

    /// Opens the next token (without the length before it) in place and returns its frames.
    ///
    /// # Errors
    /// See [`OpenError`]. After the first failure every further call fails with that same error, whatever it is given.
    pub fn open<'a>(&mut self, token: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let opened = self.open_next(token);
        self.broken = opened.err();
        opened
    }

    fn open_next<'a>(&mut self, token: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
        let length = token.len();
        let plaintext = self.unseal(token)?;
        let (sequence, frames) = plaintext.split_first_chunk::<SEQUENCE>().ok_or(OpenError::BadLength(length))?;
        let (expected, found) = (self.sequence, u64::from_be_bytes(*sequence));
        if found != expected {
            return Err(OpenError::OutOfSequence { expected, found });
        }
        // The sealer never uses the last number, so there is always a next one.
        self.sequence = expected.checked_add(1).ok_or(OpenError::OutOfSequence { expected, found })?;
        Ok(frames)
    }

    /// Verifies and decrypts a token, as Fernet does, the time aside: nothing is decrypted before its seal is known to hold.
    pub(super) fn unseal<'a>(&self, token: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
        let length = token.len();
        if !is_legal_token_length(length) {
            return Err(OpenError::BadLength(length));
        }
        if token[0] != VERSION {
            return Err(OpenError::BadVersion(token[0]));
        }
        let (signed, tag) = token.split_at_mut(length - TAG);
        let expected = self.signing.clone().chain_update(&*signed);
        expected.verify_slice(tag).map_err(|_| OpenError::BadSeal)?;
        let (header, ciphertext) = signed.split_at_mut(HEADER);
        let plaintext = self.decrypt(&header[IV_AT..], ciphertext)?;
        if plaintext.len() > MAX_PLAINTEXT { Err(OpenError::BadLength(length)) } else { Ok(plaintext) }
    }

    fn decrypt<'a>(&self, iv: &[u8], ciphertext: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
        let iv: &[u8; BLOCK] = iv.try_into().expect("the header ends with an IV");
        cbc::Decryptor::inner_iv_init(&self.cipher, iv.into())
            .decrypt_padded::<Pkcs7>(ciphertext)
            .map_err(|_| OpenError::BadPadding)
    }
}
