//! What a connection does inside: lets its state use up input, moves from state to state, ends for a reason.

use std::time::Instant;

use crate::connection::channel::Channel;
use crate::connection::transmit::break_off;
use crate::connection::{Closed, Connection, Event, Side, State, Tunnel};
use crate::handshake::{Alert, Answer, Established, Progress};
use crate::record::LENGTH_PREFIX;
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

    /// Lets one state after the other use up what it can of the input. Gives the bytes that are used up.
    pub(super) fn use_up(&mut self, input: &mut [u8]) -> usize {
        let mut used = 0;
        while let Some(step) = self.step(&mut input[used..]) {
            used += step;
        }
        used
    }

    /// How many bytes complete what is held, as far as that is known; never 0 after it was offered to the state.
    pub(super) fn wanted(&self, held: &[u8]) -> usize {
        match (&self.state, held.first_chunk::<LENGTH_PREFIX>()) {
            (State::Open(_), None) => LENGTH_PREFIX - held.len(),
            (State::Open(_), Some(length)) => {
                let record =
                    usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX).saturating_add(LENGTH_PREFIX);
                record.saturating_sub(held.len())
            }
            _ => usize::MAX,
        }
    }

    /// Lets the state use up what it can of the input; `None` when it wants more, or is over.
    fn step(&mut self, input: &mut [u8]) -> Option<usize> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::ExpectPreamble(state) => {
                let progress = state.handle_input(input);
                self.apply(progress, State::ExpectPreamble, |connection, next| {
                    connection.state = State::ExpectMessage1(next);
                })
            }
            State::ExpectMessage1(state) => {
                let progress = state.handle_input(input);
                self.apply(progress, State::ExpectMessage1, Self::answer)
            }
            State::ExpectMessage2(state) => {
                let progress = state.handle_input(input);
                self.apply(progress, State::ExpectMessage2, |connection, established| {
                    connection.establish(established);
                    connection.confirm();
                })
            }
            State::Open(tunnel) => {
                self.state = State::Open(tunnel);
                self.step_records(input)
            }
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
            Ok(established) => self.establish(established),
        }
    }

    fn establish(&mut self, established: Established) {
        let Established { session, sealer, opener } = established;
        let channel = Channel::new(self.side, session.limits, &self.bounds, self.now);
        self.session = Some(session);
        self.state = State::Open(Box::new(Tunnel { sealer, opener, channel }));
    }

    /// The session is real: both sides hold the keys, now.
    fn confirm(&mut self) {
        self.unconfirmed = false;
        self.events.extend(self.session.clone().map(Event::Connected));
    }

    /// Opens the records at the front of the input that are whole.
    fn step_records(&mut self, input: &mut [u8]) -> Option<usize> {
        let State::Open(tunnel) = &mut self.state else { return None };
        let (opener, channel, events) = (&mut tunnel.opener, &mut tunnel.channel, &mut self.events);
        let opened = opener.open_each(input, |frames| {
            if std::mem::take(&mut self.unconfirmed) {
                events.extend(self.session.clone().map(Event::Connected));
            }
            channel.handle_frames(frames, events)
        });
        match opened {
            Ok(used) => Some(used).filter(|used| *used > 0),
            Err(closed) => {
                self.fail(closed);
                None
            }
        }
    }

    /// Ends the connection for a reason that the peer should hear of, as far as it can be told.
    pub(super) fn fail(&mut self, reason: Closed) {
        let time = self.unix_time();
        if let State::Open(tunnel) = &mut self.state {
            if matches!(reason, Closed::Record(_) | Closed::Violation(_) | Closed::Silent) {
                let reason = Status::new(Code::Aborted, &reason);
                break_off(&mut tunnel.sealer, time, reason.reason(), &mut self.output);
            }
        } else if let (Side::Server, Closed::Handshake(error)) = (self.side, &reason) {
            self.output.extend(Alert::for_error(error).map(|alert| alert as u8));
        }
        self.over(reason);
    }

    /// Seals frames that no sound client would send, for the tests of what a server makes of them.
    #[cfg(test)]
    pub(crate) fn danger_seal(&mut self, frames: &[u8]) {
        let State::Open(tunnel) = &mut self.state else { panic!("not connected") };
        tunnel.sealer.seal(0, frames, &mut self.output).expect("frames fit a record");
    }

    pub(super) fn over(&mut self, reason: Closed) {
        self.state = State::Over;
        self.events.push_back(Event::Closed(reason));
    }
}
