//! Fetching a file.

use std::io::{self, Seek, Write};
use std::ops::ControlFlow;
use std::path::Path;

use bulla_core::bytes::{Blob, Digest};

use super::chunks::Tally;
use super::local::LocalPart;
use super::{Fetched, Files, GetMessage, GetRequest, Progress, TransferError, TransferOptions, Watch};
use crate::{CallOptions, Incoming};

impl Files<'_> {
    /// Fetches a file into a writer. What was written before an error is part of a file, or of none: only the checksum at the end tells.
    ///
    /// # Errors
    /// [`TransferError`]; `NOT_FOUND` if there is no such file.
    pub fn fetch(
        &self,
        name: &str,
        mut target: impl Write,
        mut watch: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Fetched, TransferError> {
        let request = GetRequest { name: name.to_owned(), ..GetRequest::default() };
        let failed = |error: io::Error| TransferError::Local {
            action: "write",
            path: "the output".to_owned(),
            reason: error.to_string(),
        };
        let mut tally = Tally::new(None, &mut watch);
        self.receive(&request, &mut target, &mut tally, failed)?;
        target.flush().map_err(failed)?;
        Ok(Fetched { size: tally.done(), sha256: tally.digest(), resumed: 0 })
    }

    /// Fetches a file to a path. What is there of a try that broke off is not fetched again: both sides compare checksums of that part,
    /// which is a hidden file beside the path.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch); [`TransferError::Exists`] if there is a file at the path, unless the options say that it may
    /// be replaced.
    pub fn fetch_file(
        &self,
        name: &str,
        path: &Path,
        options: TransferOptions,
        mut watch: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Fetched, TransferError> {
        let mut part = LocalPart::open(path, options.replace)?;
        let resumed = if options.restart { 0 } else { part.length()? };
        let (resumed, outcome) = match self.fetch_from(name, path, &mut part, resumed, &mut watch) {
            // The server's file is another than the one that this is a part of.
            Err(error) if resumed > 0 && error.is_about_the_beginning() => {
                (0, self.fetch_from(name, path, &mut part, 0, &mut watch))
            }
            outcome => (resumed, outcome),
        };
        match outcome {
            Ok(sha256) => {
                let size = part.length()?;
                part.publish(options.replace)?;
                Ok(Fetched { size, sha256, resumed })
            }
            Err(error) => {
                // Nobody goes on with nothing, or with what is wrong.
                if matches!(error, TransferError::Checksum { .. }) || part.length()? == 0 {
                    part.discard();
                }
                Err(error)
            }
        }
    }

    fn fetch_from(
        &self,
        name: &str,
        path: &Path,
        part: &mut LocalPart<'_>,
        offset: u64,
        watch: &mut impl Watch,
    ) -> Result<Digest, TransferError> {
        let mut tally = Tally::new(None, watch);
        part.file.rewind().map_err(TransferError::local("read the part of", path))?;
        tally.check(&mut part.file, offset, TransferError::local("read the part of", path))?;
        part.file.set_len(offset).map_err(TransferError::local("cut the part of", path))?;
        let sha256 = (offset > 0).then(|| tally.digest());
        let request = GetRequest { name: name.to_owned(), offset, sha256 };
        self.receive(&request, &mut part.file, &mut tally, TransferError::local("write", path))?;
        tally.finish()?;
        Ok(tally.digest())
    }

    /// Writes what comes, and checks its length and its checksum.
    fn receive<W: Watch>(
        &self,
        request: &GetRequest,
        target: &mut impl Write,
        tally: &mut Tally<'_, W>,
        failed: impl Fn(io::Error) -> TransferError,
    ) -> Result<(), TransferError> {
        let mut incoming: Incoming<GetMessage> =
            self.client.server_stream("files.get", request, &CallOptions::new())?;
        let Some(GetMessage::Open(info)) = incoming.next().transpose()? else {
            return Err(TransferError::Server("no word of the file before its bytes"));
        };
        tally.begin(Some(info.size))?;
        let declared = loop {
            match incoming.next().transpose()? {
                Some(GetMessage::Chunk(Blob(bytes))) => {
                    if bytes.len() as u64 > info.size.saturating_sub(tally.done()) {
                        return Err(TransferError::Server("more bytes than the file has"));
                    }
                    target.write_all(&bytes).map_err(&failed)?;
                    tally.add(&bytes)?;
                }
                Some(GetMessage::Close(close)) => break close.sha256,
                Some(GetMessage::Open(_)) => return Err(TransferError::Server("two files at once")),
                None => return Err(TransferError::Server("no checksum at the end of the file")),
            }
        };
        if tally.done() != info.size {
            return Err(TransferError::Server("fewer bytes than the file has"));
        }
        let found = tally.digest();
        if found == declared { Ok(()) } else { Err(TransferError::Checksum { declared, found }) }
    }
}
