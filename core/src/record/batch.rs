//! Records in the making: frames are written to the place where they will be sealed.

use super::chains::LANES;
use super::{BLOCK, HEADER, LENGTH_PREFIX, MAX_FRAMES, SEQUENCE, SealError, TAG, VERSION};

/// What stands before a record's frames, in bytes.
const BEFORE: usize = LENGTH_PREFIX + HEADER + SEQUENCE;

/// Records at the end of an output buffer, not sealed yet: [`Sealer::seal_all`](super::Sealer::seal_all) seals them side by side.
/// Dropped before that, the buffer is again as it was.
pub struct Batch<'a> {
    out: &'a mut Vec<u8>,
    /// Where the first record starts.
    start: usize,
    /// Where each record ends.
    ends: [usize; LANES],
    count: usize,
}

impl<'a> Batch<'a> {
    /// The most records of a batch.
    pub const MAX: usize = LANES;

    /// An empty batch, whose records are appended to `out`.
    #[must_use]
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { start: out.len(), out, ends: [0; LANES], count: 0 }
    }

    /// Adds a record whose frames are what `write` writes, which may be none. Without a record, `None`: if that is what `write` gives,
    /// or if the batch is full.
    pub fn add<T>(&mut self, write: impl FnOnce(&mut Frames<'_>) -> Option<T>) -> Option<T> {
        if self.count == Self::MAX {
            return None;
        }
        let start = self.out.len();
        self.out.extend_from_slice(&[0; BEFORE]);
        let written = write(&mut Frames { start: start + BEFORE, out: self.out });
        if written.is_some() {
            self.close(start);
        } else {
            self.out.truncate(start);
        }
        written
    }

    /// How many bytes the records take, sealed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many records there are.
    #[must_use]
    pub fn records(&self) -> usize {
        self.count
    }

    /// Ends the record that starts there: all of it is in its place but time, IV, sequence and HMAC, and nothing is encrypted.
    fn close(&mut self, start: usize) {
        let plaintext = self.out.len() - start - LENGTH_PREFIX - HEADER;
        // PKCS #7: never empty, each byte says how many there are.
        let padding = BLOCK - plaintext % BLOCK;
        self.out.resize(self.out.len() + padding, padding as u8);
        self.out.extend_from_slice(&[0; TAG]);
        let token = start + LENGTH_PREFIX;
        let length = u32::try_from(self.out.len() - token).expect("a token is shorter than 4 GiB");
        self.out[start..token].copy_from_slice(&length.to_be_bytes());
        self.out[token] = VERSION;
        self.ends[self.count] = self.out.len();
        self.count += 1;
    }

    /// Does something with all the records' tokens: they are without the lengths before them.
    pub(super) fn with_tokens(&mut self, act: impl FnOnce(&mut [&mut [u8]])) {
        let mut tokens: [&mut [u8]; LANES] = Default::default();
        let mut start = self.start;
        let mut rest = &mut self.out[start..];
        for (token, end) in tokens.iter_mut().zip(&self.ends[..self.count]) {
            let (record, after) = std::mem::take(&mut rest).split_at_mut(end - start);
            *token = &mut record[LENGTH_PREFIX..];
            (rest, start) = (after, *end);
        }
        act(&mut tokens[..self.count]);
    }

    /// Leaves the records, which are sealed now, where they are.
    pub(super) fn keep(mut self) {
        self.start = self.out.len();
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.out.truncate(self.start);
    }
}

/// The frames of one record, as they are written.
pub struct Frames<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl Frames<'_> {
    /// Appends bytes.
    ///
    /// # Errors
    /// [`SealError::TooLong`] if that makes more than [`MAX_FRAMES`]; then nothing is appended.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), SealError> {
        if bytes.len() > self.room() {
            return Err(SealError::TooLong { length: self.len() + bytes.len() });
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many more there is room for, in bytes.
    #[must_use]
    pub fn room(&self) -> usize {
        MAX_FRAMES - self.len()
    }
}
