//! The folder with its limits: where uploads and downloads begin.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bulla_core::bytes::{Digest, Digester};

use crate::services::files::disk::{Disk, RealDisk};
use crate::services::files::download::Download;
use crate::services::files::folder::{Folder, check_ordinary, length};
use crate::services::files::list::list;
use crate::services::files::parts::{Parts, UploadKey};
use crate::services::files::upload::Upload;
use crate::services::files::usage::Usage;
use crate::services::files::{
    FileName, FilesError, FilesLimits, FolderError, GetRequest, ListReply, ListRequest, PartRequest, PutOpen,
    RemoveRequest,
};
use crate::sync::lock;

/// How often what is left of uploads is looked through at most.
const TIDY: Duration = Duration::from_secs(60);

/// The files of a server.
pub(super) struct Store {
    pub(super) folder: Folder,
    pub(super) disk: Box<dyn Disk>,
    pub(super) limits: FilesLimits,
    pub(super) usage: Usage,
    parts: Arc<Parts>,
    transfers: AtomicUsize,
    tidied: Mutex<Instant>,
}

impl Store {
    pub(super) fn open(path: &Path, limits: FilesLimits) -> Result<Arc<Self>, FolderError> {
        Self::open_on(Box::new(RealDisk), path, limits)
    }

    pub(super) fn open_on(disk: Box<dyn Disk>, path: &Path, limits: FilesLimits) -> Result<Arc<Self>, FolderError> {
        let folder = Folder::open(path)?;
        let parts = Arc::new(Parts::open(folder.root(), path, limits)?);
        let (usage, transfers, tidied) = (Usage::new(limits.total), AtomicUsize::new(0), Mutex::new(Instant::now()));
        Ok(Arc::new(Self { folder, disk, limits, usage, parts, transfers, tidied }))
    }

    /// Begins an upload, or goes on with one. All that can be refused before a byte comes is refused here.
    pub(super) fn begin(
        self: &Arc<Self>,
        open: &PutOpen,
        peer: Option<&str>,
        ticket: Ticket,
    ) -> Result<Upload, FilesError> {
        let name: FileName = open.name.parse()?;
        let key = open.upload.as_deref().map(|upload| UploadKey::new(peer, &name, upload)).transpose()?;
        if key.is_none() && open.offset > 0 {
            return Err(FilesError::Request("an upload without a name of its own begins at 0".to_owned()));
        }
        match self.folder.look(&name)? {
            Some(_) if !open.replace => return Err(FilesError::Exists(name.to_string())),
            Some(found) => check_ordinary(&name, &found)?,
            None => {}
        }
        let length = open.size.unwrap_or_default().max(open.offset);
        if length > self.limits.file {
            return Err(FilesError::TooLarge { limit: self.limits.file, length });
        }
        // What is too old takes no room from what is new.
        self.tidy();
        self.check_room(length - open.offset)?;
        let part = self.parts.claim(key)?;
        Upload::begin(Arc::clone(self), part, name, open, ticket)
    }

    /// How much there is of an upload that broke off.
    pub(super) fn part(&self, request: &PartRequest, peer: Option<&str>) -> Result<u64, FilesError> {
        self.tidy();
        self.parts.length(&UploadKey::new(peer, &request.name.parse()?, &request.upload)?)
    }

    /// Opens a file to be sent from the offset on.
    pub(super) fn read(self: &Arc<Self>, request: &GetRequest) -> Result<Download, FilesError> {
        let name: FileName = request.name.parse()?;
        let ticket = self.start()?;
        let (mut file, found) = self.folder.read(&name)?;
        if request.offset > length(&found) {
            return Err(FilesError::PartDiffers(name.to_string()));
        }
        let beginning = sum_beginning(&mut file, request.offset, request.sha256, &name)?;
        Ok(Download::new(name, file, found, beginning, ticket))
    }

    pub(super) fn list(&self, request: &ListRequest) -> Result<ListReply, FilesError> {
        list(&self.folder, request)
    }

    pub(super) fn remove(&self, request: &RemoveRequest) -> Result<u64, FilesError> {
        self.folder.remove(&*self.disk, &request.name.parse()?)
    }

    /// Transfers under way.
    pub(super) fn transfers(&self) -> usize {
        self.transfers.load(Ordering::Relaxed)
    }

    /// Whether the disk has room for so many bytes more, and what is to stay free.
    pub(super) fn check_room(&self, bytes: u64) -> Result<(), FilesError> {
        let free = self.disk.free(self.folder.root());
        let free = free.map_err(|error| FilesError::system("ask for free room", &error))?;
        if free < bytes.saturating_add(self.limits.reserve) { Err(FilesError::DiskFull) } else { Ok(()) }
    }

    /// A place among the transfers.
    pub(super) fn start(self: &Arc<Self>) -> Result<Ticket, FilesError> {
        let most = self.limits.transfers;
        let more = |count: usize| (count < most).then_some(count + 1);
        match self.transfers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Ticket { store: Arc::clone(self) }),
            Err(_) => Err(FilesError::Busy(most)),
        }
    }

    /// Looks through what is left of uploads, but not each time.
    fn tidy(&self) {
        let mut tidied = lock(&self.tidied);
        if tidied.elapsed() < TIDY {
            return;
        }
        *tidied = Instant::now();
        drop(tidied);
        self.tidy_now(SystemTime::now());
    }

    pub(super) fn tidy_now(&self, now: SystemTime) {
        self.parts.tidy_or_warn(now);
    }
}

/// A transfer that is counted for as long as this is there.
pub(super) struct Ticket {
    store: Arc<Store>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.store.transfers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The sum of a file's beginning, if that is what the peer has, too. Leaves the file at the offset.
pub(super) fn sum_beginning(
    file: &mut std::fs::File,
    offset: u64,
    expected: Option<Digest>,
    name: &FileName,
) -> Result<Digester, FilesError> {
    let mut sum = Digester::default();
    if offset == 0 {
        return Ok(sum);
    }
    let Some(expected) = expected else {
        return Err(FilesError::Request("an offset goes with the checksum of the bytes before it".to_owned()));
    };
    sum.update_from(file, offset).map_err(|error| FilesError::system("read a file", &error))?;
    if sum.length() == offset && sum.digest() == expected {
        Ok(sum)
    } else {
        Err(FilesError::PartDiffers(name.to_string()))
    }
}
