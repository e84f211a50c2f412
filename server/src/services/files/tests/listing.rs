//! Lists: in order, in pages, by pattern.

use proptest::prelude::*;

use super::*;

fn page(place: &Place, pattern: Option<&str>, after: Option<&str>, limit: Option<u32>) -> (Vec<String>, bool) {
    let request = ListRequest { pattern: pattern.map(str::to_owned), after: after.map(str::to_owned), limit };
    let reply = place.store.list(&request).unwrap();
    (reply.files.into_iter().map(|file| file.name).collect(), reply.more)
}

fn fill(place: &Place, names: &[&str]) {
    for name in names {
        let path = place.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
}

#[test]
fn files_are_listed_with_length_and_time() {
    let place = place();
    place.put(&new("a/b"), b"four").unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let file = fs::File::options().write(true).open(place.path("a/b")).unwrap();
    file.set_modified(time).unwrap();
    let reply = place.store.list(&ListRequest::default()).unwrap();
    let expected = FileInfo { name: "a/b".to_owned(), size: 4, modified: "2023-11-14T22:13:20Z".to_owned() };
    assert_eq!(reply, ListReply { files: vec![expected], more: false });
    // Times for which there is no such text are brought near.
    for seconds in [-1_i64, 1 << 33, 1 << 40] {
        let times = rustix::fs::Timestamps {
            last_access: rustix::fs::Timespec { tv_sec: 0, tv_nsec: 0 },
            last_modification: rustix::fs::Timespec { tv_sec: seconds, tv_nsec: 0 },
        };
        rustix::fs::futimens(&file, &times).unwrap();
        place.store.list(&ListRequest::default()).unwrap();
    }
}

#[test]
fn hidden_and_odd_names_are_not_there() {
    let place = place();
    fill(&place, &["a", ".hidden", ".git/config", "-rf", "a\\b", "x:y", "d/.x", "d/ok", "nul"]);
    place.break_off(&named("part"), b"one");
    assert_eq!(page(&place, None, None, None), (vec!["a".to_owned(), "d/ok".to_owned()], false));
    assert_eq!(page(&place, Some(".git"), None, None), (vec![], false));
}

#[test]
fn a_page_goes_on_where_the_last_ended() {
    let place = place();
    let names = ["a", "b/1", "b/2", "b/c/1", "b-x", "b.x", "c/d/e", "d"];
    fill(&place, &names);
    for limit in 1..=9 {
        let (mut all, mut after) = (Vec::new(), None::<String>);
        loop {
            let (names, more) = page(&place, None, after.as_deref(), Some(limit));
            assert!(names.len() <= limit as usize);
            after = names.last().cloned();
            all.extend(names);
            if !more {
                break;
            }
        }
        assert_eq!(all, names, "{limit} a page");
    }
    assert_eq!(page(&place, Some("b"), Some("b/1"), Some(1)), (vec!["b/2".to_owned()], true));
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    let place = place();
    for request in [
        ListRequest { limit: Some(0), ..ListRequest::default() },
        ListRequest { limit: Some(MAX_LIST + 1), ..ListRequest::default() },
        ListRequest { pattern: Some(String::new()), ..ListRequest::default() },
        ListRequest { pattern: Some("x".repeat(2000)), ..ListRequest::default() },
    ] {
        assert!(matches!(place.store.list(&request), Err(FilesError::Request(_))), "{request:?}");
    }
    let request = ListRequest { after: Some("../a".to_owned()), ..ListRequest::default() };
    assert!(matches!(place.store.list(&request), Err(FilesError::Name(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn pages_are_the_sorted_names_cut(
        names in prop::collection::btree_set("[ab]{1,2}(/[ab.]{1,2}x){0,3}", 0..20),
        after in "[ab]{1,2}(/[ab]{1,2}x){0,2}",
        limit in 1_u32..6,
    ) {
        let place = place();
        let mut names: Vec<FileName> = names.iter().filter_map(|name| name.parse().ok()).collect();
        names.sort();
        // A file cannot be a folder, too.
        let mut files: Vec<FileName> = Vec::new();
        for name in names {
            if !files.iter().any(|file| name.as_str().starts_with(&format!("{file}/"))) {
                files.push(name);
            }
        }
        fill(&place, &files.iter().map(FileName::as_str).collect::<Vec<_>>());
        let bound: FileName = after.parse().unwrap();
        let expected: Vec<String> = files.iter().filter(|name| **name > bound).map(ToString::to_string).collect();
        let (found, more) = page(&place, None, Some(&after), Some(limit));
        prop_assert_eq!(&found[..], &expected[..expected.len().min(limit as usize)]);
        prop_assert_eq!(more, expected.len() > limit as usize);
    }
}
