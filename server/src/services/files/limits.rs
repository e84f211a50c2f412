//! How much a folder takes.

use std::time::Duration;

/// How much a folder takes, in files and in what is left of uploads that broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilesLimits {
    /// The longest file, in bytes. Default 16 GiB.
    pub file: u64,
    /// The most bytes in the folder, unfinished uploads included. What others put there or take away is seen within a minute, and
    /// where there is no room, within a second or ten times what it takes to look. Default none: the disk is the limit.
    pub total: Option<u64>,
    /// Bytes of the disk that stay free. Default 256 MiB.
    pub reserve: u64,
    /// Transfers at once, in both directions together. Default 64.
    pub transfers: usize,
    /// Of these, how many of one peer: of all connections whose keys have the same name. A key without a name may be anybody's, so
    /// that here each of its connections counts for itself. Default 16.
    pub transfers_per_peer: usize,
    /// How long a peer may send no byte, or take nothing, in the middle of a transfer. Default 5 min.
    pub silence: Duration,
    /// The most uploads that broke off and are kept to go on with; the oldest goes first. Default 64.
    pub parts: usize,
    /// The most bytes of them. Default 16 GiB.
    pub part_bytes: u64,
    /// How long they are kept. Default one day.
    pub part_age: Duration,
}

impl Default for FilesLimits {
    fn default() -> Self {
        Self {
            file: 16 << 30,
            total: None,
            reserve: 256 << 20,
            transfers: 64,
            transfers_per_peer: 16,
            silence: Duration::from_secs(300),
            parts: 64,
            part_bytes: 16 << 30,
            part_age: Duration::from_secs(24 * 60 * 60),
        }
    }
}
