//! How many bytes are in the folder, kept below a limit.

use std::os::fd::AsFd;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use crate::services::files::FilesError;
use crate::services::files::entries::each_entry;
use crate::services::files::folder::{Folder, length};
use crate::sync::lock;

/// How long a count is believed, since others may put files into the folder or take them away.
const FRESH: Duration = Duration::from_secs(60);

/// Folders in folders that are counted: more than a name can have.
const MAX_DEPTH: usize = 64;

/// The bytes in the folder, as they were counted, and those that came since.
pub(super) struct Usage {
    limit: Option<u64>,
    count: Mutex<Count>,
}

#[derive(Default)]
struct Count {
    bytes: u64,
    at: Option<Instant>,
}

impl Usage {
    pub(super) fn new(limit: Option<u64>) -> Self {
        Self { limit, count: Mutex::new(Count::default()) }
    }

    /// Takes room for bytes that are about to be written. Nothing is refused before it was counted anew.
    pub(super) fn take(&self, folder: &Folder, bytes: u64) -> Result<(), FilesError> {
        let Some(limit) = self.limit else { return Ok(()) };
        let mut count = lock(&self.count);
        for fresh in [FRESH, Duration::ZERO] {
            if count.at.is_none_or(|at| at.elapsed() >= fresh) {
                let counted = size_of_all(folder.root(), 0);
                count.bytes = counted.map_err(|error| FilesError::system("count its files", &error.into()))?;
                count.at = Some(Instant::now());
            }
            if count.bytes.saturating_add(bytes) <= limit {
                count.bytes += bytes;
                return Ok(());
            }
        }
        Err(FilesError::QuotaReached(limit))
    }
}

fn size_of_all(folder: impl AsFd, depth: usize) -> Result<u64, Errno> {
    let mut bytes = 0_u64;
    each_entry(folder, |folder, name, kind| {
        match kind {
            FileType::RegularFile => {
                let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
                bytes = bytes.saturating_add(found.as_ref().map_or(0, length));
            }
            FileType::Directory if depth < MAX_DEPTH => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                // What we may not read is not ours to count.
                if let Ok(inner) = openat(folder, name, flags, Mode::empty()) {
                    bytes = bytes.saturating_add(size_of_all(inner, depth + 1)?);
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(bytes)
}
