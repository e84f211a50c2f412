//! HMAC-SHA256, one message or two at a time.
//!
//! SHA-256 waits for each of its own steps; two messages taken in turn, block by block, fill that time. So this is built on SHA-256's
//! blocks ([RFC 2104](https://www.rfc-editor.org/rfc/rfc2104), FIPS 180-4) and not on the crate hmac, which is what the tests compare
//! with.

use sha2::block_api::compress256;
use zeroize::ZeroizeOnDrop;

use super::TAG;

/// What SHA-256 takes at once, in bytes.
const STEP: usize = 64;

/// SHA-256 before its first block (FIPS 180-4, 5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A key that signs: the states of both of HMAC's hashes behind it.
#[derive(ZeroizeOnDrop)]
pub(super) struct Signer {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl Signer {
    pub(super) fn new(key: &[u8; 16]) -> Self {
        let behind = |pad: u8| {
            let mut block = zeroize::Zeroizing::new([pad; STEP]);
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            let mut state = START;
            compress256(&mut state, &[*block]);
            state
        };
        Self { inner: behind(0x36), outer: behind(0x5c) }
    }

    /// The HMAC of a message.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; TAG] {
        let mut state = self.inner;
        let (blocks, _) = message.as_chunks();
        compress256(&mut state, blocks);
        self.finish(state, message, blocks.len())
    }

    /// The HMACs of two messages, in less time than each alone if they are of about the same length.
    pub(super) fn sign_both(&self, messages: [&[u8]; 2]) -> [[u8; TAG]; 2] {
        let mut states = [self.inner; 2];
        let blocks = messages.map(|message| message.as_chunks().0);
        let common = blocks[0].len().min(blocks[1].len());
        for at in 0..common {
            compress256(&mut states[0], &blocks[0][at..=at]);
            compress256(&mut states[1], &blocks[1][at..=at]);
        }
        [0, 1].map(|which| {
            compress256(&mut states[which], &blocks[which][common..]);
            self.finish(states[which], messages[which], blocks[which].len())
        })
    }

    /// The HMAC of a message, given the inner state behind its whole blocks.
    fn finish(&self, mut inner: [u32; 8], message: &[u8], blocks: usize) -> [u8; TAG] {
        close(&mut inner, &message[blocks * STEP..], message.len());
        let mut outer = self.outer;
        close(&mut outer, &bytes_of(inner), TAG);
        bytes_of(outer)
    }
}

/// Takes the last bytes of a message of that length, fewer than a block, and SHA-256's own ending. The key was a block before it.
fn close(state: &mut [u32; 8], rest: &[u8], message: usize) {
    let mut last = [0; 2 * STEP];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    let end = if rest.len() + 1 + 8 <= STEP { STEP } else { 2 * STEP };
    let bits = (STEP + message) as u64 * 8;
    last[end - 8..end].copy_from_slice(&bits.to_be_bytes());
    compress256(state, last[..end].as_chunks().0);
}

fn bytes_of(state: [u32; 8]) -> [u8; TAG] {
    let mut bytes = [0; TAG];
    bytes.as_chunks_mut().0.iter_mut().zip(state).for_each(|(four, word)| *four = word.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;

    use super::*;

    fn oracle(key: [u8; 16], message: &[u8]) -> [u8; TAG] {
        let mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.chain_update(message).finalize().into_bytes().into()
    }

    #[test]
    fn every_length_around_the_blocks_is_signed_as_by_the_crate_hmac() {
        let signer = Signer::new(&[7; 16]);
        let message: Vec<u8> = (0..=255).collect();
        for length in 0..256 {
            assert_eq!(signer.sign(&message[..length]), oracle([7; 16], &message[..length]), "{length}");
        }
    }

    proptest! {
        #[test]
        fn one_message_or_two_are_signed_as_by_the_crate_hmac(
            key: [u8; 16],
            one in prop::collection::vec(any::<u8>(), 0..400),
            two in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let signer = Signer::new(&key);
            let expected = [oracle(key, &one), oracle(key, &two)];
            prop_assert_eq!(signer.sign_both([&one, &two]), expected);
            prop_assert_eq!([signer.sign(&one), signer.sign(&two)], expected);
        }
    }
}
