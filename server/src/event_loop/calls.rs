//! The calls of one connection, from the stream's first frame to its answer. Nothing in here knows a socket.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bulla_core::connection::{CommandError, Connection, EVENT_COST, Open, StreamId};
use bulla_core::status::{Code, Status};

use crate::event_loop::{Desk, PeerKey};
use crate::route::{Answer, Call, Context, Job, Place, Route, SessionFacts, Slot};

/// The calls of one connection.
pub(crate) struct Calls {
    key: PeerKey,
    open: HashMap<StreamId, Stage>,
    /// Ready to run, but the peer has too many replies to take first.
    held: VecDeque<Job>,
    running: u32,
    /// Bytes of requests that the connection counts as not consumed.
    owed: usize,
}

enum Stage {
    /// The request is not whole.
    Receiving(Box<Receiving>),
    /// The handler has it, or will: the flag tells it that nobody waits any more.
    Running(Arc<AtomicBool>),
}

struct Receiving {
    route: Arc<Route>,
    context: Context,
    request: Option<Vec<u8>>,
}

impl Calls {
    pub(crate) fn new(key: PeerKey) -> Self {
        Self { key, open: HashMap::new(), held: VecDeque::new(), running: 0, owed: 0 }
    }

    /// Whether no call is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.running == 0
    }

    /// Bytes of requests that wait or are worked on.
    pub(crate) fn owed(&self) -> usize {
        self.owed
    }

    /// The peer opened a stream.
    pub(crate) fn handle_opened(
        &mut self,
        connection: &mut Connection,
        session: &Arc<SessionFacts>,
        stream: StreamId,
        open: Open,
        desk: &Desk,
    ) {
        let route = match desk.shared.routes.find(&open.route) {
            Ok(route) => Arc::clone(route),
            Err(status) => return fail(connection, stream, &status, desk),
        };
        let deadline = (open.deadline_ms > 0).then(|| desk.now + Duration::from_millis(open.deadline_ms.into()));
        let context = Context {
            session: Arc::clone(session),
            route: Arc::clone(&route.name),
            deadline,
            one_way: open.one_way,
            metadata: open.metadata,
            cancelled: Arc::default(),
            server: Arc::clone(&desk.shared.facts),
        };
        self.open.insert(stream, Stage::Receiving(Box::new(Receiving { route, context, request: None })));
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
        let length = message.len();
        self.owed += length + EVENT_COST;
        match self.open.get_mut(&stream) {
            Some(Stage::Receiving(receiving)) if receiving.request.is_none() => {
                receiving.request = Some(message);
                if last {
                    self.start(connection, stream, desk);
                }
            }
            Some(Stage::Receiving(_)) => {
                self.consume(connection, stream, length);
                let status = Status::new(Code::InvalidArgument, "this route takes one message, and a second one came");
                self.refuse(connection, stream, &status, desk);
            }
            // The stream was reset on this side while the message was on its way.
            _ => self.consume(connection, stream, length),
        }
    }

    /// The peer sends no more on a stream.
    pub(crate) fn handle_finished(&mut self, connection: &mut Connection, stream: StreamId, desk: &mut Desk) {
        match self.open.get(&stream) {
            Some(Stage::Receiving(receiving)) if receiving.request.is_some() => self.start(connection, stream, desk),
            Some(Stage::Receiving(_)) => {
                let status = Status::new(Code::InvalidArgument, "the stream ended without a request");
                self.refuse(connection, stream, &status, desk);
            }
            _ => {}
        }
    }

    /// The peer, or a limit of the connection, ended a stream.
    pub(crate) fn handle_reset(&mut self, connection: &mut Connection, stream: StreamId, desk: &Desk) {
        match self.open.remove(&stream) {
            Some(Stage::Running(cancelled)) => cancelled.store(true, Ordering::Relaxed),
            Some(Stage::Receiving(receiving)) => {
                if let Some(request) = receiving.request {
                    self.consume(connection, stream, request.len());
                }
                desk.shared.metrics.call_ended(Err(&Status::new(Code::Cancelled, "")));
            }
            None => {}
        }
    }

    /// The answer of a handler came back.
    pub(crate) fn handle_answer(
        &mut self,
        connection: &mut Connection,
        stream: StreamId,
        consumed: usize,
        answer: Answer,
    ) {
        self.running -= 1;
        self.consume(connection, stream, consumed);
        if self.open.remove(&stream).is_none() {
            return;
        }
        // A one-way stream is over by now, and so may any other be: then there is nobody to tell.
        let _ = match answer {
            Answer::Reply(message) => reply(connection, stream, message),
            Answer::Failed(status) => connection.reset(stream, &status),
            Answer::Done | Answer::Abandoned => Ok(()),
        };
    }

    /// Starts held calls while the peer takes what was answered before.
    pub(crate) fn release(&mut self, connection: &Connection, desk: &mut Desk) {
        while connection.queued() <= desk.shared.facts.bounds.outbound
            && let Some(job) = self.held.pop_front()
        {
            dispatch(job, desk);
        }
    }

    /// The connection is over: nobody waits for any answer.
    pub(crate) fn abandon(&mut self) {
        for (_, stage) in self.open.drain() {
            if let Stage::Running(cancelled) = stage {
                cancelled.store(true, Ordering::Relaxed);
            }
        }
        for job in self.held.drain(..) {
            job.call.slot.fill(Answer::Abandoned);
        }
    }

    /// The request is whole: its turn, if there is room.
    fn start(&mut self, connection: &mut Connection, stream: StreamId, desk: &mut Desk) {
        let Some(Stage::Receiving(receiving)) = self.open.remove(&stream) else { return };
        let Receiving { route, context, request } = *receiving;
        let request = request.expect("a call starts when its request is whole");
        let choked = connection.queued() > desk.shared.facts.bounds.outbound;
        if let Err(status) = self.check_room(choked, desk) {
            self.consume(connection, stream, request.len());
            return fail(connection, stream, &status, desk);
        }
        self.open.insert(stream, Stage::Running(Arc::clone(&context.cancelled)));
        self.running += 1;
        desk.shared.metrics.calls_running.add(1);
        let slot = Slot::new(desk.port.clone(), self.key, stream, request.len());
        let job = Job { route, call: Call { request, context, slot } };
        if choked {
            self.held.push_back(job);
        } else {
            dispatch(job, desk);
        }
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
            "the server holds as many bytes as it may"
        } else {
            return Ok(());
        };
        Err(Status::new(Code::ResourceExhausted, reason))
    }

    /// Fails a call whose request is not whole.
    fn refuse(&mut self, connection: &mut Connection, stream: StreamId, status: &Status, desk: &Desk) {
        if let Some(Stage::Receiving(receiving)) = self.open.remove(&stream)
            && let Some(request) = receiving.request
        {
            self.consume(connection, stream, request.len());
        }
        fail(connection, stream, status, desk);
    }

    fn consume(&mut self, connection: &mut Connection, stream: StreamId, length: usize) {
        self.owed -= length + EVENT_COST;
        connection.consume(stream, length);
    }
}

fn dispatch(job: Job, desk: &mut Desk) {
    match job.route.place {
        Place::Inline => job.run(&desk.shared.metrics),
        Place::Worker => desk.jobs.push_back(job),
    }
}

fn reply(connection: &mut Connection, stream: StreamId, message: Vec<u8>) -> Result<(), CommandError> {
    match connection.send(stream, message) {
        Ok(()) => connection.finish(stream),
        Err(error @ CommandError::MessageTooLong { .. }) => {
            let status = Status::new(Code::ResourceExhausted, format_args!("the reply does not fit: {error}"));
            connection.reset(stream, &status)
        }
        Err(error) => Err(error),
    }
}

/// Ends a call that no handler has seen.
fn fail(connection: &mut Connection, stream: StreamId, status: &Status, desk: &Desk) {
    desk.shared.metrics.call_ended(Err(status));
    // A one-way stream may be over already.
    let _ = connection.reset(stream, status);
}

#[cfg(test)]
mod tests;
