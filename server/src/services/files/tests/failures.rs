//! A disk that is full, broken, read-only or gone, and limits that are reached.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

use super::*;
use crate::services::files::disk::Entry;

/// A disk that does as it is told.
#[derive(Default)]
struct Faulty {
    /// Bytes that it takes before it fails.
    takes: Option<AtomicU64>,
    /// How it fails then; without this it just takes no more.
    write: Option<Errno>,
    sync: Option<Errno>,
    publish: Option<Errno>,
    free: Option<u64>,
    /// At most so many bytes a call.
    most: Option<usize>,
}

impl Disk for Faulty {
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        let mut bytes = &bytes[..bytes.len().min(self.most.unwrap_or(usize::MAX))];
        if let Some(left) = &self.takes {
            let room = usize::try_from(left.load(Ordering::Relaxed)).unwrap().min(bytes.len());
            if room == 0 {
                return self.write.map_or(Ok(0), |error| Err(error.into()));
            }
            bytes = &bytes[..room];
            left.fetch_sub(room as u64, Ordering::Relaxed);
        }
        RealDisk.write(file, bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.sync.map_or_else(|| RealDisk.sync(file), |error| Err(error.into()))
    }

    fn publish(&self, from: Entry<'_>, to: Entry<'_>, replace: bool) -> io::Result<()> {
        self.publish.map_or_else(|| RealDisk.publish(from, to, replace), |error| Err(error.into()))
    }

    fn free(&self, folder: BorrowedFd<'_>) -> io::Result<u64> {
        self.free.map_or_else(|| RealDisk.free(folder), Ok)
    }
}

fn put_on(disk: Faulty) -> (Place, FilesError) {
    let place = place_on(Box::new(disk), limits());
    let error = place.put(&named("a"), &bytes(5000)).unwrap_err();
    assert_eq!(names_in(place.folder.path()), [".bulla-parts"], "no part of it is to be seen");
    (place, error)
}

#[test]
fn a_full_disk_is_named_and_what_was_written_can_be_gone_on_with() {
    let full = |write| Faulty { takes: Some(AtomicU64::new(2500)), write: Some(write), ..Faulty::default() };
    for error in [Errno::NOSPC, Errno::DQUOT] {
        let (place, error) = put_on(full(error));
        assert_eq!(error, FilesError::DiskFull);
        assert_eq!(place.part("a"), 2500);
        let Place { folder, store } = place;
        drop(store);
        let place = Place { store: Store::open(folder.path(), limits()).unwrap(), folder };
        let mut upload = place.begin(&resumed("a", &bytes(2500))).unwrap();
        upload.write(&bytes(5000)[2500..]).unwrap();
        upload.finish(digest(&bytes(5000))).unwrap();
    }
}

#[test]
fn a_disk_that_takes_little_at_once_is_no_failure_and_one_that_takes_nothing_is() {
    let place = place_on(Box::new(Faulty { most: Some(7), ..Faulty::default() }), limits());
    place.put(&new("a"), &bytes(5000)).unwrap();
    assert_eq!(place.get_all("a").unwrap(), bytes(5000));
    let (_, error) = put_on(Faulty { takes: Some(AtomicU64::new(2500)), ..Faulty::default() });
    assert_eq!(error, FilesError::ShortWrite);
}

#[test]
fn a_disk_that_fails_to_write_is_no_acknowledgement() {
    let (_, error) = put_on(Faulty { sync: Some(Errno::IO), ..Faulty::default() });
    assert!(matches!(error, FilesError::System { action: "write a file to disk", .. }), "{error:?}");
    for (errno, code) in [
        (Errno::ROFS, "FAILED_PRECONDITION"),
        (Errno::ACCESS, "FAILED_PRECONDITION"),
        (Errno::NOSPC, "RESOURCE_EXHAUSTED"),
        (Errno::XDEV, "FAILED_PRECONDITION"),
        (Errno::IO, "INTERNAL"),
    ] {
        let (place, error) = put_on(Faulty { publish: Some(errno), ..Faulty::default() });
        let status = bulla_core::status::Status::from(error);
        assert_eq!(status.code().name(), code, "{status}");
        assert_eq!(place.part("a"), 5000, "all of it is there still");
    }
}

#[test]
fn a_folder_whose_file_system_cannot_rename_without_replacing_uses_links() {
    /// As some file systems are.
    struct Plain;
    impl Disk for Plain {
        fn publish(&self, from: Entry<'_>, to: Entry<'_>, replace: bool) -> io::Result<()> {
            assert!(!replace);
            crate::services::files::disk::link_new(from, to)
        }
    }
    let place = place_on(Box::new(Plain), limits());
    place.put(&new("a"), b"one").unwrap();
    assert_eq!((place.get_all("a").unwrap(), place.parts()), (b"one".to_vec(), vec![]));
}

