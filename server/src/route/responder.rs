//! An answer that is given later.

use bulla_core::status::Status;
use serde::Serialize;

use crate::route::{Context, End, Slot};

/// The right and the duty to answer one call: it can be sent to any thread or runtime and used there. Dropped without an answer,
/// it answers `INTERNAL`.
pub struct Responder {
    context: Context,
    slot: Slot,
}

impl Responder {
    pub(crate) fn new(context: Context, slot: Slot) -> Self {
        Self { context, slot }
    }

    /// What is known of the call.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Answers with a value, in the peer's codec. If the codec cannot carry it, the peer gets a status that says so.
    pub fn reply<R: Serialize + ?Sized>(self, reply: &R) {
        match self.context.reply(reply) {
            Ok(message) => self.slot.fill(message, End::Done),
            Err(status) => self.fail(status),
        }
    }

    /// Answers with a status.
    pub fn fail(self, status: Status) {
        self.slot.fill(None, End::failed(status));
    }

    /// Answers with whatever came out.
    pub fn answer<R: Serialize>(self, outcome: Result<R, Status>) {
        match outcome {
            Ok(reply) => self.reply(&reply),
            Err(status) => self.fail(status),
        }
    }
}
