//! Where a fetched file goes: a part beside it, and a rename when it is whole.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bulla_core::bytes::Digester;
use rustix::fs::{
    AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, flock, fstat, linkat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::TransferError;
use super::error::shown;

/// The file in the making. Dropped, it stays as a part, to be gone on with.
pub(super) struct LocalPart<'p> {
    path: &'p Path,
    folder: OwnedFd,
    name: PathBuf,
    part: String,
    pub(super) file: File,
}

impl<'p> LocalPart<'p> {
    /// Opens the part of a file, or makes it; it is ours alone, and nobody else fetches the same file meanwhile.
    pub(super) fn open(path: &'p Path, replace: bool) -> Result<Self, TransferError> {
        let Some(name) = path.file_name() else { return Err(TransferError::NotAFile(shown(path))) };
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let failed = |action, path| move |error: Errno| TransferError::local(action, path)(error.into());
        let folder = openat(CWD, above, flags, Mode::empty()).map_err(failed("open the folder", above))?;
        match statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile => {
                return Err(TransferError::NotAFile(shown(path)));
            }
            Ok(_) if !replace => return Err(TransferError::Exists(shown(path))),
            Ok(_) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failed("look at", path)(error)),
        }
        let part = part_name(name.as_bytes());
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        // What was sealed on its way is for its owner alone.
        let file = openat(&folder, &*part, flags, Mode::RUSR | Mode::WUSR).map_err(failed("make a part of", path))?;
        match lock(&folder, &part, &file) {
            Ok(true) => {}
            Ok(false) => return Err(TransferError::Busy(shown(path))),
            Err(error) => return Err(failed("lock the part of", path)(error)),
        }
        let found = fstat(&file).map_err(failed("look at the part of", path))?;
        let ordinary = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
        if !ordinary || found.st_nlink != 1 || found.st_uid != geteuid().as_raw() {
            return Err(TransferError::NotAFile(shown(&above.join(&part))));
        }
        Ok(Self { path, folder, name: name.into(), part, file: file.into() })
    }

    /// The bytes that are there.
    pub(super) fn length(&self) -> Result<u64, TransferError> {
        self.file.metadata().map(|found| found.len()).map_err(TransferError::local("look at the part of", self.path))
    }

    /// Nothing of it is kept.
    pub(super) fn discard(self) {
        // One that stays is dropped by the next try.
        let _ = unlinkat(&self.folder, &*self.part, AtFlags::empty());
    }

    /// Gives it its name. When this returns, it is on disk.
    pub(super) fn publish(self, replace: bool) -> Result<(), TransferError> {
        self.file.sync_all().map_err(TransferError::local("write", self.path))?;
        let named = if replace {
            renameat(&self.folder, &*self.part, &self.folder, &self.name)
        } else {
            rename_new(&self.folder, &self.part, &self.name)
        };
        match named {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(TransferError::Exists(shown(self.path))),
            Err(error) => return Err(TransferError::local("write", self.path)(error.into())),
        }
        let folder = File::from(self.folder);
        folder.sync_all().map_err(TransferError::local("write the folder of", self.path))
    }
}

/// Keeps others out of a part; `false` if somebody has it, or had it when it was opened and has made a file of it since.
fn lock(folder: &impl AsFd, part: &str, file: &impl AsFd) -> Result<bool, Errno> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(false),
        Err(error) => return Err(error),
    }
    let ours = fstat(file)?;
    match statat(folder, part, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok((found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A rename that replaces nothing.
fn rename_new(folder: &impl AsFd, part: &str, name: &Path) -> Result<(), Errno> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{RenameFlags, renameat_with};
        match renameat_with(folder, part, folder, name, RenameFlags::NOREPLACE) {
            // Not every kernel or file system can; each that has hard links can do the same with one.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            outcome => return outcome,
        }
    }
    linkat(folder, part, folder, name, AtFlags::empty())?;
    unlinkat(folder, part, AtFlags::empty())
}

/// The name of the part, hidden and of bounded length: what goes before it tells people what it is.
fn part_name(name: &[u8]) -> String {
    let mut digester = Digester::default();
    digester.update(name);
    format!(".bulla-part-{}", &digester.digest().to_string()[..32])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_part_that_became_a_file_between_opening_and_locking_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let first = LocalPart::open(&path, false).unwrap();
        assert!(matches!(LocalPart::open(&path, false).err(), Some(TransferError::Busy(_))));
        // As another program does that is about to fetch the same file.
        let second = File::open(folder.path().join(&first.part)).unwrap();
        let (part, around) = (first.part.clone(), first.folder.try_clone().unwrap());
        first.publish(false).unwrap();
        assert_eq!(lock(&around, &part, &second), Ok(false), "it is the whole file now");
        fs::remove_file(&path).unwrap();
        let third = LocalPart::open(&path, false).unwrap();
        assert_eq!(lock(&around, &part, &second), Ok(false), "it is another one");
        drop(third);
    }
}