#[test]
fn some_of_the_disk_stays_free() {
    let reserve = FilesLimits { reserve: 1000, ..limits() };
    let place = place_on(Box::new(Faulty { free: Some(6000), ..Faulty::default() }), reserve);
    assert_eq!(place.begin(&PutOpen { size: Some(5001), ..new("a") }).err(), Some(FilesError::DiskFull));
    place.put(&PutOpen { size: Some(5000), ..new("a") }, &bytes(5000)).unwrap();
    let place = place_on(Box::new(Faulty { free: Some(999), ..Faulty::default() }), reserve);
    assert_eq!(place.put(&new("a"), b"").err(), Some(FilesError::DiskFull));
}

#[test]
fn a_file_has_a_greatest_length() {
    let place = place_with(FilesLimits { file: 3000, ..limits() });
    let too_large = |length| Some(FilesError::TooLarge { limit: 3000, length });
    assert_eq!(place.begin(&PutOpen { size: Some(3001), ..new("a") }).err(), too_large(3001));
    assert_eq!(place.put(&new("a"), &bytes(3001)).err(), too_large(3001), "also when it is not announced");
    assert_eq!(place.begin(&PutOpen { offset: u64::MAX, ..named("a") }).err(), too_large(u64::MAX));
    place.put(&new("a"), &bytes(3000)).unwrap();
}

#[test]
fn all_files_together_have_a_greatest_length() {
    let place = place_with(FilesLimits { total: Some(10_000), ..limits() });
    place.put(&new("a/b"), &bytes(6000)).unwrap();
    assert_eq!(place.put(&new("c"), &bytes(5000)).err(), Some(FilesError::QuotaReached(10_000)));
    place.break_off(&named("c"), &bytes(3000));
    assert_eq!(place.put(&new("d"), &bytes(2000)).err(), Some(FilesError::QuotaReached(10_000)), "parts count");
    place.remove("a/b").unwrap();
    place.put(&new("d"), &bytes(7000)).unwrap();
    assert_eq!(place.put(&new("e"), &bytes(1)).err(), Some(FilesError::QuotaReached(10_000)));
    place.put(&PutOpen { replace: true, ..resumed("c", &bytes(3000)) }, b"").err().unwrap();
    place.remove("d").unwrap();
    place.put(&new("e"), &bytes(5000)).unwrap();
}

#[test]
fn a_folder_that_was_removed_is_named() {
    let place = place();
    place.put(&new("a"), b"one").unwrap();
    let mut upload = place.begin(&new("b")).unwrap();
    upload.write(b"one").unwrap();
    fs::remove_dir_all(place.folder.path()).unwrap();
    assert_eq!(upload.finish(digest(b"one")), Err(FilesError::Vanished));
    assert_eq!(place.get_all("a"), Err(FilesError::Vanished));
    assert_eq!(place.begin(&new("a")).err(), Some(FilesError::Vanished));
    assert_eq!(place.remove("a"), Err(FilesError::Vanished));
    assert_eq!(place.store.list(&ListRequest::default()), Err(FilesError::Vanished));
    // One of the same name is another folder.
    fs::create_dir(place.folder.path()).unwrap();
    assert_eq!(place.begin(&new("a")).err(), Some(FilesError::Vanished));
    assert_eq!(names_in(place.folder.path()), [""; 0]);
}

#[test]
fn a_folder_that_must_not_be_written_is_named() {
    let place = place();
    place.put(&new("a"), b"one").unwrap();
    let closed = |mode| fs::set_permissions(place.path(".bulla-parts"), fs::Permissions::from_mode(mode)).unwrap();
    closed(0o500);
    let outcome = place.put(&new("b"), b"two");
    closed(0o700);
    // The superuser is not kept out by permissions.
    if rustix::process::geteuid().is_root() {
        return assert!(outcome.is_ok(), "{outcome:?}");
    }
    assert!(matches!(outcome, Err(FilesError::ReadOnly(_))), "{outcome:?}");
    assert_eq!(place.get_all("a").unwrap(), b"one", "what is there can be read");
}

#[test]
fn what_an_upload_that_was_taken_over_did_not_write_takes_no_room() {
    let place = place_with(FilesLimits { total: Some(10_000), ..limits() });
    let mut stale = place.begin(&named("a")).unwrap();
    stale.write(&bytes(1000)).unwrap();
    let mut fresh = place.begin(&resumed("a", &bytes(1000))).unwrap();
    assert_eq!(stale.write(&bytes(5000)), Err(FilesError::TakenOver));
    fresh.write(&bytes(9000)).unwrap();
}
