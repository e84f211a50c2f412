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
        let last = note.end.is_some();
        let sent = note.message.map_or(Ok(()), |message| self.send(connection, stream, message, last));
        if let Some(end) = note.end {
            self.running -= 1;
            self.end(connection, stream, sent.map_or_else(End::Failed, |()| end));
        }
    }

    fn send(
        &mut self,
        connection: &mut Connection,
        stream: StreamId,
        message: Message,
        last: bool,
    ) -> Result<(), Status> {
        let cost = if last { 0 } else { message.len() + EVENT_COST };
        self.taken += cost;
        // Otherwise the stream was reset meanwhile, and there is nobody to tell.
        let Some(Stage::Running(running)) = self.open.get_mut(&stream) else { return Ok(()) };
        running.queued += cost;
        self.streaming += cost;
        match connection.send(stream, message) {
            Err(error @ CommandError::MessageTooLong { .. }) => {
                Err(Status::new(Code::ResourceExhausted, format_args!("the reply does not fit: {error}")))
            }
            // A one-way stream takes none.
            _ => Ok(()),
        }
    }

    fn end(&mut self, connection: &mut Connection, stream: StreamId, end: End) {
        let Some(Stage::Running(running)) = self.open.remove(&stream) else { return };
        self.streaming -= running.queued;
        // A one-way stream is over by now, or has ended on this side from the start.
        let _ = match &end {
            End::Done => connection.finish(stream),
            End::Failed(status) => connection.reset(stream, status),
            End::Abandoned => Ok(()),
        };
        if end == End::Done && !running.peer_done {
            self.open.insert(stream, Stage::Discarding { deadline: running.deadline });
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
