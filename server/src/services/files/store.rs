//! The folder with its limits: where uploads and downloads begin.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bulla_core::bytes::{Digest, Digester};

use crate::services::files::disk::{Disk, RealDisk};
use crate::services::files::download::Download;
use crate::services::files::folder::{Folder, check_ordinary, length};
use crate::services::files::list::list;
use crate::services::files::parts::{Parts, UploadKey};
use crate::services::files::transfers::{Ticket, Transfers};
use crate::services::files::upload::Upload;
use crate::services::files::usage::Usage;
use crate::services::files::{
    FileName, FilesError, FilesLimits, FolderError, GetRequest, ListReply, ListRequest, PartRequest, PutOpen,
    RemoveRequest,
};
use crate::sync::lock;

/// How often what is left of uploads is looked through at most.
const TIDY: Duration = Duration::from_secs(60);

/// Bytes of a file that are summed up before it is asked whether anybody still waits for that.
const STEP: u64 = 4 << 20;

/// The files of a server.
pub(super) struct Store {
    pub(super) folder: Folder,
    pub(super) disk: Box<dyn Disk>,
    pub(super) limits: FilesLimits,
    pub(super) usage: Arc<Usage>,
    parts: Arc<Parts>,
    pub(super) transfers: Arc<Transfers>,
    tidied: Mutex<Instant>,
}

impl Store {
    pub(super) fn open(path: &Path, limits: FilesLimits) -> Result<Arc<Self>, FolderError> {
        Self::open_on(Box::new(RealDisk), path, limits)
    }

    pub(super) fn open_on(disk: Box<dyn Disk>, path: &Path, limits: FilesLimits) -> Result<Arc<Self>, FolderError> {
        let folder = Folder::open(path)?;
        let (usage, transfers) = (Arc::new(Usage::new(limits.total)), Transfers::new(&limits));
        let parts = Arc::new(Parts::open(folder.root(), path, limits, Arc::clone(&usage))?);
        let tidied = Mutex::new(Instant::now());
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
    pub(super) fn read(&self, request: &GetRequest, ticket: Ticket) -> Result<Download, FilesError> {
        let name: FileName = request.name.parse()?;
        let (mut file, found) = self.folder.read(&name)?;
        if request.offset > length(&found) {
            return Err(FilesError::PartDiffers(name.to_string()));
        }
        let beginning = sum_beginning(request.offset, request.sha256, &name, |sum, step| {
            ticket.check_wanted()?;
            sum.update_from(&mut file, step).map_err(|error| FilesError::system("read a file", &error))
        })?;
        Ok(Download::new(name, file, found, beginning, ticket))
    }

    pub(super) fn list(&self, request: &ListRequest) -> Result<ListReply, FilesError> {
        list(&self.folder, request)
    }

    pub(super) fn remove(&self, request: &RemoveRequest) -> Result<u64, FilesError> {
        let size = self.folder.remove(&*self.disk, &request.name.parse()?)?;
        self.usage.give_back(size);
        Ok(size)
    }

    /// Whether the disk has room for so many bytes more, and what is to stay free.
    pub(super) fn check_room(&self, bytes: u64) -> Result<(), FilesError> {
        let free = self.disk.free(self.folder.root());
        let free = free.map_err(|error| FilesError::system("ask for free room", &error))?;
        if free < bytes.saturating_add(self.limits.reserve) { Err(FilesError::DiskFull) } else { Ok(()) }
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

/// The sum of a file's beginning, if that is what the peer has, too. It may be long: `add` adds so many bytes of it, as far as there are
/// so many, and is the place to see whether the rest is wanted.
pub(super) fn sum_beginning(
    offset: u64,
    expected: Option<Digest>,
    name: &FileName,
    mut add: impl FnMut(&mut Digester, u64) -> Result<(), FilesError>,
) -> Result<Digester, FilesError> {
    let mut sum = Digester::default();
    if offset == 0 {
        return Ok(sum);
    }
    let Some(expected) = expected else {
        return Err(FilesError::Request("an offset goes with the checksum of the bytes before it".to_owned()));
    };
    while sum.length() < offset {
        let (before, step) = (sum.length(), STEP.min(offset - sum.length()));
        add(&mut sum, step)?;
        if sum.length() < before + step {
            break;
        }
    }
    if sum.length() == offset && sum.digest() == expected {
        Ok(sum)
    } else {
        Err(FilesError::PartDiffers(name.to_string()))
    }
}
