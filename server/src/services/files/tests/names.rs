//! No name leads out of the folder: against a file system full of traps, with the system's own idea of a path as the judge.

use std::os::unix::net::UnixListener;

use proptest::prelude::*;
use rustix::fs::{CWD, Mode, mkfifoat};

use super::*;

/// A folder with traps in it, and what must stay as it is beside it.
struct Trapped {
    around: TempDir,
    store: Arc<Store>,
}

/// A disk that does not wait for itself: these tests make many files.
struct Quick;

impl Disk for Quick {
    fn sync(&self, _: &fs::File) -> std::io::Result<()> {
        Ok(())
    }
}

const SECRET: &[u8] = b"not for peers";

impl Trapped {
    fn new() -> Self {
        let around = tempfile::tempdir().unwrap();
        let at = |name: &str| around.path().join(name);
        for folder in ["outside", "outside/inner", "root", "root/dir", "root/dir/sub"] {
            fs::create_dir(at(folder)).unwrap();
        }
        fs::write(at("outside/secret"), SECRET).unwrap();
        fs::write(at("root/file"), b"for peers").unwrap();
        fs::write(at("root/dir/file"), b"for peers").unwrap();
        fs::hard_link(at("root/file"), at("root/dir/sub/file")).unwrap();
        for (target, link) in [
            ("../outside", "root/out"),
            ("../outside/secret", "root/secret"),
            ("../../outside", "root/dir/out"),
            ("/", "root/slash"),
            ("..", "root/dir/up"),
            (".", "root/here"),
            ("loop", "root/loop"),
            ("nowhere", "root/dangling"),
            ("../outside/new", "root/dir/dangling"),
        ] {
            symlink(target, at(link)).unwrap();
        }
        mkfifoat(CWD, at("root/pipe"), Mode::RUSR | Mode::WUSR).unwrap();
        drop(UnixListener::bind(at("root/socket")).unwrap());
        let store = Store::open_on(Box::new(Quick), &at("root"), limits()).unwrap();
        Self { around, store }
    }

    fn root(&self) -> PathBuf {
        self.around.path().join("root").canonicalize().unwrap()
    }

    /// What is around the folder is as it was.
    fn check_outside(&self) {
        assert_eq!(names_in(self.around.path()), ["outside", "root"]);
        assert_eq!(names_in(&self.around.path().join("outside")), ["inner", "secret"]);
        assert_eq!(names_in(&self.around.path().join("outside/inner")), [""; 0]);
        assert_eq!(fs::read(self.around.path().join("outside/secret")).unwrap(), SECRET);
    }

    /// Where the system finds what has this name: exactly where the name says, with no link on the way.
    fn check_inside(&self, name: &str) {
        let path = self.root().join(name);
        assert_eq!(path.canonicalize().unwrap(), path, "{name:?} is where it says");
        assert!(path.starts_with(self.root()) && path != self.root());
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }

    /// Says whether a file came about, and whether one was read.
    fn try_all(&self, name: &str) -> [bool; 2] {
        let (place, mut done) = (&self.store, [false; 2]);
        let open = PutOpen { name: name.to_owned(), replace: true, ..PutOpen::default() };
        if let Ok(mut upload) = place.begin(&open, None, start(place, "one").unwrap()) {
            upload.write(b"put").unwrap();
            if upload.finish(digest(b"put")).is_ok() {
                self.check_inside(name);
                done[0] = true;
                assert_eq!(fs::read(self.root().join(name)).unwrap(), b"put");
            }
        }
        let request = GetRequest { name: name.to_owned(), ..GetRequest::default() };
        if let Ok(mut download) = place.read(&request, start(place, "one").unwrap()) {
            self.check_inside(name);
            let mut bytes = vec![0; 100];
            download.read(&mut bytes).unwrap();
            assert_ne!(bytes, SECRET);
            done[1] = true;
        }
        let there = fs::symlink_metadata(self.root().join(name)).is_ok_and(|found| found.is_file());
        if place.remove(&RemoveRequest { name: name.to_owned() }).is_ok() {
            assert!(there && fs::symlink_metadata(self.root().join(name)).is_err(), "{name:?}");
        }
        let list = place.list(&ListRequest { pattern: Some(name.to_owned()), ..ListRequest::default() });
        for file in list.map(|reply| reply.files).unwrap_or_default() {
            self.check_inside(&file.name);
        }
        self.check_outside();
        done
    }
}

