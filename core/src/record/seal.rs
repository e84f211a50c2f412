//! Sealing: frames in, records out.

use aes::Aes128Enc;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use zeroize::Zeroizing;

use super::chains::{Chain, encrypt};
use super::mac::Signer;
use super::{BLOCK, Batch, HEADER, IV_AT, MAX_FRAMES, SEQUENCE, SessionKey, TAG};

/// What of the generator an IV takes, in words of 32 bits.
const IV_WORDS: u128 = BLOCK as u128 / 4;

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
///
/// It counts them itself: a copy of it, or a number set back, would seal two records with one number and one IV.
///
/// ```compile_fail,E0599
/// # use bulla_core::record::{Sealer, SessionKey};
/// let sealer = Sealer::new(SessionKey::from_bytes([1; 32]), [2; 32]);
/// let copy = sealer.clone();
/// ```
///
/// ```compile_fail,E0616
/// # use bulla_core::record::{Sealer, SessionKey};
/// let mut sealer = Sealer::new(SessionKey::from_bytes([1; 32]), [2; 32]);
/// sealer.sequence = 0;
/// ```
pub struct Sealer {
    key: SessionKey,
    signer: Signer,
    iv_seed: Zeroizing<[u8; 32]>,
    /// What key and seed grow to: made when it is needed.
    engine: Option<Box<Engine>>,
    pub(super) sequence: u64,
}

/// More than a kilobyte, and not worth keeping while nothing is sealed.
struct Engine {
    cipher: Aes128Enc,
    ivs: ChaCha20Rng,
}

impl Sealer {
    /// The first record will have the number 0. The seed must be fresh entropy: every IV comes from it.
    #[must_use]
    pub fn new(key: SessionKey, iv_seed: [u8; 32]) -> Self {
        Self { signer: key.signer(), key, iv_seed: Zeroizing::new(iv_seed), engine: None, sequence: 0 }
    }

    /// Gives back what key and seed grew to. The next record takes a fraction of a microsecond more, and is the same as ever.
    pub fn rest(&mut self) {
        self.engine = None;
    }

    /// Appends one record, `u32 BE length | token`, that holds `frames`. `time` is in seconds since 1970.
    ///
    /// Allocates nothing when `out` has room, but for the first record, or the first after a [rest](Self::rest).
    ///
    /// # Errors
    /// [`SealError::TooLong`] for more than [`MAX_FRAMES`] bytes, [`SealError::Exhausted`] after 2⁶⁴ − 1 records.
    pub fn seal(&mut self, time: u64, frames: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let mut batch = Batch::new(out);
        let mut put = Ok(());
        batch.add(|record| {
            put = record.put(frames);
            put.ok()
        });
        put?;
        self.seal_all(time, batch)
    }

    /// Seals the records of a batch, in their order, and leaves them in its buffer. Several cost much less than each alone, if they
    /// are of about the same length: they are encrypted side by side. `time` is in seconds since 1970.
    ///
    /// # Errors
    /// [`SealError::Exhausted`] after 2⁶⁴ − 1 records; then none of the batch is left.
    pub fn seal_all(&mut self, time: u64, mut batch: Batch<'_>) -> Result<(), SealError> {
        let next = self.sequence.checked_add(batch.records() as u64).ok_or(SealError::Exhausted)?;
        let engine = self.engine.get_or_insert_with(|| Box::new(Engine::new(&self.key, &self.iv_seed, self.sequence)));
        let first = std::mem::replace(&mut self.sequence, next);
        batch.with_tokens(|tokens| {
            for (token, sequence) in tokens.iter_mut().zip(first..) {
                let mut iv = [0; BLOCK];
                engine.ivs.fill_bytes(&mut iv);
                token[1..IV_AT].copy_from_slice(&time.to_be_bytes());
                token[IV_AT..HEADER].copy_from_slice(&iv);
                token[HEADER..HEADER + SEQUENCE].copy_from_slice(&sequence.to_be_bytes());
            }
            seal_staged(&engine.cipher, &self.signer, tokens);
        });
        batch.keep();
        Ok(())
    }
}

impl Engine {
    /// Each record takes one block of the generator: the IV of the record `sequence` is always the same one.
    fn new(key: &SessionKey, iv_seed: &[u8; 32], sequence: u64) -> Self {
        let mut ivs = ChaCha20Rng::from_seed(*iv_seed);
        ivs.set_word_pos(u128::from(sequence) * IV_WORDS);
        Self { cipher: key.schedule(), ivs }
    }
}

/// Encrypts and signs tokens that have everything else in its place, at most [`Batch::MAX`] of them.
pub(super) fn seal_staged(cipher: &Aes128Enc, signer: &Signer, tokens: &mut [&mut [u8]]) {
    encrypt(cipher, tokens.iter_mut().map(|token| chain(token)));
    let (pairs, single) = tokens.as_chunks_mut::<2>();
    for [one, two] in pairs {
        let ((signed, tag), (signed_too, tag_too)) = (split_tag(one), split_tag(two));
        [*tag, *tag_too] = signer.sign_both([signed, signed_too]);
    }
    for token in single {
        let (signed, tag) = split_tag(token);
        *tag = signer.sign(signed);
    }
}

/// What of a token is encrypted.
fn chain(token: &mut [u8]) -> Chain<'_> {
    let (header, ciphertext) = split_tag(token).0.split_first_chunk_mut::<HEADER>().expect("a token has a header");
    Chain::new(*header.last_chunk().expect("the header ends with an IV"), ciphertext.as_chunks_mut().0)
}

/// What of a token is signed, and the place of its HMAC.
fn split_tag(token: &mut [u8]) -> (&mut [u8], &mut [u8; TAG]) {
    token.split_last_chunk_mut().expect("a token has an HMAC")
}
