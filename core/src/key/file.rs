//! The one file that core touches: a key file, opened so that no other user can have a hand in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;
use zeroize::{Zeroize, Zeroizing};

use super::{Key, KeyError};

/// The longest key file, in bytes.
pub const MAX_KEY_FILE: u64 = 1 << 20;

/// Reads the text of a key file.
///
/// The file must be regular, no symbolic link, owned by our effective user, closed to group and others, and at most
/// [`MAX_KEY_FILE`] bytes of text. The checks are made on the open file, so it cannot be swapped after them.
///
/// # Errors
/// A [`KeyError`] that names the path, what is wrong and the remedy.
pub fn read_key_file(path: impl AsRef<Path>) -> Result<Zeroizing<String>, KeyError> {
    let path = path.as_ref();
    let file = open(path)?;
    let length = check(path, &file)?;
    // Room for all of it and the reader's probe for the end, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length as usize + 64));
    file.take(MAX_KEY_FILE + 1).read_to_end(&mut bytes).map_err(|error| failed(path, "read", &error))?;
    if bytes.len() as u64 > MAX_KEY_FILE {
        return Err(KeyError::TooLong { path: path.into() });
    }
    String::from_utf8(std::mem::take(&mut *bytes)).map(Zeroizing::new).map_err(|error| {
        error.into_bytes().zeroize();
        KeyError::NotText { path: path.into() }
    })
}

/// Writes a key file of one key that [`read_key_file`] reads: mode 0600, on disk when this returns, never seen half written.
///
/// With `overwrite` it replaces what is at the path (a symbolic link, not what it points to). Without, the path must be free,
/// also at the moment the finished file takes its place. The file system must know hard links then.
///
/// # Errors
/// [`KeyError::Exists`] or [`KeyError::Io`]; no half-written key is left anywhere.
pub fn write_key_file(path: impl AsRef<Path>, key: &Key, overwrite: bool) -> Result<(), KeyError> {
    let path = path.as_ref();
    let (temporary, file) = create_beside(path)?;
    let written = fill(file, key).and_then(|()| publish(&temporary, path, overwrite));
    if written.is_err() || !overwrite {
        // Half a file, or by now the second name of a whole one.
        let _ = fs::remove_file(&temporary);
    }
    written.and_then(|()| sync_folder(path)).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if !overwrite => KeyError::Exists { path: path.into() },
        _ => failed(path, "write", &error),
    })
}

fn open(path: &Path) -> Result<File, KeyError> {
    // Without NONBLOCK, opening a pipe waits for its writer.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path).map_err(|error| {
        let path = path.into();
        match Errno::from_io_error(&error) {
            Some(Errno::LOOP) => KeyError::Symlink { path },
            Some(Errno::NXIO) => KeyError::NotRegular { path },
            Some(Errno::NOENT) => KeyError::NotFound { path },
            _ => KeyError::Io { path, action: "open", kind: error.kind() },
        }
    })
}

/// Returns the length of a file that may hold keys.
fn check(path: &Path, file: &File) -> Result<u64, KeyError> {
    let metadata = file.metadata().map_err(|error| failed(path, "look at", &error))?;
    let path = path.into();
    let (owner, user) = (metadata.uid(), geteuid().as_raw());
    let mode = metadata.mode() & 0o7777;
    match metadata.len() {
        _ if !metadata.is_file() => Err(KeyError::NotRegular { path }),
        _ if owner != user => Err(KeyError::NotOurs { path, owner, user }),
        _ if mode & 0o077 != 0 => Err(KeyError::TooOpen { path, mode }),
        length if length > MAX_KEY_FILE => Err(KeyError::TooLong { path }),
        length => Ok(length),
    }
}

/// A new, empty file in the same folder, ours alone. Its name is free: what a crash left behind is passed over.
fn create_beside(path: &Path) -> Result<(PathBuf, File), KeyError> {
    let name = path.file_name().ok_or_else(|| KeyError::NotRegular { path: path.into() })?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits() as i32);
    let mut attempt = 0;
    loop {
        let mut temporary = name.to_os_string();
        temporary.push(format!(".{}-{attempt}.new", std::process::id()));
        let temporary = path.with_file_name(temporary);
        match options.open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
            Err(error) => return Err(failed(path, "create", &error)),
        }
    }
}

