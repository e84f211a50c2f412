//! Uploads and downloads: whole or not at all, and gone on with where they broke off.

use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::*;

#[test]
fn what_was_put_is_got_removed_and_gone() {
    let place = place();
    for (name, length) in [("a", 0), ("b/c/d", 1), ("b/e", 100_000)] {
        let bytes = bytes(length);
        let receipt = place.put(&new(name), &bytes).unwrap();
        let size = length as u64;
        assert_eq!(receipt, Receipt { name: name.to_owned(), size, sha256: digest(&bytes), replaced: false });
        assert_eq!(fs::read(place.path(name)).unwrap(), bytes);
        assert_eq!(place.get_all(name).unwrap(), bytes);
        assert_eq!(fs::metadata(place.path(name)).unwrap().mode() & 0o7777, 0o600);
    }
    assert_eq!(place.parts(), [""; 0]);
    assert_eq!(place.remove("b/c/d"), Ok(1));
    assert_eq!(names_in(&place.path("b")), ["e"], "a folder goes with the last file in it");
    assert_eq!(place.remove("b/c/d"), Err(FilesError::NotFound("b/c/d".to_owned())));
    assert_eq!(place.remove("b/e"), Ok(100_000));
    assert_eq!(names_in(place.folder.path()), [".bulla-parts", "a"]);
    assert_eq!(place.remove("b/e"), Err(FilesError::NotFound("b/e".to_owned())));
}

#[test]
fn nothing_is_to_be_seen_of_a_file_before_all_of_it_is_there() {
    let place = place();
    let mut upload = place.begin(&new("a/b")).unwrap();
    upload.write(b"one").unwrap();
    assert_eq!(names_in(place.folder.path()), [".bulla-parts"]);
    assert_eq!(place.get_all("a/b"), Err(FilesError::NotFound("a/b".to_owned())));
    upload.finish(digest(b"one")).unwrap();
    assert_eq!(place.get_all("a/b").unwrap(), b"one");
}

#[test]
fn a_file_is_replaced_only_when_that_is_asked_for() {
    let place = place();
    place.put(&new("a"), b"one").unwrap();
    assert_eq!(place.put(&new("a"), b"two").unwrap_err(), FilesError::Exists("a".to_owned()));
    assert_eq!(place.get_all("a").unwrap(), b"one");
    let mut download = place.read(&GetRequest { name: "a".to_owned(), ..GetRequest::default() }).unwrap();
    assert!(place.put(&replacing("a"), b"three").unwrap().replaced);
    assert_eq!(place.get_all("a").unwrap(), b"three");
    let mut old = vec![0; 10];
    download.read(&mut old).unwrap();
    assert_eq!((old.as_slice(), download.finish()), (&b"one"[..], Ok(digest(b"one"))), "it is read as it was");
    assert!(!place.put(&replacing("b"), b"new").unwrap().replaced);
}

#[test]
fn of_two_that_put_one_name_the_first_that_is_whole_wins() {
    let place = place();
    let mut first = place.begin(&PutOpen { upload: Some("first".to_owned()), ..new("a") }).unwrap();
    let mut second = place.begin(&PutOpen { upload: Some("second".to_owned()), ..new("a") }).unwrap();
    first.write(b"first").unwrap();
    second.write(b"second").unwrap();
    second.finish(digest(b"second")).unwrap();
    assert_eq!(first.finish(digest(b"first")), Err(FilesError::Exists("a".to_owned())));
    assert_eq!(place.get_all("a").unwrap(), b"second");
}

