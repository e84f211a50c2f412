//! What a connection does inside: lets its state use up input, moves from state to state, ends for a reason.

use std::time::Instant;

use crate::connection::channel::Channel;
use crate::connection::{Closed, Connection, Event, Side, State, Violation};
use crate::handshake::{Alert, Answer, Progress};
use crate::record::{LENGTH_PREFIX, MAX_TOKEN, is_legal_token_length};
use crate::status::{Code, Status};

impl Connection {
    /// `None` for one that is too far for the clock.
    pub(super) fn handshake_deadline(&self) -> Option<Instant> {
        self.start.0.checked_add(self.bounds.handshake)
    }

    /// Time never runs backwards in here, whatever the caller says.
    pub(super) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    pub(super) fn unix_time(&self) -> u64 {
        self.start.1 + self.now.saturating_duration_since(self.start.0).as_secs()
    }

    /// Lets the state use up what it can of the input behind `used`; `None` when it wants more, or is over.
    pub(super) fn step(&mut self, used: usize) -> Option<usize> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::ExpectPreamble(state) => {
                let progress = state.handle_input(&self.input[used..]);
                self.apply(progress, State::ExpectPreamble, |connection, next| {
                    connection.state = State::ExpectMessage1(next);
                })
            }
            State::ExpectMessage1(state) => {
                let progress = state.handle_input(&self.input[used..]);
                self.apply(progress, State::ExpectMessage1, Self::answer)
            }
            State::ExpectMessage2(state) => {
                let progress = state.handle_input(&self.input[used..]);
                self.apply(progress, State::ExpectMessage2, |connection, established| {
                    connection.session = Some(established.session.clone());
                    connection.confirm();
                    let channel = Channel::new(Side::Client, established, connection.bounds, connection.now);
                    connection.state = State::Open(Box::new(channel));
                })
            }
            State::Open(channel) => self.step_record(channel, used),
            State::Over => None,
        }
    }

    fn apply<Same, Next>(
        &mut self,
        progress: Progress<Same, Next>,
        stay: fn(Same) -> State,
        proceed: impl FnOnce(&mut Self, Next),
    ) -> Option<usize> {
        match progress {
            Progress::More(same) => {
                self.state = stay(same);
                None
            }
            Progress::Done(next, used) => {
                proceed(self, next);
                Some(used)
            }
            Progress::Failed(error) => {
                self.fail(error.into());
                None
            }
        }
    }

    fn answer(&mut self, answer: Answer) {
        self.output.extend_from_slice(&answer.message2);
        match answer.outcome {
            Err(error) => self.over(error.into()),
            Ok(established) => {
                self.session = Some(established.session.clone());
                let channel = Channel::new(Side::Server, established, self.bounds, self.now);
                self.state = State::Open(Box::new(channel));
            }
        }
    }

    /// The session is real: both sides hold the keys, now.
    fn confirm(&mut self) {
        self.unconfirmed = false;
        self.events.extend(self.session.clone().map(Event::Connected));
    }

    fn step_record(&mut self, mut channel: Box<Channel>, used: usize) -> Option<usize> {
        let outcome = self.open_record(&mut channel, used);
        self.state = State::Open(channel);
        match outcome {
            Ok(step) => step,
            Err(closed) => {
                self.fail(closed);
                None
            }
        }
    }

    /// Opens the record at the front of the input, if it is whole.
    fn open_record(&mut self, channel: &mut Channel, used: usize) -> Result<Option<usize>, Closed> {
        let Some((length, rest)) = self.input[used..].split_first_chunk_mut::<LENGTH_PREFIX>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length);
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        if size > MAX_TOKEN || !is_legal_token_length(size) {
            return Err(Violation::RecordLength(length).into());
        }
        let Some(token) = rest.get_mut(..size) else { return Ok(None) };
        let frames = channel.opener.open(token)?;
        if std::mem::take(&mut self.unconfirmed) {
            self.events.extend(self.session.clone().map(Event::Connected));
        }
        channel.handle_frames(frames, &mut self.events)?;
        Ok(Some(LENGTH_PREFIX + size))
    }

    /// Ends the connection for a reason that the peer should hear of, as far as it can be told.
    pub(super) fn fail(&mut self, reason: Closed) {
        let time = self.unix_time();
        if let State::Open(channel) = &mut self.state {
            if matches!(reason, Closed::Record(_) | Closed::Violation(_) | Closed::Silent) {
                channel.break_off(Status::new(Code::Aborted, &reason).reason());
                let mut frames = Vec::new();
                channel.fill(&mut frames);
                let sealed = channel.sealer.seal(time, &frames, &mut self.output);
                debug_assert!(sealed.is_ok(), "one CLOSE fits a record");
            }
        } else if let (Side::Server, Closed::Handshake(error)) = (self.side, &reason) {
            self.output.extend(Alert::for_error(error).map(|alert| alert as u8));
        }
        self.over(reason);
    }

    /// Seals frames that no sound client would send, for the tests of what a server makes of them.
    #[cfg(test)]
    pub(crate) fn danger_seal(&mut self, frames: &[u8]) {
        let State::Open(channel) = &mut self.state else { panic!("not connected") };
        channel.sealer.seal(0, frames, &mut self.output).expect("frames fit a record");
    }

    pub(super) fn over(&mut self, reason: Closed) {
        self.state = State::Over;
        self.events.push_back(Event::Closed(reason));
    }
}
