//! Sealing: frames in, records out.

use aes::Aes128Enc;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeEncrypt, InnerIvInit};
use hmac::{Hmac, Mac};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sha2::Sha256;

use super::{BLOCK, HEADER, LENGTH_PREFIX, MAX_FRAMES, SessionKey, TOKEN_OVERHEAD, VERSION};

/// Frames that were not sealed. The output is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// More than one record holds.
    #[error("{length} bytes of frames do not fit a record: at most {MAX_FRAMES}")]
    TooLong {
        /// The length of the frames, in bytes.
        length: usize,
    },
    /// Every sequence number has been used.
    #[error("this session has used up its sequence numbers: connect again")]
    Exhausted,
}

/// Seals one direction of one session. Its records open in the order in which they were sealed.
pub struct Sealer {
    cipher: Aes128Enc,
    signing: Hmac<Sha256>,
    ivs: ChaCha20Rng,
    pub(super) sequence: u64,
}

impl Sealer {
    /// The first record will have the number 0. The seed must be fresh entropy: every IV comes from it.
    #[must_use]
    pub fn new(key: SessionKey, iv_seed: [u8; 32]) -> Self {
        Self { cipher: key.schedule(), signing: key.signing(), ivs: ChaCha20Rng::from_seed(iv_seed), sequence: 0 }
    }

    /// Appends one record, `u32 BE length | token`, that holds `frames`. `time` is in seconds since 1970.
    ///
    /// Allocates nothing when `out` has room.
    ///
    /// # Errors
    /// [`SealError::TooLong`] for more than [`MAX_FRAMES`] bytes, [`SealError::Exhausted`] after 2⁶⁴ − 1 records.
    pub fn seal(&mut self, time: u64, frames: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        if frames.len() > MAX_FRAMES {
            return Err(SealError::TooLong { length: frames.len() });
        }
        let next = self.sequence.checked_add(1).ok_or(SealError::Exhausted)?;
        let mut iv = [0; BLOCK];
        self.ivs.fill_bytes(&mut iv);
        let sequence = std::mem::replace(&mut self.sequence, next).to_be_bytes();
        self.token(time, &iv, [&sequence, frames], out);
        Ok(())
    }

    /// Appends a token of the two parts, with its length. Stage, encrypt, sign: records side by side could share each step.
    pub(super) fn token(&self, time: u64, iv: &[u8; BLOCK], parts: [&[u8]; 2], out: &mut Vec<u8>) {
        let start = out.len() + LENGTH_PREFIX;
        stage(time, iv, parts, out);
        self.encrypt(iv, &mut out[start + HEADER..]);
        let tag = self.signing.clone().chain_update(&out[start..]).finalize();
        out.extend_from_slice(&tag.into_bytes());
    }

    fn encrypt(&self, iv: &[u8; BLOCK], blocks: &mut [u8]) {
        let length = blocks.len();
        cbc::Encryptor::inner_iv_init(&self.cipher, iv.into())
            .encrypt_padded::<NoPadding>(blocks, length)
            .expect("staged plaintext is whole blocks");
    }
}

/// Appends all of a record but its tag, not yet encrypted.
fn stage(time: u64, iv: &[u8; BLOCK], parts: [&[u8]; 2], out: &mut Vec<u8>) {
    let plaintext = parts[0].len() + parts[1].len();
    // PKCS #7: never empty, each byte says how many there are.
    let padding = BLOCK - plaintext % BLOCK;
    let token = TOKEN_OVERHEAD + plaintext + padding;
    out.reserve(LENGTH_PREFIX + token);
    let length = u32::try_from(token).expect("a token is shorter than 4 GiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.push(VERSION);
    out.extend_from_slice(&time.to_be_bytes());
    out.extend_from_slice(iv);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out.resize(out.len() + padding, padding as u8);
}
