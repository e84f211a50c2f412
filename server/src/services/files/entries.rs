//! What is in a folder.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Dir, FileType, statat};
use rustix::io::Errno;

/// Shows the names in a folder, in no order, with what stands under them. Names that are no UTF-8 are passed over, and so is what goes
/// away meanwhile.
pub(super) fn each_entry(
    folder: impl AsFd,
    mut show: impl FnMut(BorrowedFd<'_>, &str, FileType) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let folder = folder.as_fd();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if matches!(name, "." | "..") {
            continue;
        }
        let kind = match entry.file_type() {
            // Not every file system tells.
            FileType::Unknown => match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(found) => FileType::from_raw_mode(found.st_mode),
                Err(_) => continue,
            },
            kind => kind,
        };
        show(folder, name, kind)?;
    }
    Ok(())
}
