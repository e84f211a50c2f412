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
use crate::route::{End, Exchange, Note, Shape, Sink, Turn};
use crate::socket::Socket;

/// What a loop is told.
pub(crate) enum Mail {
    /// A new connection.
    Connected { socket: Socket, address: PeerAddress, ticket: Ticket },
    /// What a handler says on its call.
    Note { peer: PeerKey, stream: StreamId, note: Note },
    /// A call is to end, though its handler still runs.
    GiveUp { peer: PeerKey, stream: StreamId, status: Box<Status> },
    /// Messages wait for a callback that nobody runs.
    Resume(Turn),
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

    /// Stops counting a note as queued: its message is with the connection now, which counts for itself.
    pub(crate) fn take_back(&self, note: &Note) {
        self.metrics.queued_bytes.subtract(note.size() as u64);
    }

    fn count_end(&self, exchange: &Exchange, end: &End, counts: bool) {
        self.metrics.calls_running.subtract(1);
        if exchange.shape != Shape::Call {
            self.metrics.streams_running.subtract(1);
        }
        if counts {
            match end {
                End::Done => exchange.tell_end(&self.metrics, Ok(())),
                End::Failed(status) => exchange.tell_end(&self.metrics, Err(status)),
                End::Abandoned => exchange.tell_end(&self.metrics, Err(&Status::new(Code::Cancelled, ""))),
            }
        }
    }
}

impl Sink for Port {
    fn accept(&self, exchange: &Exchange, mut note: Note, counts: bool) {
        let size = note.size();
        if note.end.is_some() && !self.has_room(size) {
            note.message = None;
            note.end = Some(End::failed(Status::new(
                Code::ResourceExhausted,
                "the server holds as many unsent bytes as it may",
            )));
        }
        if let Some(end) = &note.end {
            self.count_end(exchange, end, counts);
        }
        self.metrics.queued_bytes.add(note.size() as u64);
        self.post(Mail::Note { peer: exchange.peer, stream: exchange.stream, note });
    }

    fn resume(&self, turn: Turn) {
        self.post(Mail::Resume(turn));
    }

    fn give_up(&self, exchange: &Exchange, status: Status) {
        self.post(Mail::GiveUp { peer: exchange.peer, stream: exchange.stream, status: Box::new(status) });
    }

    fn has_room(&self, bytes: usize) -> bool {
        bytes == 0 || self.metrics.queued_bytes.value() + bytes as u64 <= self.queued_bytes
    }
}
