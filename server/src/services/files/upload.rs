//! One upload: bytes into a part, and the part into a file when all of it is there and is what it should be.

use std::io::Seek;
use std::sync::Arc;

use bulla_core::bytes::{Digest, Digester};

use crate::services::files::disk::write_all;
use crate::services::files::parts::Part;
use crate::services::files::store::{Store, sum_beginning};
use crate::services::files::transfers::Ticket;
use crate::services::files::usage::Room;
use crate::services::files::{FileName, FilesError, PutOpen, Receipt};

/// Bytes after which the room on the disk is looked at again: others write there, too.
const ROOM_CHECK: u64 = 4 << 20;

/// An upload under way. Dropped, it leaves what it has for its client to go on with, if that named it.
pub(super) struct Upload {
    store: Arc<Store>,
    part: Part,
    name: FileName,
    replace: bool,
    /// The length that the client announced.
    declared: Option<u64>,
    sum: Digester,
    /// Bytes that may be written before the room is looked at.
    unchecked: u64,
    _ticket: Ticket,
}

impl Upload {
    pub(super) fn begin(
        store: Arc<Store>,
        part: Part,
        name: FileName,
        open: &PutOpen,
        ticket: Ticket,
    ) -> Result<Self, FilesError> {
        let failed = |error: std::io::Error| FilesError::system("read what is there of a file", &error);
        let mut file = part.file().try_clone().map_err(failed)?;
        file.rewind().map_err(failed)?;
        let beginning = sum_beginning(open.offset, open.sha256, &name, |sum, step| {
            ticket.check_wanted()?;
            // Whoever takes it over waits for no more than a step.
            let _held = part.hold()?;
            sum.update_from(&mut file, step).map_err(failed)
        });
        if let Err(error @ FilesError::PartDiffers(_)) = beginning {
            // Nobody can go on with it.
            part.discard();
            return Err(error);
        }
        let sum = beginning?;
        let held = part.hold()?;
        let longer = file.metadata().map_err(failed)?.len().saturating_sub(sum.length());
        file.set_len(sum.length()).map_err(failed)?;
        store.usage.give_back(longer);
        drop(held);
        let (replace, declared) = (open.replace, open.size);
        Ok(Self { store, part, name, replace, declared, sum, unchecked: 0, _ticket: ticket })
    }

    /// The bytes that are there.
    pub(super) fn length(&self) -> u64 {
        self.sum.length()
    }

    /// Adds bytes at the end.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        let length = self.length().saturating_add(bytes.len() as u64);
        if let Some(declared) = self.declared.filter(|declared| length > *declared) {
            return Err(FilesError::Length { declared, found: length });
        }
        if length > self.store.limits.file {
            return Err(FilesError::TooLarge { limit: self.store.limits.file, length });
        }
        let room = self.take_room(bytes.len() as u64)?;
        let held = self.part.hold()?;
        let written = write_all(&*self.store.disk, self.part.file(), bytes);
        drop(held);
        // Also if it failed: some may be there.
        room.fill();
        written.map_err(|error| FilesError::system("write a file", &error))?;
        self.sum.update(bytes);
        Ok(())
    }

    fn take_room(&mut self, bytes: u64) -> Result<Room, FilesError> {
        if self.unchecked < bytes {
            self.store.check_room(bytes)?;
            self.unchecked = ROOM_CHECK.max(bytes);
        }
        self.unchecked -= bytes;
        self.store.usage.take(&self.store.folder, bytes)
    }

    /// Makes a file of it, if it is what the client has sent. When this returns, it is on disk.
    pub(super) fn finish(self, declared: Digest) -> Result<Receipt, FilesError> {
        let found = self.sum.digest();
        let error = match self.declared.filter(|length| *length != self.length()) {
            Some(declared) => FilesError::Length { declared, found: self.length() },
            None if found != declared => FilesError::Checksum { declared, found },
            None => return self.publish(found),
        };
        self.part.discard();
        Err(error)
    }

    fn publish(self, sha256: Digest) -> Result<Receipt, FilesError> {
        let held = self.part.hold()?;
        let synced = self.store.disk.sync(self.part.file());
        synced.map_err(|error| FilesError::system("write a file to disk", &error))?;
        let published = self.store.folder.publish(&*self.store.disk, self.part.entry(), &self.name, self.replace);
        drop(held);
        let replaced = published?;
        self.store.usage.give_back(replaced.unwrap_or_default());
        let (name, replaced) = (self.name.to_string(), replaced.is_some());
        let receipt = Receipt { name, size: self.sum.length(), sha256, replaced };
        self.part.into_published();
        Ok(receipt)
    }
}
