//! Places for transfers: so many at once, and so many of one peer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};

use crate::route::PeerId;
use crate::services::files::{FilesError, FilesLimits};
use crate::sync::lock;

/// Counts the transfers under way.
pub(super) struct Transfers {
    most: usize,
    most_of_peer: usize,
    under_way: Mutex<UnderWay>,
}

#[derive(Default)]
struct UnderWay {
    all: usize,
    by_peer: HashMap<PeerId, usize>,
}

impl Transfers {
    pub(super) fn new(limits: &FilesLimits) -> Arc<Self> {
        let (most, most_of_peer) = (limits.transfers, limits.transfers_per_peer);
        Arc::new(Self { most, most_of_peer, under_way: Mutex::default() })
    }

    /// A place for a transfer, which goes on for as long as `is_wanted` says that somebody waits for it.
    pub(super) fn start(
        self: &Arc<Self>,
        peer: PeerId,
        is_wanted: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Ticket, FilesError> {
        let mut under_way = lock(&self.under_way);
        if under_way.all >= self.most {
            return Err(FilesError::Busy(self.most));
        }
        let of_peer = under_way.by_peer.get(&peer).copied().unwrap_or_default();
        if of_peer >= self.most_of_peer {
            return Err(FilesError::PeerBusy(self.most_of_peer));
        }
        under_way.all += 1;
        under_way.by_peer.insert(peer.clone(), of_peer + 1);
        Ok(Ticket { transfers: Arc::clone(self), peer, is_wanted: Box::new(is_wanted) })
    }

    /// Transfers under way.
    pub(super) fn count(&self) -> usize {
        lock(&self.under_way).all
    }
}

/// A transfer that is counted for as long as this is there.
pub(super) struct Ticket {
    transfers: Arc<Transfers>,
    peer: PeerId,
    is_wanted: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Ticket {
    /// To be asked in the midst of long work.
    pub(super) fn check_wanted(&self) -> Result<(), FilesError> {
        if (self.is_wanted)() { Ok(()) } else { Err(FilesError::Unwanted) }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut under_way = lock(&self.transfers.under_way);
        under_way.all -= 1;
        if let Entry::Occupied(mut count) = under_way.by_peer.entry(self.peer.clone()) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}
