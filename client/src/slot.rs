//! The place where one thread waits for what another brings: an answer, once.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use bulla_core::status::Status;

use crate::Lost;

/// How a call ended, as the connection saw it.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The answer's bytes, in the session's codec; empty for a ping.
    Message(Vec<u8>),
    /// The stream ended early.
    Status(Status),
    /// The stream ended without a message.
    Nothing,
    /// The connection is of no more use.
    Lost {
        reason: Lost,
        /// Whether the server may have seen anything of the call.
        sent: bool,
    },
}

/// Holds an answer until its one reader takes it.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    answer: Mutex<Option<Answer>>,
    arrived: Condvar,
}

impl Slot {
    pub(crate) fn put(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.arrived.notify_one();
    }

    /// The answer, if it is there already.
    pub(crate) fn take(&self) -> Option<Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits for the answer; `None` if it is not there at `until`.
    pub(crate) fn wait(&self, until: Option<Instant>) -> Option<Answer> {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = match until {
            None => self.arrived.wait_while(answer, |answer| answer.is_none()).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                let waited = self.arrived.wait_timeout_while(answer, left, |answer| answer.is_none());
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        answer.take()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_answer_is_taken_once() {
        let slot = Slot::default();
        std::thread::scope(|scope| {
            scope.spawn(|| slot.put(Answer::Message(vec![7])));
            assert!(matches!(slot.wait(None), Some(Answer::Message(bytes)) if bytes == [7]));
        });
        assert!(slot.wait(Some(Instant::now() + Duration::from_millis(1))).is_none());
    }
}
