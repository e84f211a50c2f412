//! The store on its own, without a server: names, uploads and downloads, a disk that fails.

mod failures;
mod listing;
mod names;
mod transfers;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bulla_core::bytes::{Digest, Digester};
use tempfile::TempDir;

use super::disk::{Disk, RealDisk};
use super::download::Download;
use super::store::Store;
use super::transfers::Ticket;
use super::upload::Upload;
use super::*;
use crate::route::PeerId;

/// A store in a folder of its own.
struct Place {
    folder: TempDir,
    store: Arc<Store>,
}

fn limits() -> FilesLimits {
    FilesLimits { reserve: 0, ..FilesLimits::default() }
}

fn place() -> Place {
    place_with(limits())
}

fn place_with(limits: FilesLimits) -> Place {
    place_on(Box::new(RealDisk), limits)
}

fn place_on(disk: Box<dyn Disk>, limits: FilesLimits) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_on(disk, folder.path(), limits).unwrap();
    Place { folder, store }
}

fn digest(bytes: &[u8]) -> Digest {
    let mut sum = Digester::default();
    sum.update(bytes);
    sum.digest()
}

/// What a client says of an upload that it may go on with.
fn named(name: &str) -> PutOpen {
    PutOpen { name: name.to_owned(), upload: Some("one".to_owned()), ..PutOpen::default() }
}

fn new(name: &str) -> PutOpen {
    PutOpen { name: name.to_owned(), ..PutOpen::default() }
}

fn replacing(name: &str) -> PutOpen {
    PutOpen { replace: true, ..new(name) }
}

/// The same upload, from where it broke off.
fn resumed(name: &str, beginning: &[u8]) -> PutOpen {
    PutOpen { offset: beginning.len() as u64, sha256: Some(digest(beginning)), ..named(name) }
}

/// A place for a transfer of a peer that waits for ever.
fn start(store: &Store, peer: &str) -> Result<Ticket, FilesError> {
    store.transfers.start(PeerId::Name(peer.into()), || true)
}

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn begin(&self, open: &PutOpen) -> Result<Upload, FilesError> {
        self.store.begin(open, None, start(&self.store, "one")?)
    }

    fn put(&self, open: &PutOpen, bytes: &[u8]) -> Result<Receipt, FilesError> {
        let mut upload = self.begin(open)?;
        for chunk in bytes.chunks(1000) {
            upload.write(chunk)?;
        }
        upload.finish(digest(bytes))
    }

    /// Uploads some bytes and breaks off.
    fn break_off(&self, open: &PutOpen, bytes: &[u8]) {
        self.begin(open).unwrap().write(bytes).unwrap();
    }

    fn part(&self, name: &str) -> u64 {
        self.store.part(&PartRequest { name: name.to_owned(), upload: "one".to_owned() }, None).unwrap()
    }

    /// The names in the folder of the parts.
    fn parts(&self) -> Vec<String> {
        names_in(&self.path(".bulla-parts"))
    }

    fn read(&self, request: &GetRequest) -> Result<Download, FilesError> {
        self.store.read(request, start(&self.store, "one")?)
    }

    fn get(&self, request: &GetRequest) -> Result<Vec<u8>, FilesError> {
        let mut download = self.read(request)?;
        let mut all = Vec::new();
        loop {
            let mut chunk = vec![0; 777];
            download.read(&mut chunk)?;
            if chunk.is_empty() {
                break;
            }
            all.append(&mut chunk);
        }
        download.finish().map(|_| all)
    }

    fn get_all(&self, name: &str) -> Result<Vec<u8>, FilesError> {
        self.get(&GetRequest { name: name.to_owned(), ..GetRequest::default() })
    }

    fn remove(&self, name: &str) -> Result<u64, FilesError> {
        self.store.remove(&RemoveRequest { name: name.to_owned() })
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Bytes that are different everywhere.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn a_folder_that_others_have_a_hand_in_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let shown = |name: &str| at(name).display().to_string();
    let open = |name: &str| Store::open(&at(name), limits()).map(|_| ());
    assert_eq!(open("none"), Err(FolderError::NotFound(shown("none"))));
    fs::write(at("file"), "").unwrap();
    assert_eq!(open("file"), Err(FolderError::NotAFolder(shown("file"))));
    fs::create_dir(at("folder")).unwrap();
    symlink(at("folder"), at("link")).unwrap();
    assert_eq!(open("link"), Err(FolderError::NotAFolder(shown("link"))));
    for mode in [0o720, 0o702, 0o1777] {
        fs::set_permissions(at("folder"), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(open("folder"), Err(FolderError::TooOpen { path: shown("folder"), mode }));
    }
    fs::set_permissions(at("folder"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink(at("none"), at("folder/.bulla-parts")).unwrap();
    assert!(matches!(open("folder"), Err(FolderError::NotAFolder(_))));
    fs::remove_file(at("folder/.bulla-parts")).unwrap();
    let store = Store::open(&at("folder"), limits()).unwrap();
    assert_eq!(open("folder"), Err(FolderError::InUse(shown("folder"))));
    drop(store);
    assert_eq!(open("folder"), Ok(()));
}