fn fill(mut file: File, key: &Key) -> io::Result<()> {
    file.write_all(key.to_text().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// A rename replaces; a link does not, and so loses no race.
fn publish(temporary: &Path, path: &Path, overwrite: bool) -> io::Result<()> {
    if overwrite { fs::rename(temporary, path) } else { fs::hard_link(temporary, path) }
}

/// The new name is on disk only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn failed(path: &Path, action: &'static str, error: &io::Error) -> KeyError {
    KeyError::Io { path: path.into(), action, kind: error.kind() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc;
    use std::time::Duration;

    use rustix::fs::{CWD, Mode, mkfifoat};
    use tempfile::TempDir;

    use super::*;
    use crate::key::KeyRing;

    const TEXT: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

    fn folder_with(name: &str, content: &[u8], mode: u32) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn names_in(folder: &TempDir) -> Vec<String> {
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn reads_what_is_ours_alone() {
        for mode in [0o400, 0o600, 0o700] {
            let (_folder, path) = folder_with("bulla.key", TEXT.as_bytes(), mode);
            assert_eq!(*read_key_file(&path).unwrap(), TEXT);
            assert_eq!(*KeyRing::load(&path).unwrap().current().key(), Key::parse(TEXT).unwrap());
        }
    }

    #[test]
    fn refuses_every_bit_that_lets_others_in() {
        for bit in 0..6 {
            let (_folder, path) = folder_with("bulla.key", TEXT.as_bytes(), 0o600 | 1 << bit);
            let error = read_key_file(&path).unwrap_err();
            assert_eq!(error, KeyError::TooOpen { path: path.clone(), mode: 0o600 | 1 << bit });
            assert!(error.to_string().ends_with(&format!("chmod 600 {}", path.display())), "{error}");
        }
    }

    #[test]
    fn refuses_the_file_of_another_user() {
        let (_folder, ours) = folder_with("bulla.key", TEXT.as_bytes(), 0o600);
        let user = geteuid().as_raw();
        // Only root can give a file away; everyone else finds one of root's.
        let (path, owner) = if user == 0 { (ours, 12_345) } else { (PathBuf::from("/etc/passwd"), 0) };
        if user == 0 {
            chown(&path, Some(owner), None).unwrap();
        }
        assert_eq!(read_key_file(&path), Err(KeyError::NotOurs { path, owner, user }));
    }

    #[test]
    fn refuses_links_folders_sockets_and_missing_files() {
        let (folder, path) = folder_with("bulla.key", TEXT.as_bytes(), 0o600);
        let at = |name| folder.path().join(name);
        symlink(&path, at("link")).unwrap();
        symlink(at("nothing"), at("dangling")).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        assert_eq!(read_key_file(at("link")), Err(KeyError::Symlink { path: at("link") }));
        assert_eq!(read_key_file(at("dangling")), Err(KeyError::Symlink { path: at("dangling") }));
        assert_eq!(read_key_file(folder.path()), Err(KeyError::NotRegular { path: folder.path().into() }));
        assert_eq!(read_key_file(at("socket")), Err(KeyError::NotRegular { path: at("socket") }));
        assert_eq!(read_key_file("/dev/zero"), Err(KeyError::NotRegular { path: "/dev/zero".into() }));
        assert_eq!(read_key_file(at("nothing")), Err(KeyError::NotFound { path: at("nothing") }));
    }

    #[test]
    fn a_pipe_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        let (sender, receiver) = mpsc::channel();
        let copy = path.clone();
        std::thread::spawn(move || sender.send(read_key_file(copy)));
        let answer = receiver.recv_timeout(Duration::from_secs(10)).expect("opening waits for no writer");
        assert_eq!(answer, Err(KeyError::NotRegular { path }));
    }

    #[test]
    fn refuses_what_is_too_long_or_no_text() {
        let limit = MAX_KEY_FILE as usize;
        let (_folder, path) = folder_with("long", &vec![b'#'; limit + 1], 0o600);
        assert_eq!(read_key_file(&path), Err(KeyError::TooLong { path }));
        let (_folder, path) = folder_with("full", &vec![b'#'; limit], 0o600);
        assert_eq!(read_key_file(&path).unwrap().len(), limit);
        let (_folder, path) = folder_with("binary", &[0xff; 44], 0o600);
        assert_eq!(read_key_file(&path), Err(KeyError::NotText { path }));
    }

    #[test]
    fn an_error_inside_the_file_names_the_file_and_not_its_text() {
        let (_folder, path) = folder_with("bulla.key", b"\ncw_0x689RpI-jtRR7oE8h\n", 0o600);
        let error = KeyRing::load(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("{}: line 2: not a key", path.display())), "{error}");
        assert!(!error.contains("cw_0"), "{error}");
    }

    #[test]
    fn writes_what_it_reads_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bulla.key");
        let (first, second) = (Key::from_bytes([1; 32]), Key::from_bytes([2; 32]));
        write_key_file(&path, &first, false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(write_key_file(&path, &second, false), Err(KeyError::Exists { path: path.clone() }));
        assert_eq!(*KeyRing::load(&path).unwrap().current().key(), first);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_key_file(&path, &second, true).unwrap();
        assert_eq!(*KeyRing::load(&path).unwrap().current().key(), second);
        assert_eq!(names_in(&folder), ["bulla.key"]);
    }

    #[test]
    fn replaces_a_link_and_spares_what_it_points_to() {
        let (folder, target) = folder_with("target", b"precious", 0o600);
        let path = folder.path().join("bulla.key");
        symlink(&target, &path).unwrap();
        let key = Key::from_bytes([1; 32]);
        assert_eq!(write_key_file(&path, &key, false), Err(KeyError::Exists { path: path.clone() }));
        write_key_file(&path, &key, true).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        assert_eq!(*KeyRing::load(&path).unwrap().current().key(), key);
    }

    #[test]
    fn of_many_writers_at_once_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bulla.key");
        let write = |byte| write_key_file(&path, &Key::from_bytes([byte; 32]), false).map(|()| byte);
        let write = &write;
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8).map(|byte| scope.spawn(move || write(byte))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let winners: Vec<u8> = outcomes.iter().flatten().copied().collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|o| **o == Err(KeyError::Exists { path: path.clone() })).count(), 7);
        assert_eq!(*KeyRing::load(&path).unwrap().current().key(), Key::from_bytes([winners[0]; 32]));
        assert_eq!(names_in(&folder), ["bulla.key"]);
    }

    #[test]
    fn leaves_nothing_behind_where_it_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bulla.key");
        fs::create_dir(&path).unwrap();
        let key = Key::from_bytes([1; 32]);
        assert!(matches!(write_key_file(&path, &key, true), Err(KeyError::Io { action: "write", .. })));
        assert_eq!(names_in(&folder), ["bulla.key"]);
        let missing = folder.path().join("no/bulla.key");
        let kind = io::ErrorKind::NotFound;
        assert_eq!(write_key_file(&missing, &key, true), Err(KeyError::Io { path: missing, action: "create", kind }));
    }
}
