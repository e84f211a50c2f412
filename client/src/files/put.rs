//! Putting a file.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use bulla_core::bytes::{Blob, Digester};
use bulla_core::status::Code;

use super::chunks::{Tally, chunk_size};
use super::error::shown;
use super::{
    Close, Files, PartReply, PartRequest, Progress, PutMessage, PutOpen, Receipt, Stored, TransferError,
    TransferOptions, Watch,
};
use crate::{CallError, CallOptions, Upload};

impl Files<'_> {
    /// Puts what a reader gives, to its end. An upload that breaks off leaves nothing: only a file can be read again.
    ///
    /// # Errors
    /// [`TransferError`]; `ALREADY_EXISTS` if there is a file of that name, unless the options say that it may be replaced.
    pub fn put(
        &self,
        name: &str,
        source: impl Read,
        options: TransferOptions,
        mut watch: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Stored, TransferError> {
        let open = PutOpen { name: name.to_owned(), replace: options.replace, ..PutOpen::default() };
        let failed = |error: io::Error| TransferError::Local {
            action: "read",
            path: "the input".to_owned(),
            reason: error.to_string(),
        };
        self.send(open, source, Tally::new(None, &mut watch), failed)
    }

    /// Puts a file. What the server has of it from an upload that broke off is not sent again: both sides compare checksums of that part.
    ///
    /// # Errors
    /// As [`put`](Self::put), and [`TransferError`] if the file cannot be read, is no ordinary one, or changes meanwhile.
    pub fn put_file(
        &self,
        name: &str,
        path: &Path,
        options: TransferOptions,
        mut watch: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Stored, TransferError> {
        let mut file = LocalFile::open(path)?;
        let offset = if options.restart { 0 } else { self.offset(name, &file)? };
        let first = self.put_from(name, &mut file, offset, options, &mut watch);
        match first {
            // The server has something else of that name of ours, and has dropped it.
            Err(error) if offset > 0 && error.is_about_the_beginning() && !file.has_changed()? => {
                self.put_from(name, &mut file, 0, options, &mut watch)
            }
            outcome => outcome,
        }
    }

    /// How much of this file the server has.
    fn offset(&self, name: &str, file: &LocalFile<'_>) -> Result<u64, CallError> {
        let request = PartRequest { name: name.to_owned(), upload: file.upload() };
        match self.client.call("files.part", &request) {
            // More than there is would be the part of another file.
            Ok(PartReply { size }) => Ok(if size > file.size() { 0 } else { size }),
            // The upload itself will say what is wrong with the name, or that there are no files.
            Err(CallError::Status { status, .. })
                if matches!(status.code(), Code::InvalidArgument | Code::Unimplemented) =>
            {
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    fn put_from(
        &self,
        name: &str,
        file: &mut LocalFile<'_>,
        offset: u64,
        options: TransferOptions,
        watch: &mut impl Watch,
    ) -> Result<Stored, TransferError> {
        let path = file.path;
        file.file.rewind().map_err(TransferError::local("read", path))?;
        let mut tally = Tally::new(Some(file.size()), watch);
        tally.check(&mut file.file, offset, TransferError::local("read", path))?;
        let open = PutOpen {
            name: name.to_owned(),
            size: Some(file.size()),
            replace: options.replace,
            upload: Some(file.upload()),
            offset,
            sha256: (offset > 0).then(|| tally.digest()),
        };
        let left = file.size() - offset;
        let sent = self.send(open, (&file.file).take(left), tally, TransferError::local("read", path));
        match sent {
            // What the server says of a file that became shorter is not what went wrong.
            Ok(_) | Err(TransferError::Call(CallError::Status { .. })) if file.has_changed()? => {
                Err(TransferError::Changed(shown(path)))
            }
            outcome => outcome,
        }
    }

    fn send<W: Watch>(
        &self,
        open: PutOpen,
        mut source: impl Read,
        mut tally: Tally<'_, W>,
        failed: impl Fn(io::Error) -> TransferError,
    ) -> Result<Stored, TransferError> {
        let room = chunk_size(self.client.session().limits.message);
        let (size, resumed) = (open.size, open.offset);
        let upload: Upload<PutMessage, Receipt> = self.client.client_stream("files.put", &CallOptions::new())?;
        let mut sent = upload.send(&PutMessage::Open(open));
        tally.begin(size)?;
        let mut buffer = Vec::with_capacity(room);
        let mut ended = false;
        while sent.is_ok() && !ended {
            buffer.clear();
            source.by_ref().take(room as u64).read_to_end(&mut buffer).map_err(&failed)?;
            // A terminal that said once that it has no more would wait for more if it were asked again.
            ended = buffer.len() < room;
            if buffer.is_empty() {
                break;
            }
            let message = PutMessage::Chunk(Blob(buffer));
            sent = upload.send(&message);
            let PutMessage::Chunk(Blob(used)) = message else { unreachable!("a chunk was made just above") };
            buffer = used;
            tally.add(&buffer)?;
        }
        let sha256 = tally.digest();
        if sent.is_ok() {
            tally.finish()?;
            sent = upload.send(&PutMessage::Close(Close { sha256 }));
        }
        // An answer that came before all was sent is in the other half.
        match sent {
            Ok(()) | Err(CallError::Ended { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let Receipt { name, size, sha256: declared, replaced } = upload.finish()?;
        if declared != sha256 {
            return Err(TransferError::Checksum { declared, found: sha256 });
        }
        if size != tally.done() {
            return Err(TransferError::Server("a receipt for another length"));
        }
        Ok(Stored { name, size, sha256, replaced, resumed })
    }
}

/// A file that is put, as it was when it was opened.
struct LocalFile<'p> {
    path: &'p Path,
    file: File,
    found: Metadata,
}

impl<'p> LocalFile<'p> {
    fn open(path: &'p Path) -> Result<Self, TransferError> {
        // A pipe must not make us wait before it is seen that it is one.
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("a flag is a small number");
        let file = File::options().read(true).custom_flags(flags).open(path);
        let file = file.map_err(TransferError::local("open", path))?;
        let found = file.metadata().map_err(TransferError::local("look at", path))?;
        if !found.is_file() {
            return Err(TransferError::NotAFile(shown(path)));
        }
        Ok(Self { path, file, found })
    }

    fn size(&self) -> u64 {
        self.found.len()
    }

    /// What the upload is called: the same for the same file as long as nobody writes into it.
    fn upload(&self) -> String {
        let mut digester = Digester::default();
        self.stamp().iter().for_each(|number| digester.update(&number.to_be_bytes()));
        digester.digest().to_string()
    }

    fn has_changed(&self) -> Result<bool, TransferError> {
        let found = self.file.metadata().map_err(TransferError::local("look at", self.path))?;
        Ok(stamp(&found) != self.stamp())
    }

    fn stamp(&self) -> [i128; 5] {
        stamp(&self.found)
    }
}

fn stamp(found: &Metadata) -> [i128; 5] {
    [found.dev().into(), found.ino().into(), found.len().into(), found.mtime().into(), found.mtime_nsec().into()]
}
