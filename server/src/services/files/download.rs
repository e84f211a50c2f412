//! One download: a file that was opened once, and is read to its end as it was then.

use std::fs::File;
use std::io::{self, Read};

use bulla_core::bytes::{Digest, Digester};
use rustix::fs::{Stat, fstat};

use crate::services::files::folder::length;
use crate::services::files::list::info;
use crate::services::files::transfers::Ticket;
use crate::services::files::{FileInfo, FileName, FilesError};

/// A download under way. A file that is replaced meanwhile is still read as it was.
pub(super) struct Download {
    name: FileName,
    file: File,
    found: Stat,
    sum: Digester,
    _ticket: Ticket,
}

impl Download {
    /// Goes on behind what was summed up already, where the file stands.
    pub(super) fn new(name: FileName, file: File, found: Stat, sum: Digester, ticket: Ticket) -> Self {
        Self { name, file, found, sum, _ticket: ticket }
    }

    /// What is told of the file before its bytes.
    pub(super) fn info(&self) -> FileInfo {
        info(&self.name, &self.found)
    }

    /// Reads the next bytes into `buffer`, which is cut to what there is. Nothing is left in it at the end.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>) -> Result<(), FilesError> {
        let left = length(&self.found) - self.sum.length();
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = read_fully(&mut self.file, &mut buffer[..room]);
        let count = count.map_err(|error| FilesError::system("read a file", &error))?;
        if count < room {
            return Err(FilesError::Changed(self.name.to_string()));
        }
        buffer.truncate(count);
        self.sum.update(buffer);
        Ok(())
    }

    /// The checksum of the whole file, if it is still the one that it was.
    pub(super) fn finish(self) -> Result<Digest, FilesError> {
        let now = fstat(&self.file).map_err(|error| FilesError::system("look at a file", &error.into()))?;
        let stamp = |found: &Stat| (found.st_size, found.st_mtime, found.st_mtime_nsec);
        if stamp(&now) == stamp(&self.found) {
            Ok(self.sum.digest())
        } else {
            Err(FilesError::Changed(self.name.to_string()))
        }
    }
}

fn read_fully(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match file.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}
