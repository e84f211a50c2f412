//! The place where one thread waits for what another brings of a stream: its messages, and how it ended.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bulla_core::intercept::Endings;
use bulla_core::status::{Code, Status};

use crate::Lost;

/// How a stream ended, as the connection saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// In order: the other side has no more to say.
    Finished,
    /// The other side ended it early.
    Status(Status),
    /// The connection is of no more use.
    Lost {
        reason: Lost,
        /// Whether the server may have seen anything of it.
        sent: bool,
    },
    /// This side gave it up.
    Cancelled,
    /// Its time is up.
    Deadline {
        /// Whether the server may have seen anything of it.
        sent: bool,
    },
}

impl End {
    /// Tells interceptors, in the words that a server would have had for it.
    pub(crate) fn tell(&self, endings: Endings) {
        let status = match self {
            Self::Finished => return endings.tell(Ok(())),
            Self::Status(status) => status.clone(),
            Self::Lost { reason, .. } => Status::new(Code::Unavailable, reason),
            Self::Cancelled => Status::new(Code::Cancelled, "given up by the caller"),
            Self::Deadline { .. } => Status::new(Code::DeadlineExceeded, "the deadline passed"),
        };
        endings.tell(Err(&status));
    }
}

/// What an inbox has for its reader.
#[derive(Debug)]
pub(crate) enum Mail {
    Message(Vec<u8>),
    End(End),
}

/// Holds what came until its one reader takes it. What it holds is bounded by the credit that the reader has granted.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    content: Mutex<Content>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Content {
    /// The one message of a call has its place without a queue of its own. While it is empty, the queue is.
    first: Option<Vec<u8>>,
    more: VecDeque<Vec<u8>>,
    end: Option<End>,
    /// How the whole ended, if not as what came did: the other side may end in order, and fail while this side goes on.
    fault: Option<End>,
    /// The reader sleeps.
    waiting: bool,
}

impl Inbox {
    /// Adds a message; `true` if the reader is to be [woken](Self::wake).
    #[must_use]
    pub(crate) fn put(&self, message: Vec<u8>) -> bool {
        let mut content = self.lock();
        if content.first.is_none() {
            content.first = Some(message);
        } else {
            content.more.push_back(message);
        }
        std::mem::take(&mut content.waiting)
    }

    /// Notes how the stream ended; the reader is told the first end alone. `true` if the reader is to be [woken](Self::wake).
    #[must_use]
    pub(crate) fn end(&self, end: End) -> bool {
        let mut content = self.lock();
        if content.end.is_none() {
            content.end = Some(end);
        } else {
            content.fault = Some(end);
        }
        std::mem::take(&mut content.waiting)
    }

    /// Wakes the reader. Apart from what it is woken for, so that no lock is held meanwhile.
    pub(crate) fn wake(&self) {
        self.arrived.notify_one();
    }

    /// How the stream ended in the end, whether or not its messages have been taken.
    pub(crate) fn ended(&self) -> Option<End> {
        let content = self.lock();
        content.fault.clone().or_else(|| content.end.clone())
    }

    /// What is there already: messages first, then the end, which stays.
    pub(crate) fn take(&self) -> Option<Mail> {
        let mut content = self.lock();
        let mail = content.take_first();
        content.first = content.more.pop_front();
        mail
    }

    /// As [`take`](Self::take), and moves the messages behind the one given to `rest`, which is empty.
    pub(crate) fn take_all(&self, rest: &mut VecDeque<Vec<u8>>) -> Option<Mail> {
        let mut content = self.lock();
        let mail = content.take_first()?;
        std::mem::swap(&mut content.more, rest);
        Some(mail)
    }

    /// Drops the messages, and ends with this, whatever was to come behind them. `true` if the reader is to be [woken](Self::wake).
    #[must_use]
    pub(crate) fn cut(&self, end: End) -> bool {
        let mut content = self.lock();
        (content.first, content.more, content.end) = (None, VecDeque::new(), Some(end));
        std::mem::take(&mut content.waiting)
    }

    /// Drops the messages: their number, and their bytes.
    pub(crate) fn clear(&self) -> (usize, usize) {
        let mut content = self.lock();
        let first = content.first.take();
        let more = std::mem::take(&mut content.more);
        let messages = first.iter().chain(&more);
        messages.fold((0, 0), |(count, size), message| (count + 1, size + message.len()))
    }

    /// Whether nothing is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Sleeps until something is there, or it is `until`. `true` if it was woken, as [`put`](Self::put) or [`end`](Self::end) asked for.
    pub(crate) fn wait(&self, until: Option<Instant>) -> bool {
        let mut content = self.lock();
        let mut slept = false;
        while content.is_empty() {
            slept = true;
            content.waiting = true;
            let Some(until) = until else {
                content = self.arrived.wait(content).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                content.waiting = false;
                return false;
            }
            content = self.arrived.wait_timeout(content, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        slept
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn is_empty(&self) -> bool {
        self.first.is_none() && self.end.is_none()
    }

    /// Leaves `first` empty.
    fn take_first(&mut self) -> Option<Mail> {
        let message = self.first.take();
        message.map(Mail::Message).or_else(|| self.end.clone().map(Mail::End))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn message(mail: Option<Mail>) -> Vec<u8> {
        let Some(Mail::Message(message)) = mail else { panic!("{mail:?}") };
        message
    }

    #[test]
    fn messages_come_in_order_and_the_end_after_them() {
        let inbox = Inbox::default();
        for byte in 0..4 {
            assert!(!inbox.put(vec![byte]));
        }
        assert!(!inbox.end(End::Finished));
        assert_eq!(message(inbox.take()), [0]);
        assert!(!inbox.put(vec![4]));
        let mut rest = VecDeque::new();
        assert_eq!(message(inbox.take_all(&mut rest)), [1]);
        assert_eq!(rest, [[2], [3], [4]]);
        for _ in 0..2 {
            assert!(matches!(inbox.take(), Some(Mail::End(End::Finished))));
        }
        assert!(!inbox.end(End::Cancelled));
        assert_eq!(inbox.ended(), Some(End::Cancelled));
        assert!(matches!(inbox.take(), Some(Mail::End(End::Finished))), "what came has ended in order all the same");
    }

    #[test]
    fn a_reader_that_sleeps_is_woken() {
        let inbox = Inbox::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !inbox.lock().waiting {
                    std::thread::yield_now();
                }
                assert!(inbox.put(vec![7]));
                inbox.wake();
            });
            assert!(inbox.wait(None));
            assert_eq!(message(inbox.take()), [7]);
        });
    }

    #[test]
    fn a_wait_ends_in_time() {
        let inbox = Inbox::default();
        assert!(!inbox.wait(Some(Instant::now() + Duration::from_millis(1))));
        assert!(inbox.take().is_none());
        assert!(!inbox.put(Vec::new()), "nobody sleeps any more");
    }
}
