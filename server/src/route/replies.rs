//! Many replies to one call.

use std::sync::Arc;
use std::time::Duration;

use bulla_core::codec::SharedCodec;
use bulla_core::connection::{EVENT_COST, Message};
use bulla_core::status::{Code, Status};
use serde::Serialize;

use crate::route::exchange::NoRoom;
use crate::route::{Context, End, Note, Slot, Wait};

/// The right and the duty to answer a call with a stream: it can be sent to any thread, shared, and used for as long as the peer
/// takes what comes.
///
/// What is sent waits until the peer has room for it. At most the stream's window (the credit agreed on, 256 KiB by default) waits,
/// and less where the connection as a whole has too much unsent; beyond that [`send`](Self::send) blocks and
/// [`try_send`](Self::try_send) says [`Full`](TrySendError::Full). A longer message passes when nothing else waits. A peer that makes no
/// room for [`Capacity::stream_silence`](crate::Capacity::stream_silence) while [`send`](Self::send) blocks the server's own thread
/// loses its stream.
///
/// Dropped without [`finish`](Self::finish) or [`fail`](Self::fail), it ends the stream well, but for a panic: then with
/// `INTERNAL`.
pub struct Replies {
    context: Context,
    slot: Slot,
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrySendError {
    /// As much waits to be sent as may: later there may be room.
    #[error("no room yet: the peer takes its messages more slowly than they are sent")]
    Full,
    /// It will not be sent, and the status says why.
    #[error(transparent)]
    Failed(#[from] Status),
}

impl Replies {
    pub(crate) fn new(context: Context, slot: Slot) -> Self {
        Self { context, slot }
    }

    /// What is known of the call.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The codec that the session speaks: what [`send_encoded`](Self::send_encoded) takes is encoded by it.
    #[must_use]
    pub fn codec(&self) -> &SharedCodec {
        &self.context.session.codec
    }

    /// Sends a value in the peer's codec, once there is room. In a callback that runs on an event loop it cannot wait, and fails in
    /// place of that.
    ///
    /// # Errors
    /// With the peer's status, or the one of its loss or deadline, when the stream is over; `FAILED_PRECONDITION` if the codec cannot
    /// carry the value and `RESOURCE_EXHAUSTED` if it is too long, or the server holds as much as it may: then the stream goes on.
    pub fn send<R: Serialize + ?Sized>(&self, reply: &R) -> Result<(), Status> {
        self.send_encoded(self.context.encode(reply)?)
    }

    /// As [`send`](Self::send), without waiting.
    ///
    /// # Errors
    /// [`TrySendError::Full`] if there is no room.
    pub fn try_send<R: Serialize + ?Sized>(&self, reply: &R) -> Result<(), TrySendError> {
        self.try_send_encoded(self.context.encode(reply)?)
    }

    /// As [`send`](Self::send), waiting for so long at most.
    ///
    /// # Errors
    /// [`TrySendError::Full`] if there was no room in that time: the peer takes nothing.
    pub fn send_timeout<R: Serialize + ?Sized>(&self, reply: &R, timeout: Duration) -> Result<(), TrySendError> {
        self.submit(self.context.encode(reply)?.into(), Wait::at_most(timeout))
    }

    /// As [`send`](Self::send), for bytes that are one value in the session's [`codec`](Self::codec): a `Vec<u8>`, or an `Arc<[u8]>`
    /// that many streams share.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_encoded(&self, message: impl Into<Message>) -> Result<(), Status> {
        self.submit(message.into(), Wait::for_peer()).map_err(|error| match error {
            TrySendError::Failed(status) => status,
            TrySendError::Full => {
                Status::new(Code::ResourceExhausted, "no room to send, and an event loop cannot wait")
            }
        })
    }

    /// As [`send_encoded`](Self::send_encoded), without waiting.
    ///
    /// # Errors
    /// [`TrySendError::Full`] if there is no room.
    pub fn try_send_encoded(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.submit(message.into(), Wait::Not)
    }

    /// As [`try_send_encoded`](Self::try_send_encoded), for messages that go together or not at all.
    pub(crate) fn try_send_together(&self, messages: &[Arc<[u8]>]) -> Result<(), TrySendError> {
        messages.iter().try_for_each(|message| self.check_length(message.len()))?;
        self.take_room(length_together(messages.iter().map(|message| message.len())), Wait::Not)?;
        messages.iter().for_each(|message| self.context.exchange.say(Note::message(Arc::clone(message).into())));
        Ok(())
    }

    /// Whether messages of these lengths would find room together. If not, [`on_room`](Self::on_room) tells when they do.
    pub(crate) fn has_room(&self, lengths: impl Iterator<Item = usize>) -> bool {
        self.context.exchange.has_room(&self.context.session.flow, length_together(lengths))
    }

    fn submit(&self, message: Message, wait: Wait) -> Result<(), TrySendError> {
        self.check_length(message.len())?;
        self.take_room(message.len(), wait)?;
        self.context.exchange.say(Note::message(message));
        Ok(())
    }

    fn check_length(&self, length: usize) -> Result<(), Status> {
        let limit = self.context.session.limits.message;
        if length <= limit as usize {
            return Ok(());
        }
        let reason = format_args!("a reply of {length} bytes is longer than the {limit} agreed");
        Err(Status::new(Code::ResourceExhausted, reason))
    }

    fn take_room(&self, length: usize, wait: Wait) -> Result<(), TrySendError> {
        let exchange = &self.context.exchange;
        if !exchange.has_room_on_server(length) {
            let reason = "the server holds as many unsent bytes as it may";
            return Err(Status::new(Code::ResourceExhausted, reason).into());
        }
        exchange.reserve(&self.context.session.flow, length, wait).map_err(|error| match error {
            NoRoom::Full => TrySendError::Full,
            NoRoom::Over(status) => TrySendError::Failed(status),
        })
    }

    /// Runs `callback` whenever there is room again after [`try_send`](Self::try_send) said that there was none. It runs on the
    /// connection's event loop: let it be brief, as by sending what waits, or by waking whoever sends. A second one replaces the
    /// first. After the end of the stream it is dropped; [`on_cancel`](Self::on_cancel) tells of that.
    pub fn on_room(&self, callback: impl FnMut() + Send + 'static) {
        self.context.exchange.on_room(&self.context.session.flow, Box::new(callback));
    }

    /// As [`Context::on_cancel`].
    pub fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) {
        self.context.on_cancel(callback);
    }

