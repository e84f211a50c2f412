//! The calls to the system that fail for no fault of a peer's: in one place, so that tests can make them fail.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, fstatvfs, linkat, renameat, unlinkat};
use rustix::io::Errno;

/// A disk that can be full, broken or read-only.
pub(super) trait Disk: Send + Sync {
    /// Writes some of the bytes, and says how many.
    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    /// Returns when all that was written into a file or folder is on disk.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// Gives a file its name, in place of one of the same name if `replace` says so.
    fn publish(&self, from: Entry<'_>, to: Entry<'_>, replace: bool) -> io::Result<()> {
        if replace {
            return Ok(renameat(from.folder, from.name, to.folder, to.name)?);
        }
        rename_new(from, to)
    }

    /// The bytes that are free for us.
    fn free(&self, folder: BorrowedFd<'_>) -> io::Result<u64> {
        let room = fstatvfs(folder)?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }
}

/// The disk that there is.
pub(super) struct RealDisk;

impl Disk for RealDisk {}

/// A name in a folder that is open.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) folder: BorrowedFd<'a>,
    pub(super) name: &'a str,
}

/// A rename that replaces nothing, whoever else does the same at that moment.
fn rename_new(from: Entry<'_>, to: Entry<'_>) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{RenameFlags, renameat_with};
        match renameat_with(from.folder, from.name, to.folder, to.name, RenameFlags::NOREPLACE) {
            // Not every kernel or file system can; each that has hard links can do the same with one.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            outcome => return Ok(outcome?),
        }
    }
    link_new(from, to)
}

/// The same with a second name, of which the first is taken away.
pub(super) fn link_new(from: Entry<'_>, to: Entry<'_>) -> io::Result<()> {
    linkat(from.folder, from.name, to.folder, to.name, AtFlags::empty())?;
    // The file has its name; a second one that is left behind is taken away with the next unfinished uploads.
    match unlinkat(from.folder, from.name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => {
            tracing::warn!("cannot take away the first name of a new file: {error}");
            Ok(())
        }
    }
}

/// Writes all of the bytes.
pub(super) fn write_all(disk: &dyn Disk, file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match disk.write(file, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
