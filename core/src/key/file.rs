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

/// Writes a key file that [`read_key_file`] reads: mode 0600, on disk when this returns, never seen half written.
///
/// With `overwrite` it replaces what is at the path (a symbolic link, not what it points to). Without, the path must be free,
/// also at the moment the finished file takes its place. The file system must know hard links then.
///
/// # Errors
/// [`KeyError::Exists`] or [`KeyError::Io`]; what was at the path stays as it was.
pub fn write_key_file(path: impl AsRef<Path>, key: &Key, overwrite: bool) -> Result<(), KeyError> {
    let path = path.as_ref();
    let (temporary, file) = create_beside(path)?;
    let written = fill(file, key).and_then(|()| publish(&temporary, path, overwrite));
    if written.is_err() || !overwrite {
        // A second name by now, or half a file.
        let _ = fs::remove_file(&temporary);
    }
    written.and_then(|()| sync_folder(path)).map_err(|error| failed(path, "write", &error))
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
    let path = path.into();
    match error.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists { path },
        kind => KeyError::Io { path, action, kind },
    }
}