    /// As [`Context::on_drain`].
    pub fn on_drain(&self, callback: impl FnOnce() + Send + 'static) {
        self.context.on_drain(callback);
    }

    /// As [`Context::is_cancelled`].
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.context.is_cancelled()
    }

    /// As [`Context::is_draining`].
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.context.is_draining()
    }

    /// Ends the stream well, after what was sent.
    pub fn finish(mut self) {
        self.slot.put(None, End::Done);
    }

    /// Ends the stream with a status. What was sent and has not gone out yet is dropped.
    pub fn fail(mut self, status: Status) {
        self.slot.put(None, End::failed(status));
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        if self.slot.is_filled() {
            return;
        }
        let panicked = std::thread::panicking() || self.context.exchange.is_poisoned();
        let end = if panicked { End::failed(Status::new(Code::Internal, "the handler panicked")) } else { End::Done };
        self.slot.put(None, end);
    }
}

/// What several messages take together, as the length of one: each has a cost besides, which one has once.
fn length_together(lengths: impl Iterator<Item = usize>) -> usize {
    lengths.map(|length| length + EVENT_COST).sum::<usize>().saturating_sub(EVENT_COST)
}

/// Streams that send the same bytes share them.
#[expect(dead_code, reason = "a promise that the compiler checks")]
fn replies_can_be_shared_by_threads(replies: Replies) -> impl Send + Sync + 'static {
    Arc::new(replies)
}
