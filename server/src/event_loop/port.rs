//! A loop as other threads see it.

use std::sync::Arc;
use std::time::Instant;

use bulla_core::connection::StreamId;
use bulla_core::status::{Code, Status};

use crate::address::PeerAddress;
use crate::capacity::Capacity;
use crate::event_loop::{Mailbox, PeerKey};
use crate::gate::Ticket;
use crate::metrics::Metrics;
use crate::route::{Answer, AnswerSink};
use crate::socket::Socket;

/// What a loop is told.
pub(crate) enum Mail {
    /// A new connection.
    Connected { socket: Socket, address: PeerAddress, ticket: Ticket },
    /// A call's answer.
    Answer { peer: PeerKey, stream: StreamId, consumed: usize, answer: Answer },
    /// Finish what runs, and end; at the latest then.
    Drain { until: Instant },
    /// End now.
    Stop,
}

/// Where mail for one loop goes.
pub(crate) struct Port {
    pub(crate) mailbox: Mailbox<Mail>,
    metrics: Arc<Metrics>,
    queued_bytes: u64,
}

impl Port {
    pub(crate) fn new(mailbox: Mailbox<Mail>, metrics: Arc<Metrics>, capacity: &Capacity) -> Self {
        Self { mailbox, metrics, queued_bytes: capacity.queued_bytes }
    }

    pub(crate) fn post(&self, mail: Mail) {
        self.mailbox.post(mail);
    }

    /// Stops counting an answer as queued: it is with its connection now, which counts for itself.
    pub(crate) fn take_back(&self, answer: &Answer) {
        self.metrics.queued_bytes.subtract(size(answer));
    }
}

impl AnswerSink for Port {
    fn accept(&self, peer: PeerKey, stream: StreamId, consumed: usize, mut answer: Answer) {
        if size(&answer) > 0 && self.metrics.queued_bytes.value() + size(&answer) > self.queued_bytes {
            let reason = "the server holds as many unsent bytes as it may";
            answer = Answer::Failed(Status::new(Code::ResourceExhausted, reason));
        }
        self.metrics.calls_running.subtract(1);
        match &answer {
            Answer::Reply(_) | Answer::Done => self.metrics.call_ended(Ok(())),
            Answer::Failed(status) => self.metrics.call_ended(Err(status)),
            Answer::Abandoned => self.metrics.call_ended(Err(&Status::new(Code::Cancelled, ""))),
        }
        self.metrics.queued_bytes.add(size(&answer));
        self.post(Mail::Answer { peer, stream, consumed, answer });
    }
}

fn size(answer: &Answer) -> u64 {
    if let Answer::Reply(message) = answer { message.len() as u64 } else { 0 }
}