#[test]
fn of_many_threads_that_put_one_name_one_wins() {
    let place = place();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let put = |number: usize| place.put(&new("a/b"), &bytes(number * 1000));
        let threads: Vec<_> = (1..=8).map(|number| scope.spawn(move || put(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let [winner] = outcomes.iter().flatten().collect::<Vec<_>>()[..] else { panic!("{outcomes:?}") };
    assert_eq!(place.get_all("a/b").unwrap(), bytes(winner.size.try_into().unwrap()));
    let refused = outcomes.iter().filter(|outcome| **outcome == Err(FilesError::Exists("a/b".to_owned())));
    assert_eq!(refused.count(), 7, "{outcomes:?}");
    assert_eq!(place.parts(), [""; 0]);
}

#[test]
fn files_come_and_go_in_one_folder_at_once() {
    let place = place();
    std::thread::scope(|scope| {
        for number in 0..4 {
            let place = &place;
            scope.spawn(move || {
                for _ in 0..50 {
                    let name = format!("a/b/{number}");
                    place.put(&new(&name), b"x").unwrap();
                    assert_eq!(place.remove(&name), Ok(1));
                }
            });
        }
    });
    assert_eq!(names_in(place.folder.path()), [".bulla-parts"]);
}

#[test]
fn an_upload_goes_on_where_it_broke_off() {
    let place = place();
    let all = bytes(50_000);
    place.break_off(&named("a"), &all[..20_000]);
    assert_eq!(place.part("a"), 20_000);
    let Place { folder, store } = place;
    drop(store);
    let place = Place { store: Store::open(folder.path(), limits()).unwrap(), folder };
    assert_eq!(place.part("a"), 20_000, "also after a restart");
    let mut upload = place.begin(&resumed("a", &all[..15_000])).unwrap();
    assert_eq!(upload.length(), 15_000, "what lies beyond the offset is sent again");
    upload.write(&all[15_000..]).unwrap();
    assert_eq!(upload.finish(digest(&all)).unwrap().size, 50_000);
    assert_eq!(place.get_all("a").unwrap(), all);
    assert_eq!((place.part("a"), place.parts()), (0, vec![]));
}

#[test]
fn an_upload_without_a_name_of_its_own_leaves_nothing() {
    let place = place();
    place.break_off(&new("a"), b"one");
    assert_eq!(place.parts(), [""; 0]);
    let refused = place.begin(&PutOpen { offset: 1, sha256: Some(digest(b"o")), ..new("a") }).err();
    assert!(matches!(refused, Some(FilesError::Request(_))), "{refused:?}");
}

#[test]
fn another_beginning_is_not_gone_on_with() {
    let place = place();
    let differs = Some(FilesError::PartDiffers("a".to_owned()));
    for (there, claimed) in [(&b"one"[..], &b"two"[..]), (b"one", b"one and more"), (b"", b"one")] {
        place.break_off(&named("a"), there);
        assert_eq!(place.begin(&resumed("a", claimed)).err(), differs);
        assert_eq!(place.part("a"), 0, "nobody could go on with it");
    }
    place.break_off(&named("a"), b"one");
    let without = place.begin(&PutOpen { offset: 3, ..named("a") }).err();
    assert!(matches!(without, Some(FilesError::Request(_))), "{without:?}");
    assert_eq!(place.part("a"), 3);
    assert_eq!(place.put(&named("a"), b"anew").unwrap().size, 4, "from the beginning is always possible");
}

#[test]
fn parts_of_different_peers_names_and_uploads_are_different() {
    let place = place();
    let begin = |open: &PutOpen, peer| place.store.begin(open, peer, start(&place.store, "one").unwrap()).unwrap();
    let other = PutOpen { upload: Some("two".to_owned()), ..named("a") };
    let mut length = 0;
    for (open, peer) in [(named("a"), None), (named("a"), Some("ada")), (named("b"), None), (other, None)] {
        length += 1;
        begin(&open, peer).write(&bytes(length)).unwrap();
        assert_eq!(place.parts().len(), length);
    }
    let part = |peer| place.store.part(&PartRequest { name: "a".to_owned(), upload: "one".to_owned() }, peer);
    assert_eq!((part(None), part(Some("ada")), part(Some("bob"))), (Ok(1), Ok(2), Ok(0)));
}

#[test]
fn whoever_comes_back_takes_its_upload_over() {
    let place = place();
    let mut stale = place.begin(&named("a")).unwrap();
    stale.write(b"one").unwrap();
    let mut fresh = place.begin(&resumed("a", b"one")).unwrap();
    assert_eq!(stale.write(b"garbage"), Err(FilesError::TakenOver));
    fresh.write(b"two").unwrap();
    drop(stale);
    assert_eq!(place.parts().len(), 1, "the one before takes nothing away with it");
    fresh.finish(digest(b"onetwo")).unwrap();
    assert_eq!(place.get_all("a").unwrap(), b"onetwo");
}

#[test]
fn an_upload_that_was_taken_over_never_becomes_a_file() {
    let place = place();
    let mut stale = place.begin(&named("a")).unwrap();
    stale.write(b"one").unwrap();
    let fresh = place.begin(&named("a")).unwrap();
    assert_eq!(stale.finish(digest(b"one")), Err(FilesError::TakenOver));
    assert_eq!(place.get_all("a"), Err(FilesError::NotFound("a".to_owned())));
    fresh.finish(digest(b"")).unwrap();
}

#[test]
fn a_wrong_checksum_or_length_keeps_nothing() {
    let place = place();
    let mut upload = place.begin(&named("a")).unwrap();
    upload.write(b"one").unwrap();
    let (declared, found) = (digest(b"two"), digest(b"one"));
    assert_eq!(upload.finish(declared), Err(FilesError::Checksum { declared, found }));
    for (size, bytes) in [(2, &b"one"[..]), (4, b"one")] {
        let outcome = place.put(&PutOpen { size: Some(size), ..named("a") }, bytes);
        assert_eq!(outcome, Err(FilesError::Length { declared: size, found: 3 }));
    }
    assert_eq!(names_in(place.folder.path()), [".bulla-parts"]);
    assert_eq!(place.part("a"), 0);
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    let place = place();
    let all = bytes(10_000);
    place.put(&new("a"), &all).unwrap();
    let get = |offset: usize, beginning: &[u8]| {
        place.get(&GetRequest { name: "a".to_owned(), offset: offset as u64, sha256: Some(digest(beginning)) })
    };
    for offset in [0, 1, 9_999, 10_000] {
        assert_eq!(get(offset, &all[..offset]).unwrap(), &all[offset..]);
    }
    for (offset, beginning) in [(3, &b"one"[..]), (10_001, &bytes(10_001)), (usize::MAX, b"")] {
        assert_eq!(get(offset, beginning), Err(FilesError::PartDiffers("a".to_owned())));
    }
    let without = place.get(&GetRequest { name: "a".to_owned(), offset: 1, sha256: None });
    assert!(matches!(without, Err(FilesError::Request(_))));
}

#[test]
fn a_file_that_changes_under_the_reader_is_not_passed_off_as_whole() {
    let place = place();
    for change in [&b"short"[..], b"longer than before", b"ten other."] {
        fs::write(place.path("a"), b"ten bytes.").unwrap();
        let mut download = place.read(&GetRequest { name: "a".to_owned(), ..GetRequest::default() }).unwrap();
        let mut chunk = vec![0; 2];
        download.read(&mut chunk).unwrap();
        fs::write(place.path("a"), change).unwrap();
        // A clock that ticks too slowly would hide the change.
        let later = SystemTime::now() + Duration::from_secs(1);
        fs::File::options().write(true).open(place.path("a")).unwrap().set_modified(later).unwrap();
        let mut rest = vec![0; 100];
        let outcome = download.read(&mut rest).and_then(|()| download.finish());
        assert_eq!(outcome, Err(FilesError::Changed("a".to_owned())));
    }
}

#[test]
fn what_is_left_of_uploads_is_bounded_and_ages() {
    let place = place_with(FilesLimits { parts: 3, part_bytes: 100, ..limits() });
    let open = |number: usize| PutOpen { upload: Some(format!("{number}")), ..new("a") };
    let now = SystemTime::now();
    for number in 0..5 {
        place.break_off(&open(number), &bytes(10));
        let key = parts::UploadKey::new(None, &"a".parse().unwrap(), &number.to_string()).unwrap();
        let path = place.path(".bulla-parts").join(key.file_name());
        let time = now - Duration::from_secs(100 - number as u64);
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }
    let under_way = place.begin(&open(0)).unwrap();
    let length = |number: usize| {
        place.store.part(&PartRequest { name: "a".to_owned(), upload: number.to_string() }, None).unwrap()
    };
    place.store.tidy_now(now);
    assert_eq!([1, 2, 3, 4].map(length), [0, 10, 10, 10], "the oldest that waits goes first");
    drop(under_way);
    place.break_off(&open(9), &bytes(95));
    place.store.tidy_now(SystemTime::now());
    assert_eq!([9, 2, 3, 4].map(length), [95, 0, 0, 0]);
    place.store.tidy_now(now + limits().part_age + Duration::from_secs(60));
    assert_eq!(place.parts(), [""; 0]);
}

#[test]
fn what_is_left_of_uploads_is_bounded_however_fast_they_break_off() {
    let place = place_with(FilesLimits { parts: 3, part_bytes: 100, ..limits() });
    let open = |number: usize| PutOpen { upload: Some(format!("{number}")), ..new("a") };
    for number in 0..50 {
        place.break_off(&open(number), b"x");
        assert!(place.parts().len() <= 2 * 3 + 1, "{} after {number}", place.parts().len());
    }
    for number in 50..100 {
        place.break_off(&open(number), &bytes(60));
        let size: u64 =
            place.parts().iter().map(|name| fs::metadata(place.path(".bulla-parts").join(name)).unwrap().len()).sum();
        assert!(size <= 2 * 100 + 60, "{size} after {number}");
    }
    for number in 100..110 {
        drop(place.begin(&open(number)).unwrap());
    }
    assert!(place.parts().len() <= 3 + 1, "of an upload that brought nothing, nothing is left");
}

#[test]
fn a_start_takes_away_what_nobody_can_go_on_with() {
    let place = place();
    place.break_off(&named("a"), b"one");
    fs::write(place.path(".bulla-parts/pass-7"), b"killed").unwrap();
    // As if the process had ended between the two names of a finished file.
    place.put(&new("b"), b"whole").unwrap();
    let key = parts::UploadKey::new(None, &"b".parse().unwrap(), "one").unwrap();
    fs::hard_link(place.path("b"), place.path(".bulla-parts").join(key.file_name())).unwrap();
    assert_eq!(place.part("b"), 0);
    place.put(&PutOpen { replace: true, ..named("b") }, b"other").unwrap();
    fs::hard_link(place.path("b"), place.path(".bulla-parts").join(key.file_name())).unwrap();
    let Place { folder, store } = place;
    drop(store);
    let place = Place { store: Store::open(folder.path(), limits()).unwrap(), folder };
    assert_eq!((place.parts().len(), place.part("a")), (1, 3));
    assert_eq!(place.get_all("b").unwrap(), b"other");
}

#[test]
fn transfers_at_once_are_bounded() {
    let place = place_with(FilesLimits { transfers: 2, ..limits() });
    place.put(&new("a"), b"one").unwrap();
    let request = GetRequest { name: "a".to_owned(), ..GetRequest::default() };
    let download = place.read(&request).unwrap();
    let upload = place.begin(&new("b")).unwrap();
    assert_eq!(place.begin(&new("c")).err(), Some(FilesError::Busy(2)));
    assert_eq!(place.read(&request).err(), Some(FilesError::Busy(2)));
    drop(upload);
    drop(place.begin(&new("c")).unwrap());
    drop(download);
}

#[test]
fn one_peer_has_a_share_of_the_transfers() {
    let place = place_with(FilesLimits { transfers: 4, transfers_per_peer: 2, ..limits() });
    let held: Vec<_> = (0..2).map(|_| start(&place.store, "one").unwrap()).collect();
    assert_eq!(start(&place.store, "one").err(), Some(FilesError::PeerBusy(2)));
    let other: Vec<_> = (0..2).map(|_| start(&place.store, "two").unwrap()).collect();
    assert_eq!(start(&place.store, "three").err(), Some(FilesError::Busy(4)));
    drop(held);
    assert_eq!(place.store.transfers.count(), 2);
    assert!(start(&place.store, "one").is_ok());
    drop(other);
    assert_eq!(place.store.transfers.count(), 0);
}

#[test]
fn what_nobody_waits_for_is_not_summed_up_to_its_end() {
    let place = place();
    let all = bytes(9 << 20);
    place.put(&new("a"), &all).unwrap();
    place.break_off(&named("b"), &all);
    let request = GetRequest { name: "a".to_owned(), offset: all.len() as u64, sha256: Some(digest(&all)) };
    let mut asked = [0; 2].map(|_| Arc::new(AtomicUsize::new(0)));
    let tickets = asked.each_ref().map(|asked| {
        let asked = Arc::clone(asked);
        let is_wanted = move || asked.fetch_add(1, Ordering::Relaxed) < 1;
        place.store.transfers.start(PeerId::Name("one".into()), is_wanted).unwrap()
    });
    let [get, put] = tickets;
    assert_eq!(place.store.read(&request, get).err(), Some(FilesError::Unwanted));
    assert_eq!(place.store.begin(&resumed("b", &all), None, put).err(), Some(FilesError::Unwanted));
    assert!(asked.iter_mut().all(|asked| asked.load(Ordering::Relaxed) == 2), "the second time is in the midst of it");
    assert_eq!(place.part("b"), all.len() as u64, "another try may go on with it");
}
