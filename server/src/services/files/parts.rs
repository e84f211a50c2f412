//! Unfinished uploads: a folder in the folder, which no name reaches. Each part belongs to one upload at a time; those that broke off
//! wait for their client to come back, within bounds.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bulla_core::bytes::Digester;
use bulla_core::text::escape;
use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, mkdirat, openat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::services::files::disk::Entry;
use crate::services::files::entries::each_entry;
use crate::services::files::folder::length;
use crate::services::files::usage::Usage;
use crate::services::files::{FileName, FilesError, FilesLimits, FolderError};
use crate::sync::lock;

/// The folder of the parts. It begins with a point, as no segment of a name does.
const FOLDER: &str = ".bulla-parts";

/// Parts that may be gone on with, and parts that may not.
const KEPT: &str = "keep-";
const PASSING: &str = "pass-";

/// The longest name of an upload.
const MAX_UPLOAD: usize = 64;

/// What tells one upload from another: who sends it, what it becomes, and what the client calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UploadKey(String);

impl UploadKey {
    pub(super) fn new(peer: Option<&str>, name: &FileName, upload: &str) -> Result<Self, FilesError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if upload.is_empty() || upload.len() > MAX_UPLOAD || !upload.bytes().all(fits) {
            let reason = format!("an upload is called by 1 to {MAX_UPLOAD} of A–Z a–z 0–9 _ -");
            return Err(FilesError::Request(reason));
        }
        let mut sum = Digester::default();
        // A zero byte is in none of these, and keys without a name are told from those with one.
        for text in [if peer.is_some() { "named" } else { "" }, peer.unwrap_or_default(), name.as_str(), upload] {
            sum.update(text.as_bytes());
            sum.update(&[0]);
        }
        Ok(Self(format!("{KEPT}{}", &sum.digest().to_string()[..32])))
    }

    /// The name of its part.
    pub(super) fn file_name(&self) -> &str {
        &self.0
    }
}

/// All parts.
pub(super) struct Parts {
    folder: OwnedFd,
    limits: FilesLimits,
    usage: Arc<Usage>,
    /// The uploads under way, by the names of their parts.
    under_way: Mutex<HashMap<String, Arc<Turn>>>,
    passed: AtomicU64,
    /// What was left since somebody looked.
    left: Mutex<Left>,
}

/// Uploads that broke off.
#[derive(Default)]
struct Left {
    parts: usize,
    bytes: u64,
}

/// Whose turn it is to write a part: the upload with this number. Held while something is written.
#[derive(Default)]
struct Turn(Mutex<u64>);

