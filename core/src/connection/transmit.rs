//! Filling records: control frames first, then credit, then data, each stream in its turn.

use crate::connection::channel::Channel;
use crate::frame::{HEADER, put_close, put_credit, written_length};
use crate::record::MAX_FRAMES;

/// Where [`Channel::fill`] leaves off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Nothing to send.
    Nothing,
    /// The buffer holds the frames of one record.
    Record,
    /// As `Record`, and CLOSE is the last of them.
    Last,
}

/// What a CREDIT frame takes.
const CREDIT_LEN: usize = HEADER + 4;

impl Channel {
    /// Writes the frames of the next record into `frames`, which is empty.
    pub(crate) fn fill(&mut self, frames: &mut Vec<u8>) -> Filled {
        let greeting = std::mem::take(&mut self.greeting_due);
        self.fill_control(frames);
        self.fill_grants(frames);
        self.fill_data(frames);
        if frames.is_empty() && !greeting && !self.closing {
            return Filled::Nothing;
        }
        if !self.closing || !self.control.is_empty() || !self.ready.is_empty() || frames.len() + HEADER >= MAX_FRAMES {
            return Filled::Record;
        }
        put_close(frames, None);
        Filled::Last
    }

    fn fill_control(&mut self, frames: &mut Vec<u8>) {
        let mut used = 0;
        while used < self.control.len() {
            let length = written_length(&self.control[used..]);
            if used + length > MAX_FRAMES {
                break;
            }
            used += length;
        }
        frames.extend_from_slice(&self.control[..used]);
        self.control.drain(..used);
    }

    fn fill_grants(&mut self, frames: &mut Vec<u8>) {
        while frames.len() + CREDIT_LEN <= MAX_FRAMES {
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

    fn fill_data(&mut self, frames: &mut Vec<u8>) {
        // Control frames that did not fit come first: an OPEN must not be overtaken by its DATA.
        if !self.control.is_empty() {
            return;
        }
        while frames.len() + HEADER < MAX_FRAMES {
            let Some(id) = self.ready.pop_front() else { break };
            let Some(stream) = self.streams.get_mut(&id) else { continue };
            let before = stream.sendable();
            let written = stream.write(id, MAX_FRAMES - frames.len(), frames);
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
