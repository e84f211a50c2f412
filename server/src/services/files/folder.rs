//! The one folder, and the way to what is in it: component by component, each opened from the one before, no symbolic link followed.
//!
//! A [`FileName`] has no segment that leads up or elsewhere; what the file system may hold against us (links that somebody put there,
//! folders that are exchanged meanwhile) each `openat` refuses by itself. That is what `openat2` with `RESOLVE_BENEATH` and
//! `RESOLVE_NO_SYMLINKS` does in one call, and it is the same on every system.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use bulla_core::text::escape;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, mkdirat, openat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::services::files::disk::{Disk, Entry};
use crate::services::files::{FileName, FilesError, FolderError};

/// The longest part of a path that an error shows, in characters.
const MAX_PATH: usize = 300;

/// How often the folders of a name are made again if somebody removes them before the file is there.
const TRIES: usize = 64;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A FIFO must not make us wait, and a terminal not become ours.
const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// New folders are ours alone, as new files are.
const PRIVATE: Mode = Mode::RWXU;

/// The folder that is served.
pub(super) struct Folder {
    root: OwnedFd,
}

/// The folders of a name, each opened from the one before.
#[derive(Default)]
struct Chain {
    folders: Vec<OwnedFd>,
    /// Some of them are new.
    made: bool,
}

