//! How other threads reach a loop: a queue, and at most one wake for all that is in it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::Waker;

use crate::sync::lock;

/// A queue that wakes its reader, but only one that sleeps, and only once.
///
/// The reader calls [`doze`](Self::doze) before it waits for readiness and [`rouse`](Self::rouse) after it; what is posted in
/// between costs no system call, since the reader looks into the queue before it waits again.
pub(crate) struct Mailbox<T> {
    queue: Mutex<Vec<T>>,
    awake: AtomicBool,
    waker: Waker,
}

impl<T> Mailbox<T> {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { queue: Mutex::new(Vec::new()), awake: AtomicBool::new(true), waker }
    }

    /// Queues mail and sees to it that the reader looks.
    pub(crate) fn post(&self, mail: T) {
        lock(&self.queue).push(mail);
        if !self.awake.swap(true, Ordering::SeqCst)
            && let Err(error) = self.waker.wake()
        {
            tracing::error!("cannot wake an event loop: {error}");
        }
    }

    /// Says that the reader is about to wait; `false` if it should not, because there is mail.
    #[must_use]
    pub(crate) fn doze(&self) -> bool {
        self.awake.store(false, Ordering::SeqCst);
        lock(&self.queue).is_empty()
    }

    /// Says that the reader is awake.
    pub(crate) fn rouse(&self) {
        self.awake.store(true, Ordering::SeqCst);
    }

    /// Moves all mail into `inbox`, which is empty.
    pub(crate) fn take(&self, inbox: &mut Vec<T>) {
        std::mem::swap(&mut *lock(&self.queue), inbox);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mio::{Events, Poll, Token};

    use super::*;

    fn wakes(poll: &mut Poll) -> usize {
        let mut events = Events::with_capacity(8);
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        events.iter().count()
    }

    #[test]
    fn wakes_a_sleeper_once_and_a_reader_that_is_awake_never() {
        let mut poll = Poll::new().unwrap();
        let mailbox = Mailbox::new(Waker::new(poll.registry(), Token(0)).unwrap());
        mailbox.post(1);
        assert_eq!(wakes(&mut poll), 0, "a reader that is awake looks by itself");
        assert!(!mailbox.doze(), "there is mail: no time to sleep");
        mailbox.rouse();
        let mut inbox = Vec::new();
        mailbox.take(&mut inbox);
        assert_eq!(inbox, [1]);
        assert!(mailbox.doze());
        mailbox.post(2);
        mailbox.post(3);
        assert_eq!(wakes(&mut poll), 1);
        inbox.clear();
        mailbox.take(&mut inbox);
        assert_eq!(inbox, [2, 3]);
    }
}
