//! How many bytes are in the folder, kept below a limit.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use crate::services::files::FilesError;
use crate::services::files::entries::each_entry;
use crate::services::files::folder::{Folder, length};
use crate::sync::lock;

/// How long a count is believed, since others may put files into the folder or take them away.
const FRESH: Duration = Duration::from_secs(60);

/// How long it is believed when it says that there is no room.
const FULL: Duration = Duration::from_secs(1);

/// Counting takes one part of the time in so many at most.
const SHARE: u32 = 10;

/// Folders in folders that are counted: more than a name can have.
const MAX_DEPTH: usize = 64;

/// The bytes in the folder: as they were counted, with what came since and without what went.
pub(super) struct Usage {
    limit: Option<u64>,
    count: Mutex<Count>,
    /// Held by whoever counts.
    counting: Mutex<()>,
}

#[derive(Default)]
struct Count {
    bytes: u64,
    /// Bytes that came since the last count began, or were about to.
    came: u64,
    /// Bytes that have room and are not written yet.
    pending: u64,
    /// When the last count was done, and how long it took.
    done: Option<(Instant, Duration)>,
}

impl Usage {
    pub(super) fn new(limit: Option<u64>) -> Self {
        Self { limit, count: Mutex::default(), counting: Mutex::default() }
    }

    /// Takes room for bytes that are about to be written.
    pub(super) fn take(self: &Arc<Self>, folder: &Folder, bytes: u64) -> Result<Room, FilesError> {
        let size = || size_of_all(folder.root(), 0);
        let taken =
            self.take_from(bytes, &size).map_err(|error| FilesError::system("count its files", &error.into()))?;
        match self.limit {
            Some(limit) if !taken => Err(FilesError::QuotaReached(limit)),
            _ => Ok(Room { usage: Arc::clone(self), bytes, is_filled: false }),
        }
    }

    /// Bytes are written that had taken room, or will not be.
    fn settle(&self, bytes: u64) {
        let mut count = lock(&self.count);
        count.pending = count.pending.saturating_sub(bytes);
    }

    /// Bytes that had taken room are gone.
    pub(super) fn give_back(&self, bytes: u64) {
        let mut count = lock(&self.count);
        count.bytes = count.bytes.saturating_sub(bytes);
    }

    fn take_from(&self, bytes: u64, size: &dyn Fn() -> Result<u64, Errno>) -> Result<bool, Errno> {
        let Some(limit) = self.limit else { return Ok(true) };
        for believed in [FRESH, FULL] {
            self.count_again(believed, size)?;
            let mut count = lock(&self.count);
            if count.bytes.saturating_add(bytes) <= limit {
                count.bytes += bytes;
                count.came += bytes;
                count.pending += bytes;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Counts, if the last count is older than that and nobody else is at it. Others write on meanwhile, but for the first time.
    fn count_again(&self, believed: Duration, size: &dyn Fn() -> Result<u64, Errno>) -> Result<(), Errno> {
        let is_believed = |count: &Count| {
            count.done.is_some_and(|(done, took)| done.elapsed() < believed.max(took.saturating_mul(SHARE)))
        };
        if is_believed(&lock(&self.count)) {
            return Ok(());
        }
        let _counting = match self.counting.try_lock() {
            Ok(counting) => counting,
            Err(_) if lock(&self.count).done.is_some() => return Ok(()),
            Err(_) => lock(&self.counting),
        };
        let mut count = lock(&self.count);
        if is_believed(&count) {
            return Ok(());
        }
        count.came = count.pending;
        drop(count);
        let begin = Instant::now();
        let size = size()?;
        let mut count = lock(&self.count);
        // What came meanwhile may or may not have been seen: no limit is exceeded for that.
        count.bytes = size.saturating_add(count.came);
        count.done = Some((Instant::now(), begin.elapsed()));
        Ok(())
    }
}

/// Room for bytes that are about to be written. Dropped without them, it is given back.
pub(super) struct Room {
    usage: Arc<Usage>,
    bytes: u64,
    is_filled: bool,
}

impl Room {
    /// The bytes are written.
    pub(super) fn fill(mut self) {
        self.is_filled = true;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.usage.settle(self.bytes);
        if !self.is_filled {
            self.usage.give_back(self.bytes);
        }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_folder_that_is_full_is_not_counted_for_each_that_is_refused() {
        let (usage, counts) = (Usage::new(Some(1000)), AtomicUsize::new(0));
        let size = || {
            counts.fetch_add(1, Ordering::Relaxed);
            Ok(900)
        };
        let begin = Instant::now();
        assert_eq!(usage.take_from(100, &size), Ok(true));
        for _ in 0..10_000 {
            assert_eq!(usage.take_from(1, &size), Ok(false));
        }
        let most = 1 + begin.elapsed().as_millis() as usize / FULL.as_millis() as usize;
        assert!(counts.load(Ordering::Relaxed) <= most);
        usage.give_back(50);
        assert_eq!(usage.take_from(51, &size), Ok(false));
        assert_eq!(usage.take_from(50, &size), Ok(true), "what goes makes room at once");
    }

    #[test]
    fn what_others_do_in_the_folder_is_seen_when_the_count_is_old() {
        let (usage, size) = (Usage::new(Some(1000)), AtomicU64::new(1000));
        let size_now = || Ok(size.load(Ordering::Relaxed));
        assert_eq!(usage.take_from(1, &size_now), Ok(false));
        size.store(500, Ordering::Relaxed);
        let age = |by| lock(&usage.count).done = Instant::now().checked_sub(by).map(|done| (done, Duration::ZERO));
        age(FULL);
        assert_eq!(usage.take_from(400, &size_now), Ok(true));
        usage.settle(400);
        size.store(1000, Ordering::Relaxed);
        age(FULL);
        assert_eq!(usage.take_from(100, &size_now), Ok(true), "not counted again as long as there is room");
        usage.settle(100);
        age(FRESH);
        assert_eq!(usage.take_from(0, &size_now), Ok(true));
        assert_eq!(usage.take_from(1, &size_now), Ok(false));
    }

    #[test]
    fn what_comes_while_somebody_counts_is_counted() {
        let usage = Usage::new(Some(1000));
        assert_eq!(usage.take_from(0, &|| Ok(100)), Ok(true));
        lock(&usage.count).done = Instant::now().checked_sub(FRESH).map(|done| (done, Duration::ZERO));
        let size = || {
            // Another writes, and waits for nobody.
            assert_eq!(usage.take_from(300, &|| panic!("somebody is at it")), Ok(true));
            Ok(100)
        };
        assert_eq!(usage.take_from(600, &size), Ok(true));
        assert_eq!(usage.take_from(1, &|| Ok(0)), Ok(false));
    }

    #[test]
    fn what_is_about_to_be_written_when_a_count_begins_is_counted() {
        let usage = Usage::new(Some(1000));
        assert_eq!(usage.take_from(600, &|| Ok(0)), Ok(true));
        lock(&usage.count).done = Instant::now().checked_sub(FRESH).map(|done| (done, Duration::ZERO));
        assert_eq!(usage.take_from(600, &|| Ok(0)), Ok(false), "the 600 are on their way");
        usage.settle(600);
    }
}
