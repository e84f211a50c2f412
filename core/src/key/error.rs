//! What goes wrong with keys and their files. No text of a key ever enters an error.

use std::io;
use std::path::PathBuf;

use super::{MAX_KEY_FILE, MAX_KEY_NAME, MAX_KEYS};
use crate::text::escape;

/// The longest part of a path that an error shows, in characters.
const MAX_PATH: usize = 400;

/// A key, key ring or key file that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text holds a character that base64 does not have, or its bits end wrongly.
    #[error("not a key: expected 44 characters of base64, as `bulla keygen` or Fernet.generate_key() write")]
    NotBase64,
    /// Base64, but not of 32 bytes with padding.
    #[error("not a key: a key is 44 characters of base64 (32 bytes and the padding), this is {characters}")]
    WrongLength {
        /// How many characters the text has without the white space around it.
        characters: usize,
    },
    /// Not the hexadecimal text of a key id.
    #[error("not a key id: expected 16 hexadecimal digits")]
    BadKeyId,
    /// The name before `=` is not a name.
    #[error(
        "not a key name: expected 1 to {MAX_KEY_NAME} characters of A-Z a-z 0-9 . _ @ -, the first a letter or digit"
    )]
    BadName,
    /// The name before `=` has the shape of a key: most likely two keys were joined without a line end between them.
    #[error("the name before `=` looks like a key: put each key on a line of its own")]
    KeyAsName,
    /// The key is in the ring already.
    #[error("the same key as in line {first}: keep one of the two")]
    DuplicateKey {
        /// The line that has it first.
        first: usize,
    },
    /// The name is in the ring already.
    #[error("the name {name} is taken by line {first}: a name belongs to one key")]
    DuplicateName {
        /// The name.
        name: String,
        /// The line that has it first.
        first: usize,
    },
    /// More keys than [`MAX_KEYS`].
    #[error("more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// No key at all.
    #[error("no key in it: add one with `bulla keygen`")]
    Empty,
    /// The line of a ring that was refused.
    #[error("line {line}: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: Box<KeyError>,
    },
    /// The key file that was refused.
    #[error("key file {}: {reason}", show(.path))]
    File {
        /// As given.
        path: PathBuf,
        /// What is wrong with it.
        reason: Box<KeyError>,
    },
    /// Nothing is at the path.
    #[error("key file {} does not exist: make one with `bulla keygen {0}`", show(.path))]
    NotFound {
        /// As given.
        path: PathBuf,
    },
    /// The path is a symbolic link: whoever can change the link chooses the key.
    #[error("key file {} is a symbolic link: name the file itself", show(.path))]
    Symlink {
        /// As given.
        path: PathBuf,
    },
    /// A folder, device, pipe or socket.
    #[error("key file {} is not a regular file: name a file that holds the keys", show(.path))]
    NotRegular {
        /// As given.
        path: PathBuf,
    },
    /// Another user owns the file, so could change it at any time.
    #[error("key file {0} belongs to uid {owner}, but this process runs as uid {user}: chown {user} {0}", show(.path))]
    NotOurs {
        /// As given.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Our effective user id.
        user: u32,
    },
    /// Group or others may read or change the file.
    #[error("key file {0} is open to other users (mode {mode:04o}): chmod 600 {0}", show(.path))]
    TooOpen {
        /// As given.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Longer than [`MAX_KEY_FILE`].
    #[error("key file {} is longer than {MAX_KEY_FILE} bytes: is it a key file?", show(.path))]
    TooLong {
        /// As given.
        path: PathBuf,
    },
    /// Not UTF-8.
    #[error("key file {} is not text: is it a key file?", show(.path))]
    NotText {
        /// As given.
        path: PathBuf,
    },
    /// A file is in the way of a new one.
    #[error("key file {} exists already: it was left as it is", show(.path))]
    Exists {
        /// As given.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} key file {}: {kind}", show(.path))]
    Io {
        /// As given.
        path: PathBuf,
        /// What was tried: open, read, write …
        action: &'static str,
        /// The system's reason.
        kind: io::ErrorKind,
    },
}

fn show(path: &std::path::Path) -> String {
    escape(&path.display(), MAX_PATH)
}
