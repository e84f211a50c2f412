//! How much of a session's replies waits to be sent, as its loop tells the threads that make more.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

/// A message up to this length finds room whatever else waits on its connection, if nothing waits on its stream: no stream is held
/// up by others.
const ALWAYS: usize = 16 << 10;

/// How much of a session's replies waits to be sent. The loop publishes, the threads that send look.
#[derive(Debug)]
pub(crate) struct Flow {
    /// What one stream may have unsent, in bytes.
    window: usize,
    /// What may wait for the socket.
    outbound: usize,
    /// What may wait for the socket and for credit.
    most: usize,
    /// Bytes on their way to the loop.
    posted: AtomicUsize,
    /// Bytes that wait for the socket.
    sendable: AtomicUsize,
    /// Bytes that wait for the socket or for credit.
    queued: AtomicUsize,
    /// Somebody waits for room.
    crowded: AtomicBool,
}

impl Flow {
    pub(crate) fn new(window: usize, outbound: usize, most: usize) -> Self {
        Self {
            window,
            outbound,
            most,
            posted: AtomicUsize::new(0),
            sendable: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            crowded: AtomicBool::new(false),
        }
    }

    /// Whether a stream that has `unsent` bytes may send `more`. If not for want of room on the connection, the loop will tell.
    pub(crate) fn has_room(&self, unsent: usize, more: usize) -> bool {
        if unsent > 0 && unsent + more > self.window {
            return false;
        }
        if self.connection_has_room(unsent, more) {
            return true;
        }
        // The loop publishes, then looks for this; here it is the other way round, so that one of the two sees the other.
        self.crowded.store(true, SeqCst);
        self.connection_has_room(unsent, more)
    }

    fn connection_has_room(&self, unsent: usize, more: usize) -> bool {
        if unsent == 0 && more <= ALWAYS {
            return true;
        }
        let posted = self.posted.load(SeqCst);
        let flows = unsent == 0 || posted + self.sendable.load(SeqCst) <= self.outbound;
        // The last message may exceed the bound: one that is longer than it would never pass otherwise.
        flows && posted + self.queued.load(SeqCst) <= self.most
    }

    /// Whether a stream whose sender cannot wait may go beyond its window: by as much again at most.
    pub(crate) fn may_exceed(&self, unsent: usize) -> bool {
        unsent <= 2 * self.window
    }

    /// Whether so little of a stream is unsent that it is worth waking its sender.
    pub(crate) fn is_low(&self, unsent: usize) -> bool {
        unsent <= self.window / 2
    }

    /// Bytes went to the loop.
    pub(crate) fn post(&self, bytes: usize) {
        self.posted.fetch_add(bytes, SeqCst);
    }

    /// The loop took `taken` of the posted bytes, and tells what its connection holds. `true` if somebody waits for room, and
    /// there is some.
    pub(crate) fn publish(&self, taken: usize, sendable: usize, queued: usize) -> bool {
        self.sendable.store(sendable, SeqCst);
        self.queued.store(queued, SeqCst);
        let posted = self.posted.fetch_sub(taken, SeqCst) - taken;
        let room = posted + sendable <= self.outbound / 2 && posted + queued <= self.most;
        room && self.crowded.swap(false, SeqCst)
    }
}
