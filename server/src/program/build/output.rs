//! Where the new program is put.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::BuildError;

/// A path that can be written.
pub(crate) struct Output {
    path: PathBuf,
    /// A file beside it, which takes its place in one step: an old program may be running.
    beside: PathBuf,
}

impl Output {
    /// Checks the path before the long work.
    pub(crate) fn at(path: PathBuf) -> Result<Self, BuildError> {
        let refused = |error: io::Error| BuildError::Output { path: path.clone(), reason: error.to_string() };
        let name = path.file_name().ok_or_else(|| refused(io::ErrorKind::InvalidFilename.into()))?;
        if path.is_dir() {
            return Err(refused(io::ErrorKind::IsADirectory.into()));
        }
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}", std::process::id()));
        let beside = path.with_file_name(hidden);
        File::create_new(&beside).and_then(|_| fs::remove_file(&beside)).map_err(refused)?;
        Ok(Self { path, beside })
    }

    /// Puts the program there.
    pub(crate) fn install(self, program: &Path) -> Result<PathBuf, BuildError> {
        let put = fs::copy(program, &self.beside).and_then(|_| fs::rename(&self.beside, &self.path));
        put.map_err(|error| {
            // What was begun is of no use to anybody.
            let _ = fs::remove_file(&self.beside);
            BuildError::Output { path: self.path.clone(), reason: error.to_string() }
        })?;
        Ok(self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_takes_the_place_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("new"), "new").unwrap();
        fs::write(at("old"), "old").unwrap();
        assert_eq!(Output::at(at("old")).ok().unwrap().install(&at("new")), Ok(at("old")));
        assert_eq!(fs::read_to_string(at("old")).unwrap(), "new");
        drop(Output::at(at("never")));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn what_cannot_be_written_is_told_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("no/such"), PathBuf::from("/"), PathBuf::from("..")] {
            assert!(matches!(Output::at(path), Err(BuildError::Output { .. })));
        }
    }
}
