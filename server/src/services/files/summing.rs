//! A checksum in the making.

use std::io::{self, Read};

use bulla_core::bytes::Digest;
use sha2::{Digest as _, Sha256};

/// How much is read at once, in bytes.
const STEP: usize = 128 << 10;

/// The SHA-256 of all bytes so far, and how many they are.
#[derive(Clone, Default)]
pub(super) struct Summing {
    hasher: Sha256,
    length: u64,
}

impl Summing {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
    }

    /// Adds the next `length` bytes of a file, or as many as there are.
    pub(super) fn add_from(&mut self, file: &mut impl Read, mut length: u64) -> io::Result<()> {
        let mut buffer = vec![0; STEP];
        while length > 0 {
            let room = usize::try_from(length).unwrap_or(STEP).min(STEP);
            match file.read(&mut buffer[..room]) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    self.add(&buffer[..count]);
                    length -= count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The checksum of what was added so far.
    pub(super) fn digest(&self) -> Digest {
        Digest(self.hasher.clone().finalize().into())
    }
}
