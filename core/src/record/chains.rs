//! CBC chains side by side. In one chain a block has to wait for the block before it, and the cipher stands idle meanwhile; several
//! chains fill that time. The loop runs inside the cipher's backend: from outside, each step would pay for the way in.

use aes::Aes128Enc;
use aes::cipher::{
    Array, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, consts::U16,
};

use super::BLOCK;

/// The most chains that run side by side: as many as fill the pipelines of today's processors.
pub(super) const LANES: usize = 8;

/// Blocks to encrypt in place, each after it was mixed with the one before.
#[derive(Default)]
pub(super) struct Chain<'a> {
    /// The block before the first: at the start, the IV.
    previous: u128,
    blocks: &'a mut [[u8; BLOCK]],
}

impl<'a> Chain<'a> {
    pub(super) fn new(iv: [u8; BLOCK], blocks: &'a mut [[u8; BLOCK]]) -> Self {
        Self { previous: u128::from_ne_bytes(iv), blocks }
    }
}

/// Encrypts up to [`LANES`] chains. They may differ in length; the time is that of the longest.
pub(super) fn encrypt<'a>(cipher: &Aes128Enc, mut chains: impl ExactSizeIterator<Item = Chain<'a>>) {
    match chains.len() {
        0 | 1 => cipher.encrypt_with_backend(Lanes::<1>::take(&mut chains)),
        2..=4 => cipher.encrypt_with_backend(Lanes::<4>::take(&mut chains)),
        _ => cipher.encrypt_with_backend(Lanes::<LANES>::take(&mut chains)),
    }
}

struct Lanes<'a, const N: usize>([Chain<'a>; N]);

impl<'a, const N: usize> Lanes<'a, N> {
    /// What is missing is of no blocks.
    fn take(chains: &mut impl Iterator<Item = Chain<'a>>) -> Self {
        Self(std::array::from_fn(|_| chains.next().unwrap_or_default()))
    }
}

impl<const N: usize> BlockSizeUser for Lanes<'_, N> {
    type BlockSize = U16;
}

impl<const N: usize> BlockCipherEncClosure for Lanes<'_, N> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Self(mut chains) = self;
        let longest = chains.iter().map(|chain| chain.blocks.len()).max().unwrap_or(0);
        for at in 0..longest {
            let mut step = [Array([0; BLOCK]); N];
            for (block, chain) in step.iter_mut().zip(&chains) {
                // A chain that is done goes on encrypting nothing: cheaper than changing the width.
                if let Some(plain) = chain.blocks.get(at) {
                    block.0 = (u128::from_ne_bytes(*plain) ^ chain.previous).to_ne_bytes();
                }
            }
            for block in &mut step {
                backend.encrypt_block_inplace(block);
            }
            for (block, chain) in step.iter().zip(&mut chains) {
                if let Some(place) = chain.blocks.get_mut(at) {
                    *place = block.0;
                    chain.previous = u128::from_ne_bytes(block.0);
                }
            }
        }
    }
}
