//! The calls of one connection, from the stream's first frame to its end: a call is the stream of one request and one reply. Nothing
//! in here knows a socket.

mod deadlines;
mod notes;
mod opening;
mod stage;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bulla_core::connection::{Connection, StreamId};
use bulla_core::status::{Code, Status};
use foldhash::fast::RandomState as FastHash;

use self::stage::{Receiving, Stage};
use crate::capacity::no_room;
use crate::event_loop::{Desk, PeerKey};
use crate::route::{Call, Consumed, Job, Place, SessionFacts, Shape, Slot};
use crate::shares::{Owned, Owner};

/// The calls of one connection.
pub(crate) struct Calls {
    key: PeerKey,
    session: Option<Arc<SessionFacts>>,
    open: HashMap<StreamId, Stage, FastHash>,
    /// Ready to run, but the peer has too many replies to take first.
    held: VecDeque<Job>,
    running: u32,
    /// Bytes of requests that the connection counts as not consumed.
    owed: usize,
    /// Bytes of replies that came from other threads, and are not yet published as queued.
    taken: usize,
    /// Bytes of replies of streams that are with the connection, each message with its cost.
    streaming: usize,
    /// Handlers that wait for threads of their own, and until when, in that order.
    starting: VecDeque<(Instant, StreamId)>,
    /// Nothing is due before.
    soonest: Option<Instant>,
}

impl Calls {
    pub(crate) fn new(key: PeerKey) -> Self {
        Self {
            key,
            session: None,
            open: HashMap::default(),
            held: VecDeque::new(),
            running: 0,
            owed: 0,
            taken: 0,
            streaming: 0,
            starting: VecDeque::new(),
            soonest: None,
        }
    }

    /// The session began.
    pub(crate) fn handle_connected(&mut self, session: SessionFacts) {
        self.session = Some(Arc::new(session));
    }

    /// Gives back room that nothing is in.
    pub(crate) fn rest(&mut self) {
        self.open.shrink_to_fit();
        self.held.shrink_to_fit();
        self.starting.shrink_to_fit();
    }

    /// Whether the session began.
    pub(crate) fn is_connected(&self) -> bool {
        self.session.is_some()
    }

    /// Whether no call is under way. One that has been answered is not, though its peer may still be sending.
    pub(crate) fn is_empty(&self) -> bool {
        self.running == 0 && self.open.values().all(|stage| matches!(stage, Stage::Discarding { .. }))
    }

    /// Bytes of requests that wait or are worked on.
    pub(crate) fn owed(&self) -> usize {
        self.owed
    }

    /// A message came: of a call, it is the request.
    pub(crate) fn handle_message(
        &mut self,
        connection: &mut Connection,
        stream: StreamId,
        message: Vec<u8>,
        last: bool,
        desk: &mut Desk,
    ) {
        let consumed = Consumed::one(message.len());
        self.owed += consumed.cost();
        match self.open.get_mut(&stream) {
            Some(Stage::Receiving(receiving)) if receiving.request.is_none() => {
                receiving.request = Some(message);
                if last {
                    self.start(connection, stream, desk);
                }
                return;
            }
            Some(Stage::Running(running)) if running.exchange.push(message) => {}
            Some(Stage::Receiving(_)) => {
                self.consume(connection, stream, consumed);
                let status = Status::new(Code::InvalidArgument, "this route takes one message, and a second one came");
                return self.give_up(connection, stream, &status, desk);
            }
            // Nobody takes it: the handler is done, or the stream was reset on this side while the message was on its way.
            _ => self.consume(connection, stream, consumed),
        }
        if last {
            self.handle_finished(connection, stream, desk);
        }
    }

    /// The peer sends no more on a stream.
    pub(crate) fn handle_finished(&mut self, connection: &mut Connection, stream: StreamId, desk: &mut Desk) {
        match self.open.get_mut(&stream) {
            Some(Stage::Receiving(receiving)) if receiving.request.is_some() => self.start(connection, stream, desk),
            Some(Stage::Receiving(_)) => {
                let status = Status::new(Code::InvalidArgument, "the stream ended without a request");
                self.give_up(connection, stream, &status, desk);
            }
            Some(Stage::Running(running)) => {
                running.peer_done = true;
                running.exchange.end_input();
            }
            Some(Stage::Discarding { .. }) => drop(self.open.remove(&stream)),
            None => {}
        }
    }

    /// The peer, or a limit of the connection, ended a stream.
    pub(crate) fn handle_reset(&mut self, connection: &mut Connection, stream: StreamId, status: &Status, desk: &Desk) {
        // Whatever the peer calls it, it is no failure of the server.
        self.forget(connection, stream, status, &Status::new(Code::Cancelled, ""), desk);
    }