impl Parts {
    /// Opens the folder of the parts, or makes it, and keeps other servers out of it.
    pub(super) fn open(
        root: BorrowedFd<'_>,
        path: &Path,
        limits: FilesLimits,
        usage: Arc<Usage>,
    ) -> Result<Self, FolderError> {
        let shown = || escape(&path.join(FOLDER).display(), 300);
        let failed = |action: &'static str| {
            move |error: Errno| FolderError::System { path: shown(), action, reason: error.to_string() }
        };
        match mkdirat(root, FOLDER, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(failed("make")(error)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(root, FOLDER, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOTDIR | Errno::LOOP => FolderError::NotAFolder(shown()),
            error => failed("open")(error),
        })?;
        let found = fstat(&folder).map_err(failed("look at"))?;
        let (user, mode) = (geteuid().as_raw(), found.st_mode & 0o7777);
        if found.st_uid != user {
            return Err(FolderError::NotOurs { path: shown(), owner: found.st_uid, user });
        }
        if mode & 0o022 != 0 {
            return Err(FolderError::TooOpen { path: shown(), mode });
        }
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(FolderError::InUse(escape(&path.display(), 300))),
            Err(error) => return Err(failed("lock")(error)),
        }
        let (under_way, passed, left) = (Mutex::default(), AtomicU64::new(0), Mutex::default());
        let parts = Self { folder, limits, usage, under_way, passed, left };
        parts.tidy(SystemTime::now()).map_err(failed("tidy"))?;
        Ok(parts)
    }

    /// How much there is of an upload.
    pub(super) fn length(&self, key: &UploadKey) -> Result<u64, FilesError> {
        match statat(&self.folder, key.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if is_ours(&found) => Ok(length(&found)),
            Ok(_) | Err(Errno::NOENT) => Ok(0),
            Err(error) => Err(FilesError::system("look for an unfinished upload", &error.into())),
        }
    }

    /// The part of an upload, for this one alone: whoever had it before writes no more. Without a key, a new one that goes with its
    /// upload.
    pub(super) fn claim(self: &Arc<Self>, key: Option<UploadKey>) -> Result<Part, FilesError> {
        let (name, keep) = match key {
            Some(UploadKey(name)) => (name, true),
            None => (format!("{PASSING}{}", self.passed.fetch_add(1, Ordering::Relaxed)), false),
        };
        let turn = Arc::clone(lock(&self.under_way).entry(name.clone()).or_default());
        let number = {
            let mut number = lock(&turn.0);
            *number += 1;
            *number
        };
        let mut part = Part { parts: Arc::clone(self), name, turn, number, keep, file: None };
        // The file is opened in our turn, so that it is not one that the upload before is about to publish.
        let held = part.hold()?;
        let file = self.open_part(&part.name)?;
        drop(held);
        part.file = Some(file);
        Ok(part)
    }

    fn open_part(&self, name: &str) -> Result<File, FilesError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let failed = |error: Errno| match error {
            Errno::NOENT => FilesError::Vanished,
            error => FilesError::system("make a file", &error.into()),
        };
        let open = || openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR).map_err(failed);
        let file = open()?;
        if is_ours(&fstat(&file).map_err(failed)?) {
            return Ok(file.into());
        }
        // One that is also a finished file must not be written.
        unlinkat(&self.folder, name, AtFlags::empty()).map_err(failed)?;
        Ok(open()?.into())
    }

    /// Takes away what nobody can go on with, what is too old, and the oldest of what is too much.
    pub(super) fn tidy(&self, now: SystemTime) -> Result<(), Errno> {
        *lock(&self.left) = Left::default();
        let under_way = lock(&self.under_way);
        let mut waiting = Vec::new();
        each_entry(&self.folder, |folder, name, _| {
            if under_way.contains_key(name) {
                return Ok(());
            }
            let Ok(found) = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else { return Ok(()) };
            let age = now.duration_since(modified(&found)).unwrap_or_default();
            if !name.starts_with(KEPT) || !is_ours(&found) || age >= self.limits.part_age {
                self.take_away(name, length(&found));
            } else {
                waiting.push((age, name.to_owned(), length(&found)));
            }
            Ok(())
        })?;
        waiting.sort_unstable();
        let mut bytes = 0_u64;
        for (place, (_, name, length)) in waiting.iter().enumerate() {
            bytes = bytes.saturating_add(*length);
            if place >= self.limits.parts || bytes > self.limits.part_bytes {
                self.take_away(name, *length);
            }
        }
        Ok(())
    }

    /// An upload broke off. No matter how fast they do, what is left is at most twice what may be.
    fn note_left(&self, bytes: u64) {
        let mut left = lock(&self.left);
        left.parts += 1;
        left.bytes = left.bytes.saturating_add(bytes);
        let is_too_much = left.parts > self.limits.parts || left.bytes > self.limits.part_bytes;
        drop(left);
        if is_too_much {
            self.tidy_or_warn(SystemTime::now());
        }
    }

    /// As [`tidy`](Self::tidy), where nobody waits for the outcome.
    pub(super) fn tidy_or_warn(&self, now: SystemTime) {
        if let Err(error) = self.tidy(now) {
            tracing::warn!("cannot look through the unfinished uploads: {error}");
        }
    }

    fn take_away(&self, name: &str, length: u64) {
        match unlinkat(&self.folder, name, AtFlags::empty()) {
            Ok(()) => self.usage.give_back(length),
            Err(Errno::NOENT) => {}
            Err(error) => tracing::warn!("cannot take away the unfinished upload {}: {error}", escape(name, 80)),
        }
    }
}

/// A part that one upload writes.
pub(super) struct Part {
    parts: Arc<Parts>,
    name: String,
    turn: Arc<Turn>,
    number: u64,
    /// Whether it stays when the upload breaks off.
    keep: bool,
    /// `None` before it is open, and when it is a part no more.
    file: Option<File>,
}

/// The right to write a part, for as long as this is there.
pub(super) type Held<'a> = MutexGuard<'a, u64>;

impl Part {
    /// Waits until nobody else writes, and sees to it that nobody does.
    pub(super) fn hold(&self) -> Result<Held<'_>, FilesError> {
        let number = lock(&self.turn.0);
        if *number == self.number { Ok(number) } else { Err(FilesError::TakenOver) }
    }

    /// The file, open for reading and writing.
    pub(super) fn file(&self) -> &File {
        self.file.as_ref().expect("a part that was claimed is open until it is published")
    }

    /// Where it stands.
    pub(super) fn entry(&self) -> Entry<'_> {
        Entry { folder: self.parts.folder.as_fd(), name: &self.name }
    }

    /// It is no part any more.
    pub(super) fn into_published(mut self) {
        self.file = None;
    }

    /// Nothing of it is kept.
    pub(super) fn discard(mut self) {
        self.keep = false;
    }
}

impl Part {
    /// The bytes that stay for another upload to go on with; with nothing, nobody does.
    fn leave(&self) -> u64 {
        let Some(file) = &self.file else { return 0 };
        let Ok(_held) = self.hold() else { return 0 };
        let length = file.metadata().map_or(0, |found| found.len());
        if self.keep && length > 0 {
            return length;
        }
        self.parts.take_away(&self.name, length);
        0
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let left = self.leave();
        let mut under_way = lock(&self.parts.under_way);
        // Ours and the table's: nobody else waits for a turn.
        if Arc::strong_count(&self.turn) == 2 {
            under_way.remove(&self.name);
        }
        // Under the lock: of two that go at once, the last one is to see that it is.
        drop(std::mem::take(&mut self.turn));
        drop(under_way);
        if left > 0 {
            self.parts.note_left(left);
        }
    }
}

/// Whether it is an ordinary file with one name, that of a part.
fn is_ours(found: &Stat) -> bool {
    FileType::from_raw_mode(found.st_mode) == FileType::RegularFile && found.st_nlink == 1
}

fn modified(found: &Stat) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(found.st_mtime).unwrap_or_default())
}
