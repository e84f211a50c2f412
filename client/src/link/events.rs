//! What a connection brings, and to whom it goes.

use std::sync::Arc;

use bulla_core::connection::{Event, StreamId};
use bulla_core::status::{Code, Status};

use super::Expects;
use super::state::{Entry, State};
use crate::Lost;
use crate::inbox::End;

impl State {
    pub(super) fn handle_event(&mut self, event: Event) {
        match event {
            Event::Message { stream, message, last } => self.handle_message(stream, message, last),
            Event::Finished { stream } => self.handle_finished(stream),
            Event::Reset { stream, status } => drop(self.conclude(stream, |_| End::Status(status))),
            Event::Pong(bytes) => {
                if let Some(inbox) = self.pings.remove(&bytes) {
                    self.end_inbox(&inbox, End::Finished);
                }
            }
            Event::Opened { stream, .. } => self.refuse(stream, "this client serves no calls"),
            Event::GoAway { last } => self.handle_go_away(last),
            Event::Closed(reason) => self.end(&reason.into()),
            // Connected is seen by `wait_for_session`; what a later version adds concerns no stream.
            _ => {}
        }
    }

    fn handle_message(&mut self, stream: StreamId, message: Vec<u8>, last: bool) {
        let length = message.len();
        let Some(entry) = self.streams.get(&stream) else {
            self.connection.consume(stream, length);
            return self.refuse(stream, "one answer was expected");
        };
        let (inbox, expects) = (Arc::clone(&entry.inbox), entry.expects);
        if expects != Expects::One {
            self.unread.add(stream, &inbox, length);
        }
        if inbox.put(message) {
            self.wake_reader(inbox);
        }
        if expects == Expects::One {
            // It is the caller's now, who asked for it: what waits here is bounded by the calls under way.
            self.connection.consume(stream, length);
            return self.handle_answered(stream);
        }
        if last {
            self.handle_finished(stream);
        }
        self.make_readers_room();
    }

    /// Ends streams that nobody reads, as long as all that waits to be read is too much: those that are read go on.
    fn make_readers_room(&mut self) {
        while self.unread.cost() > self.most_unread
            && let Some((stream, held)) = self.unread.take_stalest()
        {
            let reason = format_args!("left unread while more than {} bytes waited to be read", self.most_unread);
            let status = Status::new(Code::ResourceExhausted, reason);
            // An error says that the stream is over: what is left of it is in its inbox.
            let _ = self.connection.reset(stream, &status);
            self.connection.consume_many(stream, held.messages, held.bytes);
            self.conclude(stream, |_| End::Status(status.clone()));
            if held.inbox.cut(End::Status(status)) {
                self.wake_reader(held.inbox);
            }
        }
    }

    fn handle_finished(&mut self, stream: StreamId) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        if entry.expects == Expects::One || entry.outlet.is_none() {
            return self.handle_answered(stream);
        }
        entry.expects = Expects::Nothing;
        let inbox = Arc::clone(&entry.inbox);
        self.end_inbox(&inbox, End::Finished);
    }

    /// The server has said all that it was asked for: whatever this side still has to say is of no use.
    fn handle_answered(&mut self, stream: StreamId) {
        let Some(entry) = self.conclude(stream, |_| End::Finished) else { return };
        if entry.outlet.is_some() {
            let _ = self.connection.reset(stream, &Status::new(Code::Cancelled, "answered before all was sent"));
        }
    }

    fn refuse(&mut self, stream: StreamId, reason: &str) {
        // An error says that the stream is over already.
        let _ = self.connection.reset(stream, &Status::new(Code::Unimplemented, reason));
    }

    /// Streams beyond the last one that is served did not run, whatever was sent of them.
    fn handle_go_away(&mut self, last: u32) {
        self.going_away = true;
        let unserved: Vec<StreamId> = self.streams.keys().copied().filter(|stream| stream.number() > last).collect();
        for stream in unserved {
            self.conclude(stream, |_| End::Lost { reason: Lost::GoingAway, sent: false });
            let _ = self.connection.reset(stream, &Status::new(Code::Cancelled, "not served"));
        }
    }

    /// Ends every stream for the same cause.
    pub(super) fn conclude_all(&mut self, end: impl Fn(&Entry) -> End) -> Vec<StreamId> {
        let streams: Vec<StreamId> = self.streams.keys().copied().collect();
        for stream in &streams {
            self.conclude(*stream, &end);
        }
        streams
    }

    pub(super) fn end(&mut self, reason: &Lost) {
        if self.over.is_none() {
            self.over = Some(reason.clone());
        }
        self.conclude_all(|entry| End::Lost { reason: reason.clone(), sent: entry.sent });
        for (_, inbox) in std::mem::take(&mut self.pings) {
            self.end_inbox(&inbox, End::Lost { reason: reason.clone(), sent: true });
        }
    }
}
