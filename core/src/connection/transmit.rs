//! Filling records: control frames first, then credit, then data, each stream in its turn.

use crate::connection::channel::Channel;
use crate::frame::{HEADER, put_close, put_credit, written_length};
use crate::record::{Batch, Frames, MAX_FRAMES, Sealer};
use crate::wire::Put;

/// Frames that go out in one burst, in bytes; then the rest waits until they are written.
const BURST: usize = 128 << 10;

/// What a CREDIT frame takes.
const CREDIT_LEN: usize = HEADER + 4;

/// What a CLOSE without a reason takes.
const CLOSE_LEN: usize = HEADER + 1;

/// Where [`Channel::fill`] leaves off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// At the end of a record.
    Record,
    /// As `Record`, and CLOSE is the last frame.
    Last,
}

/// Into how many records so many bytes of frames are cut: what is sealed side by side takes less time on both sides, but each record
/// costs time and 91 bytes of its own. Measured: see `seal bulk` in the benchmarks.
const fn records_for(frames: usize) -> usize {
    match frames {
        0x8000.. => 8,
        0x2000.. => 4,
        0x800.. => 2,
        _ => 1,
    }
}

impl Channel {
    /// Appends records of what is ready to go, a burst of it at most; `true` if CLOSE was the last of it.
    pub(crate) fn transmit(&mut self, sealer: &mut Sealer, time: u64, out: &mut Vec<u8>) -> bool {
        let ready = self.ready_bytes();
        let records = records_for(ready);
        // A message that is cut has one header more, and a header that would be all that fits is left for the next record.
        let share = (ready.div_ceil(records) + 2 * HEADER).min(MAX_FRAMES);
        let mut batch = Batch::new(out);
        let mut last = false;
        while !last && batch.len() < BURST {
            let Some(filled) = batch.add(|frames| self.fill(frames, share)) else { break };
            last = filled == Filled::Last;
        }
        sealer.seal_all(time, batch).expect("no session lasts for 2^64 records");
        last
    }

    /// The bytes of frames that are ready to go, up to a burst of them.
    fn ready_bytes(&self) -> usize {
        let mut bytes = self.control.len() + self.grants.len() * CREDIT_LEN;
        for stream in self.ready.iter().filter_map(|id| self.streams.get(id)) {
            bytes += stream.sendable() + (stream.messages() + 1) * HEADER;
            if bytes >= BURST {
                return BURST;
            }
        }
        bytes
    }

    /// Writes the frames of the next record, `share` bytes of them or fewer; a single one of control may be longer.
    fn fill(&mut self, frames: &mut Frames<'_>, share: usize) -> Option<Filled> {
        let greeting = std::mem::take(&mut self.greeting_due);
        self.fill_control(frames, share);
        self.fill_grants(frames, share);
        self.fill_data(frames, share);
        if frames.is_empty() && !greeting && !self.closing {
            return None;
        }
        if !self.closing || !self.control.is_empty() || !self.ready.is_empty() || frames.room() < CLOSE_LEN {
            return Some(Filled::Record);
        }
        put_close(frames, None);
        Some(Filled::Last)
    }

    fn fill_control(&mut self, frames: &mut Frames<'_>, share: usize) {
        let mut used = 0;
        while used < self.control.len() {
            let length = written_length(&self.control[used..]);
            if used > 0 && used + length > share {
                break;
            }
            used += length;
        }
        Put::put(frames, &self.control[..used]);
        self.control.drain(..used);
    }

    fn fill_grants(&mut self, frames: &mut Frames<'_>, share: usize) {
        while frames.len() + CREDIT_LEN <= share {
            let Some(id) = self.grants.pop() else { break };
            let Some(stream) = self.streams.get_mut(&id) else { continue };
            stream.credit_due = false;
            let bytes = stream.credit_to_grant(self.limits.credit);
            if bytes > 0 {
                stream.granted(bytes);
                put_credit(frames, id, bytes);
            }
        }
    }

    fn fill_data(&mut self, frames: &mut Frames<'_>, share: usize) {
        // Control frames that did not fit come first: an OPEN must not be overtaken by its DATA.
        if !self.control.is_empty() {
            return;
        }
        while frames.len() + HEADER < share {
            let Some(id) = self.ready.pop_front() else { break };
            let Some(stream) = self.streams.get_mut(&id) else { continue };
            let before = stream.sendable();
            let written = stream.write(id, share, frames);
            self.queued -= written;
            self.sendable -= before - stream.sendable();
            if stream.watched && !std::mem::replace(&mut stream.shrunk, true) {
                self.shrunk.push_back(id);
            }
            // The peer answers data with credit: that is no flood.
            self.budget.earn(2);
            stream.scheduled = stream.can_send();
            if stream.scheduled {
                self.ready.push_back(id);
            }
            self.retire(id);
        }
    }
}

/// Appends a last record, which says why this side gives up, whatever else was ready to go.
pub(crate) fn break_off(sealer: &mut Sealer, time: u64, reason: &str, out: &mut Vec<u8>) {
    let mut batch = Batch::new(out);
    batch.add(|frames| {
        put_close(frames, Some(reason));
        Some(())
    });
    sealer.seal_all(time, batch).expect("no session lasts for 2^64 records");
}
