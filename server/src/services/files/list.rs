//! Which files there are: one page of them, in order, without ever holding more than a page.

use std::collections::BinaryHeap;
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, Mode, OFlags, Stat, openat};
use rustix::io::Errno;

use crate::services::files::entries::each_entry;
use crate::services::files::folder::{Folder, check_ordinary, length};
use crate::services::files::name::{MAX_SEGMENTS, check_segment};
use crate::services::files::pattern::Pattern;
use crate::services::files::{FileInfo, FileName, FilesError, ListReply, ListRequest};

/// The most files that one `files.list` gives.
pub const MAX_LIST: u32 = 1000;

/// Bytes of names after which a page ends, so that it fits a message.
const LIST_BYTES: usize = 256 << 10;

/// The last second of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// One page of the files in a folder.
pub(super) fn list(folder: &Folder, request: &ListRequest) -> Result<ListReply, FilesError> {
    let mut search = Search::parse(request)?;
    if folder.is_gone() {
        return Err(FilesError::Vanished);
    }
    let looked = search.look_into(folder.root(), None);
    looked.map_err(|error| FilesError::system("read a folder", &error.into()))?;
    let mut names = search.found.into_sorted_vec();
    let mut more = names.len() > search.limit;
    names.truncate(search.limit);
    let (mut files, mut bytes) = (Vec::with_capacity(names.len()), 0);
    for name in names {
        bytes += name.as_str().len();
        if bytes > LIST_BYTES && !files.is_empty() {
            more = true;
            break;
        }
        // What was removed meanwhile, or is no file any more, is not listed.
        if let Ok(Some(found)) = folder.look(&name)
            && check_ordinary(&name, &found).is_ok()
        {
            files.push(info(&name, &found));
        }
    }
    Ok(ListReply { files, more })
}

/// What is told of a file.
pub(super) fn info(name: &FileName, found: &Stat) -> FileInfo {
    FileInfo { name: name.to_string(), size: length(found), modified: modified(found) }
}

fn modified(found: &Stat) -> String {
    // What is before 1970 or after 9999 has no such text.
    let seconds = u64::try_from(found.st_mtime).unwrap_or_default().min(LAST_SECOND);
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

struct Search {
    pattern: Option<Pattern>,
    after: Option<FileName>,
    limit: usize,
    /// The first names that were found, the last of them on top: one more than the limit.
    found: BinaryHeap<FileName>,
}

impl Search {
    fn parse(request: &ListRequest) -> Result<Self, FilesError> {
        let limit = request.limit.unwrap_or(MAX_LIST);
        if limit == 0 || limit > MAX_LIST {
            return Err(FilesError::Request(format!("a limit is 1 to {MAX_LIST}, this is {limit}")));
        }
        let pattern = request.pattern.as_deref().map(Pattern::parse).transpose();
        Ok(Self {
            pattern: pattern.map_err(|error| FilesError::Request(error.to_string()))?,
            after: request.after.as_deref().map(str::parse).transpose()?,
            limit: limit as usize,
            found: BinaryHeap::new(),
        })
    }

    /// Looks into a folder and those in it. `above` is the folder's name, `None` at the top.
    fn look_into(&mut self, folder: impl AsFd, above: Option<&FileName>) -> Result<(), Errno> {
        each_entry(folder, |folder, segment, kind| {
            // What no name reaches is not there: hidden files, and what is ours alone.
            if check_segment(segment).is_err() {
                return Ok(());
            }
            let path = above.map_or_else(|| segment.to_owned(), |above| format!("{above}/{segment}"));
            let Ok(name) = path.parse::<FileName>() else { return Ok(()) };
            match kind {
                FileType::RegularFile => self.take(name),
                FileType::Directory if self.may_hold(&name) => {
                    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    // A folder that went away, or that we may not read, hides what is in it and nothing else.
                    if let Ok(inner) = openat(folder, segment, flags, Mode::empty()) {
                        self.look_into(inner, Some(&name))?;
                    }
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn take(&mut self, name: FileName) {
        let too_early = self.after.as_ref().is_some_and(|after| name <= *after);
        if too_early || self.is_beyond(&name) || self.pattern.as_ref().is_some_and(|pattern| !pattern.matches(&name)) {
            return;
        }
        self.found.push(name);
        if self.found.len() > self.limit + 1 {
            self.found.pop();
        }
    }

    /// Whether a page is full of names before this one.
    fn is_beyond(&self, name: &FileName) -> bool {
        self.found.len() > self.limit && self.found.peek().is_some_and(|last| name > last)
    }

    /// Whether a folder can hold names of this page: all of them come right after its own.
    fn may_hold(&self, folder: &FileName) -> bool {
        let too_early = self.after.as_ref().is_some_and(|after| {
            folder < after && !after.segments().take(folder.segments().count()).eq(folder.segments())
        });
        !too_early && !self.is_beyond(folder) && folder.segments().count() < MAX_SEGMENTS
    }
}