    /// Starts held calls while the peer takes what was answered before.
    pub(crate) fn release(&mut self, connection: &Connection, desk: &mut Desk) {
        while !self.held.is_empty() && !self.is_choked(connection, desk) {
            let Some(job) = self.held.pop_front() else { return };
            self.dispatch(job, desk);
        }
    }

    /// The connection is over: nobody waits for any answer.
    pub(crate) fn abandon(&mut self, connection: &mut Connection, desk: &Desk) {
        let status = Status::new(Code::Unavailable, "the connection is lost");
        let counted = Status::new(Code::Cancelled, "");
        for stream in self.open.keys().copied().collect::<Vec<_>>() {
            self.forget(connection, stream, &status, &counted, desk);
        }
        for job in self.held.drain(..) {
            job.abandon();
        }
        if !self.starting.is_empty() {
            self.starting.clear();
            self.purge_waiting(desk);
        }
    }

    /// The request is whole, or the first of many is awaited: its turn, if there is room.
    fn start(&mut self, connection: &mut Connection, stream: StreamId, desk: &mut Desk) {
        let choked = self.is_choked(connection, desk);
        if let Err(status) = self.check_room(choked, desk) {
            return self.give_up(connection, stream, &status, desk);
        }
        let Some(stage) = self.open.get_mut(&stream) else { return };
        let Some(Receiving { route, context, request }) = stage.begin() else { return };
        let consumed = request.as_ref().map_or_else(Consumed::default, |request| Consumed::one(request.len()));
        let slot = Slot::new(Arc::clone(&context.exchange), consumed);
        self.running += 1;
        desk.shared.metrics.calls_running.add(1);
        if route.shape != Shape::Call {
            desk.shared.metrics.streams_running.add(1);
        }
        if route.shape.gives_many() {
            connection.watch(stream);
        }
        let job = Job::Call(route, Call { request: request.unwrap_or_default(), context, slot });
        if choked {
            self.held.push_back(job);
        } else {
            self.dispatch(job, desk);
        }
    }

    fn dispatch(&mut self, job: Job, desk: &mut Desk) {
        let Job::Call(route, call) = &job else { return desk.resumes.push_back(job) };
        match route.place {
            Place::Inline => job.run(&desk.shared.metrics),
            Place::Worker => desk.jobs.push_back(job),
            Place::Thread => {
                self.expect_start(call.context.exchange.stream, desk.now);
                desk.streams.push_back(Owned { owner: self.owner(), job });
            }
        }
    }

    /// Whose handlers those are that run on threads of their own.
    fn owner(&self) -> Owner {
        Owner { connection: self.key, name: self.session.as_ref().and_then(|session| session.peer.clone()) }
    }

    /// Whether so much of what was answered waits for the peer that nothing more should be. Streams have room of their own, so that
    /// one that nobody reads keeps no call waiting.
    fn is_choked(&self, connection: &Connection, desk: &Desk) -> bool {
        connection.sendable() > desk.shared.facts.bounds.outbound
            || connection.queued().saturating_sub(self.streaming) > desk.shared.capacity.unsent_per_connection
    }

    /// A peer that leaves its replies unread may have a few more calls held, no more: to read on is the only way to hear that it
    /// does take them.
    fn check_room(&self, choked: bool, desk: &Desk) -> Result<(), Status> {
        let shared = &desk.shared;
        let reason = if self.running >= shared.capacity.calls_per_connection {
            "too many calls of this connection are under way"
        } else if choked && self.owed > shared.facts.bounds.inbound / 4 {
            "too many replies wait to be taken on this connection"
        } else if shared.metrics.queued_bytes.value() > shared.capacity.queued_bytes {
            return Err(no_room("the server holds as many bytes as it may"));
        } else {
            return Ok(());
        };
        Err(Status::new(Code::ResourceExhausted, reason))
    }

    /// A call is over, but for a handler that may still run: that hears of `status`.
    fn forget(
        &mut self,
        connection: &mut Connection,
        stream: StreamId,
        status: &Status,
        counted: &Status,
        desk: &Desk,
    ) {
        let Some(stage) = self.open.remove(&stream) else { return };
        self.streaming -= stage.queued();
        if let Some(exchange) = stage.exchange() {
            exchange.conclude(&desk.shared.metrics, Err(counted));
            let dropped = exchange.cancel(status.clone());
            self.consume(connection, stream, dropped);
        }
        if let Stage::Receiving(receiving) = stage
            && let Some(request) = receiving.request
        {
            self.consume(connection, stream, Consumed::one(request.len()));
        }
    }
}

/// No handler waits for a connection that is gone, however it went.
impl Drop for Calls {
    fn drop(&mut self) {
        for exchange in self.open.values().filter_map(Stage::exchange) {
            exchange.cancel(Status::new(Code::Unavailable, "the connection is lost"));
        }
    }
}

#[cfg(test)]
mod tests;