/// Segments of all kinds, apart by what some system takes for a separator.
fn hostile_name() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        4 => prop::sample::select(&[
            "..", ".", "", "...", "a", "file", "dir", "sub", "out", "up", "slash", "here", "loop", "secret", "dangling", "pipe",
            "socket", "inner", "new", "etc", "passwd", "C:", "nul", "con.txt", "-rf", "~", ".bulla-parts", "%2e%2e", "%2f", "..%00", "..\0",
            "..\u{2215}", "．．", "\u{202e}..", " ..", ".. ", "..;",
        ][..]).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
        1 => any::<String>(),
        1 => Just("x".repeat(300)),
    ];
    let separator = prop::sample::select(&["/", "/", "/", "//", "\\", "/./", "/../", "\0/", "\u{2215}"][..]);
    (prop::bool::ANY, prop::collection::vec((segment, separator), 1..6)).prop_map(|(absolute, parts)| {
        let mut name = if absolute { "/".to_owned() } else { String::new() };
        for (at, (segment, separator)) in parts.iter().enumerate() {
            if at > 0 {
                name.push_str(separator);
            }
            name.push_str(segment);
        }
        name
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_a_name_stays_below_the_folder(text in hostile_name()) {
        if let Ok(name) = text.parse::<FileName>() {
            let path = Path::new("/root").join(name.as_str());
            let parts: Vec<_> = path.components().collect();
            prop_assert!(parts.iter().all(|part| !matches!(part, std::path::Component::ParentDir | std::path::Component::CurDir)));
            prop_assert!(path.starts_with("/root"));
            prop_assert_eq!(parts.len(), 2 + name.segments().count());
            prop_assert_eq!(name.to_string(), text);
        }
    }
}

#[test]
fn nothing_that_is_asked_for_leads_out_of_the_folder() {
    let trapped = Trapped::new();
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 1500, ..ProptestConfig::default() });
    let count = [0, 0].map(std::cell::Cell::new);
    let run = runner.run(&hostile_name(), |name| {
        let done = trapped.try_all(&name);
        count.iter().zip(done).for_each(|(count, done)| count.set(count.get() + u32::from(done)));
        Ok(())
    });
    run.unwrap();
    assert!(count.iter().all(|count| count.get() > 20), "it tried what can be done, too: {count:?}");
}

#[test]
fn what_is_no_ordinary_file_is_named() {
    let trapped = Trapped::new();
    let ends = |name: &str| FilesError::NotAFile(name.to_owned());
    let leads = |name: &str| FilesError::NotAFolder(name.to_owned());
    for (name, error) in [
        ("dir", ends("dir")),
        ("secret", ends("secret")),
        ("dangling", ends("dangling")),
        ("loop", ends("loop")),
        ("pipe", ends("pipe")),
        ("socket", ends("socket")),
        ("out/secret", leads("out/secret")),
        ("dir/up/file", leads("dir/up/file")),
        ("here/file", leads("here/file")),
        ("file/x", leads("file/x")),
        ("slash/etc/passwd", leads("slash/etc/passwd")),
    ] {
        let request = GetRequest { name: name.to_owned(), ..GetRequest::default() };
        let read = trapped.store.read(&request, start(&trapped.store, "one").unwrap());
        assert_eq!(read.err(), Some(error.clone()), "{name}");
        assert_eq!(
            trapped.store.begin(&replacing(name), None, start(&trapped.store, "one").unwrap()).err(),
            Some(error.clone()),
            "{name}"
        );
        assert_eq!(trapped.store.remove(&RemoveRequest { name: name.to_owned() }), Err(error), "{name}");
    }
    trapped.check_outside();
    let listed = trapped.store.list(&ListRequest::default()).unwrap().files;
    let names: Vec<_> = listed.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["dir/file", "dir/sub/file", "file"]);
}

#[test]
fn a_link_that_appears_while_the_bytes_come_is_not_followed() {
    let trapped = Trapped::new();
    let mut upload = trapped.store.begin(&new("new/file"), None, start(&trapped.store, "one").unwrap()).unwrap();
    upload.write(b"put").unwrap();
    symlink("../outside", trapped.root().join("new")).unwrap();
    assert_eq!(upload.finish(digest(b"put")), Err(FilesError::NotAFolder("new/file".to_owned())));
    let mut upload = trapped.store.begin(&replacing("other"), None, start(&trapped.store, "one").unwrap()).unwrap();
    upload.write(b"put").unwrap();
    symlink("../outside/secret", trapped.root().join("other")).unwrap();
    assert_eq!(upload.finish(digest(b"put")), Err(FilesError::NotAFile("other".to_owned())));
    trapped.check_outside();
}