impl Folder {
    /// Opens a folder that no other user can have a hand in.
    pub(super) fn open(path: &Path) -> Result<Self, FolderError> {
        let shown = || escape(&path.display(), MAX_PATH);
        let failed = |action: &'static str| {
            move |error: Errno| FolderError::System { path: shown(), action, reason: error.to_string() }
        };
        let root = openat(CWD, path, FOLDER, Mode::empty()).map_err(|error| match error {
            Errno::NOENT => FolderError::NotFound(shown()),
            Errno::NOTDIR | Errno::LOOP => FolderError::NotAFolder(shown()),
            error => failed("open")(error),
        })?;
        let found = fstat(&root).map_err(failed("look at"))?;
        let user = geteuid().as_raw();
        if found.st_uid != user {
            return Err(FolderError::NotOurs { path: shown(), owner: found.st_uid, user });
        }
        let mode = found.st_mode & 0o7777;
        if mode & 0o022 != 0 {
            return Err(FolderError::TooOpen { path: shown(), mode });
        }
        Ok(Self { root })
    }

    /// The folder itself.
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// An ordinary file, for reading, and what is known of it.
    pub(super) fn read(&self, name: &FileName) -> Result<(File, Stat), FilesError> {
        let chain = self.descend(name, false)?;
        let (_, segment) = name.split();
        let file = openat(self.last(&chain), segment, FILE, Mode::empty()).map_err(|error| match error {
            Errno::LOOP | Errno::NXIO => FilesError::NotAFile(name.to_string()),
            error => self.failed("open a file", name, error),
        })?;
        let found = fstat(&file).map_err(|error| self.failed("look at a file", name, error))?;
        check_ordinary(name, &found)?;
        Ok((file.into(), found))
    }

    /// What stands under a name, if anything does. It may be no ordinary file.
    pub(super) fn look(&self, name: &FileName) -> Result<Option<Stat>, FilesError> {
        let found = self.descend(name, false).and_then(|chain| {
            let (_, segment) = name.split();
            let found = statat(self.last(&chain), segment, AtFlags::SYMLINK_NOFOLLOW);
            found.map_err(|error| self.failed("look for a file", name, error))
        });
        match found {
            Ok(found) => Ok(Some(found)),
            Err(FilesError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives what stands at `from` its name, and makes the folders of the name. When this returns, it is on disk. Gives
    /// the length of the file that was there before, if there was one.
    pub(super) fn publish(
        &self,
        disk: &dyn Disk,
        from: Entry<'_>,
        name: &FileName,
        replace: bool,
    ) -> Result<Option<u64>, FilesError> {
        for _ in 0..TRIES {
            let before = self.look(name)?;
            match &before {
                Some(_) if !replace => return Err(FilesError::Exists(name.to_string())),
                Some(found) => check_ordinary(name, found)?,
                None => {}
            }
            let chain = match self.descend(name, true) {
                // It was removed again before it was opened.
                Err(FilesError::NotFound(_)) => continue,
                chain => chain?,
            };
            let (_, segment) = name.split();
            let folder = self.last(&chain);
            match disk.publish(from, Entry { folder, name: segment }, replace) {
                Ok(()) => {
                    self.sync(disk, &chain)?;
                    return Ok(before.as_ref().map(length));
                }
                // It went with the last file in it.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !self.is_gone() => {}
                Err(error) => return Err(self.refused(name, &error)),
            }
        }
        let reason = "its folder is removed again and again".to_owned();
        Err(FilesError::System { action: "give a file its name", reason })
    }

    /// Takes a file away, and the folders of its name that are empty then. Gives its length.
    pub(super) fn remove(&self, disk: &dyn Disk, name: &FileName) -> Result<u64, FilesError> {
        let mut chain = self.descend(name, false)?;
        let (folders, segment) = name.split();
        let last = self.last(&chain);
        let failed = |error| self.failed("remove a file", name, error);
        let found = statat(last, segment, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        check_ordinary(name, &found)?;
        unlinkat(last, segment, AtFlags::empty()).map_err(failed)?;
        self.sync(disk, &chain)?;
        for folder in folders.rev() {
            chain.folders.pop();
            // One that holds something stays, and so do those above it.
            if unlinkat(self.last(&chain), folder, AtFlags::REMOVEDIR).is_err() {
                break;
            }
        }
        Ok(length(&found))
    }

    /// The folders of a name, each opened from the one before.
    fn descend(&self, name: &FileName, make: bool) -> Result<Chain, FilesError> {
        let mut chain = Chain::default();
        let (folders, _) = name.split();
        for segment in folders {
            let above = self.last(&chain);
            let mut next = openat(above, segment, FOLDER, Mode::empty());
            if make && matches!(next, Err(Errno::NOENT)) {
                match mkdirat(above, segment, PRIVATE) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(self.failed("make a folder", name, error)),
                }
                next = openat(above, segment, FOLDER, Mode::empty());
                chain.made = true;
            }
            chain.folders.push(next.map_err(|error| self.failed("open a folder", name, error))?);
        }
        Ok(chain)
    }

    fn last<'a>(&'a self, chain: &'a Chain) -> BorrowedFd<'a> {
        chain.folders.last().unwrap_or(&self.root).as_fd()
    }

    /// Returns when the names in the last folder are on disk, and if some are new, those of the folders, too.
    fn sync(&self, disk: &dyn Disk, chain: &Chain) -> Result<(), FilesError> {
        let all = std::iter::once(&self.root).chain(&chain.folders).rev();
        all.take(if chain.made { usize::MAX } else { 1 }).try_for_each(|folder| {
            let folder = folder.try_clone().map(File::from);
            let synced = folder.and_then(|folder| disk.sync(&folder));
            synced.map_err(|error| FilesError::system("write a folder to disk", &error))
        })
    }

    /// Whether the folder was removed while we have it open.
    pub(super) fn is_gone(&self) -> bool {
        fstat(&self.root).is_ok_and(|found| found.st_nlink == 0)
    }

    /// Why a file did not get its name.
    fn refused(&self, name: &FileName, error: &io::Error) -> FilesError {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::EXIST) => FilesError::Exists(name.to_string()),
            Some(Errno::ISDIR | Errno::NOTEMPTY) => FilesError::NotAFile(name.to_string()),
            Some(Errno::XDEV) => FilesError::OtherFileSystem(name.to_string()),
            Some(errno) => self.failed("give a file its name", name, errno),
            None => FilesError::system("give a file its name", error),
        }
    }

    fn failed(&self, action: &'static str, name: &FileName, error: Errno) -> FilesError {
        match error {
            Errno::NOENT if self.is_gone() => FilesError::Vanished,
            Errno::NOENT => FilesError::NotFound(name.to_string()),
            Errno::NOTDIR | Errno::LOOP => FilesError::NotAFolder(name.to_string()),
            Errno::NAMETOOLONG => FilesError::NameTooLong(name.to_string()),
            error => FilesError::system(action, &error.into()),
        }
    }
}

/// Whether it is a file with bytes in it, not a folder, link, pipe or device.
pub(super) fn check_ordinary(name: &FileName, found: &Stat) -> Result<(), FilesError> {
    if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile {
        Ok(())
    } else {
        Err(FilesError::NotAFile(name.to_string()))
    }
}

/// The bytes of a file.
pub(super) fn length(found: &Stat) -> u64 {
    u64::try_from(found.st_size).unwrap_or_default()
}
