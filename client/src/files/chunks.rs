//! A file's bytes, piece by piece: counted, summed up, and shown to whoever watches.

use std::io::{self, Read};

use bulla_core::bytes::{Digest, Digester};

use super::{Progress, Stage, TransferError, Watch};

/// The bytes of a message that carries a part of a file, unless less is agreed.
const CHUNK: usize = 64 << 10;

/// How much is checked between two looks at the watch.
const STEP: u64 = 4 << 20;

/// The bytes of one message, under the longest message agreed: in a text codec they take more room than they are.
pub(super) fn chunk_size(message: u32) -> usize {
    CHUNK.min(message as usize / 2).max(1)
}

/// What was transferred so far.
pub(super) struct Tally<'w, W> {
    digester: Digester,
    size: Option<u64>,
    watch: &'w mut W,
}

impl<'w, W: Watch> Tally<'w, W> {
    pub(super) fn new(size: Option<u64>, watch: &'w mut W) -> Self {
        Self { digester: Digester::default(), size, watch }
    }

    /// Sums up the first `length` bytes of a file, which are there already.
    pub(super) fn check(
        &mut self,
        file: &mut impl Read,
        length: u64,
        failed: impl Fn(io::Error) -> TransferError,
    ) -> Result<(), TransferError> {
        while self.done() < length {
            let step = STEP.min(length - self.done());
            let expected = self.done() + step;
            self.digester.update_from(file, step).map_err(&failed)?;
            if self.done() < expected {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
            self.show(Stage::Checking, Some(length))?;
        }
        Ok(())
    }

    /// Counts bytes that went over the wire.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<(), TransferError> {
        self.digester.update(bytes);
        self.show(Stage::Moving, self.size)
    }

    /// Shows where the transfer stands.
    pub(super) fn begin(&mut self, size: Option<u64>) -> Result<(), TransferError> {
        self.size = size;
        self.show(Stage::Moving, size)
    }

    pub(super) fn finish(&mut self) -> Result<(), TransferError> {
        self.show(Stage::Finishing, Some(self.done()))
    }

    pub(super) fn done(&self) -> u64 {
        self.digester.length()
    }

    pub(super) fn digest(&self) -> Digest {
        self.digester.digest()
    }

    fn show(&mut self, stage: Stage, size: Option<u64>) -> Result<(), TransferError> {
        let progress = Progress { stage, done: self.done(), size };
        if (self.watch)(progress).is_break() { Err(TransferError::Stopped) } else { Ok(()) }
    }
}
