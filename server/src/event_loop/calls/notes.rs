//! What handlers say, on its way to the connection.

use bulla_core::connection::{CommandError, Connection, EVENT_COST, Message, StreamId};
use bulla_core::status::{Code, Status};

use super::Calls;
use super::stage::Stage;
use crate::route::{Consumed, End, Note};

impl Calls {
    /// A handler says something.
    pub(crate) fn handle_note(&mut self, connection: &mut Connection, stream: StreamId, note: Note) {
        self.consume(connection, stream, note.consumed);
        match (note.message, note.end) {
            (message, Some(end)) => self.end(connection, stream, message, end),
            (Some(message), None) => self.send(connection, stream, message),
            (None, None) => {}
        }
    }

    /// One of many replies.
    fn send(&mut self, connection: &mut Connection, stream: StreamId, message: Message) {
        let cost = message.len() + EVENT_COST;
        self.taken += cost;
        // Otherwise the stream is over, and there is nobody to tell.
        if let Some(Stage::Running(running)) = self.open.get_mut(&stream)
            && connection.send(stream, message).is_ok()
        {
            running.queued += cost;
            self.streaming += cost;
        }
    }

    /// The handler is done, with a last reply or without.
    fn end(&mut self, connection: &mut Connection, stream: StreamId, message: Option<Message>, mut end: End) {
        self.running -= 1;
        let Some(Stage::Running(running)) = self.open.remove(&stream) else { return };
        self.streaming -= running.queued;
        if let Some(Err(error @ CommandError::MessageTooLong { .. })) =
            message.map(|message| connection.send(stream, message))
        {
            let reason = format_args!("the reply does not fit: {error}");
            end = End::failed(Status::new(Code::ResourceExhausted, reason));
        }
        // A one-way stream is over by now, or has ended on this side from the start.
        let _ = match &end {
            End::Done => connection.finish(stream),
            End::Failed(status) => connection.reset(stream, status),
            End::Abandoned => Ok(()),
        };
        if !running.peer_done && end == End::Done {
            self.open.insert(stream, Stage::Discarding { deadline: running.exchange.deadline });
        }
    }

    pub(super) fn consume(&mut self, connection: &mut Connection, stream: StreamId, consumed: Consumed) {
        if consumed.messages > 0 {
            self.owed -= consumed.cost();
            connection.consume_many(stream, consumed.messages, consumed.bytes);
        }
    }

    /// Tells those who send how much is unsent, after output was given to the socket.
    pub(crate) fn publish(&mut self, connection: &mut Connection) {
        let Some(session) = &self.session else { return };
        let taken = std::mem::take(&mut self.taken);
        let room = session.flow.publish(taken, connection.sendable(), connection.queued());
        while let Some(stream) = connection.poll_sent() {
            let Some(Stage::Running(running)) = self.open.get_mut(&stream) else { continue };
            let left = connection.unsent(stream);
            let sent = running.queued.saturating_sub(left);
            running.queued -= sent;
            self.streaming -= sent;
            running.exchange.handle_sent(&session.flow, sent);
        }
        if room {
            self.open.values().filter_map(Stage::exchange).for_each(|exchange| exchange.handle_room(&session.flow));
        }
    }
}
