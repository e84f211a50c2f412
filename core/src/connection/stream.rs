//! One stream: what waits to be sent, what has come in, and the credit in both directions.

use std::collections::VecDeque;

use crate::connection::{EVENT_COST, Message, Violation};
use crate::frame::{END, HEADER, MORE, put_data};
use crate::record::Frames;

/// The most payload that a stream puts into a record before the next stream has its turn.
const QUANTUM: usize = 16 << 10;

/// What a DATA frame brought.
pub(crate) enum Received {
    /// A fragment: the message goes on.
    Fragment,
    /// A whole message.
    Message(Vec<u8>),
    /// The end, without a message.
    End,
}

/// A stream's two halves.
#[derive(Default)]
pub(crate) struct Stream {
    queue: VecDeque<Message>,
    /// Bytes of the queue's front that are on their way.
    sent: usize,
    /// Bytes of the queue that are not.
    queued: usize,
    /// END follows the queue.
    finish: bool,
    /// END is on its way: nothing more is sent.
    pub(crate) local_done: bool,
    /// Bytes that the peer is ready to take. What a message costs besides its bytes is used up on account: it may be negative.
    send_credit: i64,
    /// The stream is in the queue of those with something to send.
    pub(crate) scheduled: bool,
    /// The application wants to hear when the queue shrinks.
    pub(crate) watched: bool,
    /// It is on the list of those whose queue shrank.
    pub(crate) shrunk: bool,

    partial: Vec<u8>,
    /// A message has begun: `partial` may still be empty.
    inside: bool,
    /// Bytes that the peer may still send; negative as `send_credit` is.
    window: i64,
    /// Bytes and costs of whole messages that the application has not consumed.
    pub(crate) unconsumed: usize,
    /// The peer sends no more.
    pub(crate) remote_done: bool,
    /// A CREDIT frame is due.
    pub(crate) credit_due: bool,
}

impl Stream {
    pub(crate) fn new(send_credit: u32, window: u32) -> Self {
        Self { send_credit: send_credit.into(), window: window.into(), ..Self::default() }
    }

    // Sending

    /// Queues a message; `false` if the end was queued already.
    pub(crate) fn push(&mut self, message: Message) -> bool {
        if !self.finish {
            self.queued += message.len();
            self.queue.push_back(message);
        }
        !self.finish
    }

    /// Queues the end; `false` if it was queued already.
    pub(crate) fn finish(&mut self) -> bool {
        !std::mem::replace(&mut self.finish, true)
    }

    /// Whether a DATA frame could be written now. The end alone needs no credit.
    pub(crate) fn can_send(&self) -> bool {
        if self.queue.is_empty() { self.finish && !self.local_done } else { self.send_credit > 0 }
    }

    /// Takes a grant of credit; `false` if the sum exceeds what a sound peer grants.
    pub(crate) fn grant(&mut self, bytes: u32) -> bool {
        self.send_credit += i64::from(bytes);
        self.send_credit <= u32::MAX.into()
    }

    /// Writes DATA frames, up to a quantum of payload, while there are fewer than `limit` bytes of frames. Gives the payload bytes
    /// written.
    pub(crate) fn write(&mut self, id: u32, limit: usize, frames: &mut Frames<'_>) -> usize {
        let mut written = 0;
        while self.can_send() && written < QUANTUM {
            let Some(space) = limit.checked_sub(frames.len() + HEADER) else { break };
            let Some(message) = self.queue.front() else {
                put_data(frames, id, END, &[]);
                self.local_done = true;
                break;
            };
            let left = message.len() - self.sent;
            let size = left.min(space).min(QUANTUM - written).min(credit(self.send_credit));
            if size == 0 && left > 0 {
                break;
            }
            let whole = size == left;
            // An empty DATA with END means the end alone, so an empty message has a frame of its own.
            let last = whole && self.finish && self.queue.len() == 1 && !message.is_empty();
            let flags = if whole { 0 } else { MORE } | if last { END } else { 0 };
            put_data(frames, id, flags, &message.as_ref()[self.sent..self.sent + size]);
            self.send_credit -= cost(size, whole);
            self.local_done = last;
            self.sent += size;
            self.queued -= size;
            written += size;
            if whole {
                self.sent = 0;
                self.queue.pop_front();
            }
        }
        written
    }

    /// Bytes queued and not yet written.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    /// As [`queued`](Self::queued), with what the messages cost besides.
    pub(crate) fn unsent(&self) -> usize {
        self.queued + self.queue.len() * EVENT_COST
    }

    /// How many messages are queued, the one that is on its way included.
    pub(crate) fn messages(&self) -> usize {
        self.queue.len()
    }

    /// Bytes queued that credit lets out.
    pub(crate) fn sendable(&self) -> usize {
        self.queued.min(credit(self.send_credit))
    }

    // Receiving

    /// Bytes of a message that is not whole yet.
    pub(crate) fn partial(&self) -> usize {
        self.partial.len()
    }

    /// Takes a DATA frame of stream `id`.
    pub(crate) fn receive(
        &mut self,
        id: u32,
        payload: &[u8],
        more: bool,
        end: bool,
        longest: u32,
    ) -> Result<Received, Violation> {
        if self.remote_done {
            return Err(Violation::AfterEnd(id));
        }
        let end_alone = end && payload.is_empty() && !more && !self.inside;
        if payload.len() > credit(self.window) || !more && !end_alone && self.window <= 0 {
            return Err(Violation::Credit(id));
        }
        self.window -= cost(payload.len(), !more && !end_alone);
        if self.partial.len() + payload.len() > longest as usize {
            return Err(Violation::MessageLength(longest));
        }
        self.remote_done = end;
        if more {
            if end {
                return Err(Violation::EndInsideMessage(id));
            }
            self.inside = true;
            self.partial.extend_from_slice(payload);
            return Ok(Received::Fragment);
        }
        if end_alone {
            return Ok(Received::End);
        }
        self.inside = false;
        let mut message = std::mem::take(&mut self.partial);
        message.extend_from_slice(payload);
        self.unconsumed += message.len() + EVENT_COST;
        Ok(Received::Message(message))
    }

    /// The credit to grant now, so that the peer may send up to `full` bytes beyond what the application has yet to consume.
    /// Bytes of a message that is not whole do not count: its length is bounded, and it could never become whole otherwise.
    /// 0 while at least a half is left, so that grants are few.
    pub(crate) fn credit_to_grant(&self, full: u32) -> u32 {
        if self.remote_done {
            return 0;
        }
        let unconsumed = i64::try_from(self.unconsumed).unwrap_or(i64::MAX);
        let due = i64::from(full).saturating_sub(unconsumed).saturating_sub(self.window);
        if due >= full.div_ceil(2).into() { u32::try_from(due).unwrap_or(u32::MAX) } else { 0 }
    }

    /// Counts a grant that is on its way.
    pub(crate) fn granted(&mut self, bytes: u32) {
        self.window += i64::from(bytes);
    }
}

/// The bytes that a balance lets pass.
fn credit(balance: i64) -> usize {
    usize::try_from(balance).unwrap_or(0)
}

/// What a DATA frame uses up: a message costs its receiver more than its bytes, so that the empty and the small ones count, too.
fn cost(payload: usize, whole: bool) -> i64 {
    let size = if whole { payload + EVENT_COST } else { payload };
    i64::try_from(size).expect("a payload fits a record")
}
