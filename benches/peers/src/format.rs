//! How values become bytes for the peers that leave this to their users.

use bulla_benches::payload::Payload;

use crate::Error;

/// What a peer's messages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON, through serde_json: both sides decode and encode.
    Json,
    /// The number and the value's bytes, which nobody looks into.
    Bytes,
}

impl Format {
    /// What a server does: appends the answer to a request.
    pub(crate) fn echo<P: Payload>(self, request: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Json => serde_json::to_writer(out, &serde_json::from_slice::<P>(request)?)?,
            Self::Bytes => out.extend_from_slice(request),
        }
        Ok(())
    }
}

/// What a client asks, one after the other, and gets back in the same order.
pub(crate) struct Questions<P> {
    format: Format,
    template: P,
    bytes: Vec<u8>,
    next: u64,
    awaited: u64,
}

impl<P: Payload> Questions<P> {
    pub(crate) fn new(format: Format) -> Self {
        let template = P::numbered(0);
        let bytes = serde_json::to_vec(&template).unwrap_or_default();
        Self { format, template, bytes, next: 0, awaited: 0 }
    }

    /// Appends the next one.
    pub(crate) fn ask(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        match self.format {
            Format::Json => {
                self.template.renumber(self.next);
                serde_json::to_writer(out, &self.template)?;
            }
            Format::Bytes => {
                out.extend_from_slice(&self.next.to_be_bytes());
                out.extend_from_slice(&self.bytes);
            }
        }
        self.next += 1;
        Ok(())
    }

    /// The answer to the oldest question that has none.
    pub(crate) fn check(&mut self, answer: &[u8]) -> Result<(), Error> {
        let number = match self.format {
            Format::Json => serde_json::from_slice::<P>(answer)?.number(),
            Format::Bytes => u64::from_be_bytes(*answer.first_chunk().ok_or("an answer is too short")?),
        };
        if number != self.awaited {
            return Err(format!("answer {number} came in place of {}", self.awaited).into());
        }
        self.awaited += 1;
        Ok(())
    }
}

/// Appends a frame: its length in four bytes, then what `fill` writes.
pub(crate) fn frame(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>) -> Result<(), Error> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    fill(out)?;
    let length = u32::try_from(out.len() - start - 4)?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// The content of the frame that `bytes` begin with, if it is whole.
pub(crate) fn first_frame(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.get(..u32::from_be_bytes(*length) as usize)
}
