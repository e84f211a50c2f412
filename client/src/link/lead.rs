//! Who reads the socket and keeps the time: one thread at a time, for all.
//!
//! Whoever holds the [`Driver`] leads. A caller that waits takes it if it is free, so that its answer passes through no other thread;
//! what it reads for others it brings to them, and wakes those who sleep. When it has what it wants, it puts the driver back.
//!
//! The keeper, a thread of the connection's own, leads when nobody else does: as soon as somebody sleeps whom no leader would wake, or
//! something is left to do, and else when no caller has done anything for a while, or none has read. It steps
//! down when it finds itself in between one caller and its answers.

use std::ops::ControlFlow;
use std::sync::{Condvar, MutexGuard};
use std::time::{Duration, Instant};

use super::state::State;
use super::{Link, sleep};
use crate::Lost;
use crate::drive::Driver;
use crate::inbox::Inbox;

/// How long the keeper waits between two looks.
const SLEEP: Duration = Duration::from_millis(32);

/// How long it waits when something was queued that nobody waits for yet.
const NAP: Duration = Duration::from_millis(1);

/// Where the driver is, and what the keeper is to know.
pub(super) struct Lead {
    /// Nobody leads.
    driver: Option<Box<Driver>>,
    /// How often callers led, or began something.
    pub(super) activity: u64,
    /// How often callers led.
    led: u64,
    /// Threads that sleep until a leader brings them something.
    pub(super) sleepers: usize,
    /// Sleeping readers that were woken since the keeper looked.
    pub(super) served: usize,
    /// Something is queued that nobody waits for.
    hurried: bool,
    /// The keeper is to lead as soon as the driver is free.
    wanted: bool,
    keeper: Keeper,
}

/// What the keeper is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    /// It leads, or is about to look.
    Awake,
    /// It looks again within a moment.
    Naps,
    /// It looks again before long.
    Sleeps,
    /// It does not look again before it is told to.
    SleepsDeeply,
}

impl Lead {
    pub(super) fn new(driver: Box<Driver>) -> Self {
        let keeper = Keeper::Awake;
        // The keeper has the first word: the handshake goes on whether or not anybody waits for it.
        Self { driver: Some(driver), activity: 0, led: 0, sleepers: 0, served: 0, hurried: false, wanted: true, keeper }
    }

    /// Whether nobody leads.
    pub(super) fn is_free(&self) -> bool {
        self.driver.is_some()
    }
}

impl State {
    /// Whether there is something that the next caller who leads might not do in time.
    fn needs_keeper(&self) -> bool {
        self.lead.sleepers > 0
            || self.blocked.is_some()
            || self.write_failed
            || self.going_away
            || self.close_at.is_some()
            || self.connection.is_over()
            || self.over.is_some()
    }
}

/// The lead, as long as one has it.
struct Leader<'a> {
    link: &'a Link,
    driver: Option<Box<Driver>>,
    is_keeper: bool,
}

impl Leader<'_> {
    /// As [`turn`](Self::turn), with what has come already, if anything has.
    fn read_ahead(&mut self) -> ControlFlow<()> {
        let came = self.driver.as_mut().is_some_and(|driver| driver.read_ahead(self.link));
        if came { self.link.settle() } else { ControlFlow::Continue(()) }
    }

    /// Waits for something to happen, until `until` at most, handles it, and writes what comes of it. `Break` if interceptors are to be
    /// told something: they may call, and wait, and so must find the lead free.
    fn turn(&mut self, until: Option<Instant>) -> ControlFlow<()> {
        let Some(driver) = &mut self.driver else { return ControlFlow::Break(()) };
        let until = [self.link.poll_timeout(), until].into_iter().flatten().min();
        if driver.turn(self.link, until).is_err() {
            self.link.end(&Lost::Abandoned);
        }
        self.link.settle()
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        let mut state = self.link.lock();
        state.lead.driver = self.driver.take();
        if !self.is_keeper {
            state.lead.activity += 1;
            state.lead.led += 1;
        }
        // Somebody may have fallen asleep since the keeper, too, found that it is not needed.
        if state.lead.wanted || state.lead.keeper == Keeper::SleepsDeeply || state.needs_keeper() {
            self.link.call_keeper(&mut state);
        }
        self.link.unlock_and_tell(state);
    }
}

impl Link {
    // For those who wait

    /// Waits until something is in the inbox, or it is `until`. Nobody sleeps with output unwritten.
    pub(crate) fn wait_for_mail(&self, inbox: &Inbox, until: Option<Instant>) {
        loop {
            let state = self.lock();
            let writes = state.writes;
            let mut state = self.flush_locked(state);
            if !inbox.is_empty() {
                return self.unlock(state);
            }
            if let Some(mut leader) = self.try_lead(&mut state) {
                // What was asked a while ago may be answered by now.
                let may_be_there = state.writes == writes;
                self.unlock(state);
                let mut told = if may_be_there { leader.read_ahead() } else { ControlFlow::Continue(()) };
                while told.is_continue() && inbox.is_empty() && !is_past(until) {
                    told = leader.turn(until);
                }
            } else {
                state.lead.sleepers += 1;
                self.unlock(state);
                if !inbox.wait(until) {
                    self.lock().lead.sleepers -= 1;
                }
            }
            if !inbox.is_empty() || is_past(until) {
                return;
            }
        }
    }

    /// Reads what has come, if nobody else does, without waiting for anything.
    pub(crate) fn read_now(&self) {
        let mut state = self.flush_locked(self.lock());
        let leader = self.try_lead(&mut state);
        self.unlock(state);
        if let Some(mut leader) = leader {
            let _ = leader.turn(Some(Instant::now()));
        }
    }

    /// Waits for a change that `on` tells of, or until `until`; wakes without cause, too.
    pub(super) fn wait_for_change<'a>(
        &'a self,
        on: &Condvar,
        mut state: MutexGuard<'a, State>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        if let Some(mut leader) = self.try_lead(&mut state) {
            self.unlock(state);
            let _ = leader.turn(until);
            drop(leader);
            return self.lock();
        }
        state.lead.sleepers += 1;
        state = sleep(on, state, until);
        state.lead.sleepers -= 1;
        state
    }

    fn try_lead(&self, state: &mut State) -> Option<Leader<'_>> {
        let driver = state.lead.driver.take()?;
        Some(Leader { link: self, driver: Some(driver), is_keeper: false })
    }

    // For those who leave something to do

    /// Has the leader look at what changed, or the keeper if nobody leads.
    pub(super) fn wake_driver(&self, state: &mut State) {
        if state.lead.is_free() {
            return self.call_keeper(state);
        }
        if !state.woken {
            state.woken = true;
            if self.waker.wake().is_err() {
                // The leader comes by at its next timeout.
                state.woken = false;
            }
        }
    }

    /// Has somebody write within a moment what is queued: it may be the thread that queued it, as soon as it waits.
    pub(super) fn wake_driver_soon(&self, state: &mut State) {
        if !state.lead.is_free() {
            return self.wake_driver(state);
        }
        state.lead.hurried = true;
        if matches!(state.lead.keeper, Keeper::Sleeps | Keeper::SleepsDeeply) {
            self.wake_keeper(state);
        }
    }

    fn call_keeper(&self, state: &mut State) {
        state.lead.wanted = true;
        self.wake_keeper(state);
    }

    fn wake_keeper(&self, state: &mut State) {
        if state.lead.keeper != Keeper::Awake {
            state.lead.keeper = Keeper::Awake;
            self.keeper.notify_one();
        }
    }

    // The keeper

    /// Leads whenever nobody else does, to the end of the connection.
    pub(crate) fn keep(&self) {
        let _ending = Ending(self);
        loop {
            let (mut leader, activity) = self.wait_for_lead();
            let mut told = self.settle();
            while told.is_continue() && self.lock().over.is_none() && !self.is_in_between(activity) {
                told = leader.turn(None);
            }
            let over = self.lock().over.is_some();
            if let (true, Some(driver)) = (over, &mut leader.driver) {
                driver.farewell(self);
                return;
            }
            if told.is_break() {
                self.lock().lead.wanted = true;
            }
        }
    }

    /// Whether a caller can do better alone: one slept and was woken, or one was active and had no need to sleep.
    fn is_in_between(&self, activity: u64) -> bool {
        let mut state = self.lock();
        let active = state.lead.activity != activity;
        match std::mem::take(&mut state.lead.served) {
            0 => active && !state.needs_keeper(),
            1 => !state.needs_keeper(),
            _ => false,
        }
    }

    /// Waits until nobody leads but somebody should. Gives what the callers' activity was then, too.
    fn wait_for_lead(&self) -> (Leader<'_>, u64) {
        let mut state = self.lock();
        let mut seen = None;
        let mut unread = (state.lead.led, Instant::now());
        loop {
            let Lead { activity, led, .. } = state.lead;
            if led != unread.0 {
                unread = (led, Instant::now());
            }
            // Whoever begins one thing after the other may never wait, and so never read.
            let idle = seen.replace(activity) == Some(activity) || unread.1.elapsed() >= SLEEP;
            if (idle || state.lead.wanted)
                && let Some(driver) = state.lead.driver.take()
            {
                (state.lead.wanted, state.lead.hurried, state.lead.served) = (false, false, 0);
                return (Leader { link: self, driver: Some(driver), is_keeper: true }, activity);
            }
            // Whoever leads for so long without an end will say when it is done.
            let (keeper, time) = match std::mem::take(&mut state.lead.hurried) {
                true => (Keeper::Naps, Some(NAP)),
                false if !idle => (Keeper::Sleeps, Some(SLEEP)),
                false => (Keeper::SleepsDeeply, None),
            };
            let writes = state.writes;
            state.lead.keeper = keeper;
            state = sleep(&self.keeper, state, time.map(|time| Instant::now() + time));
            state.lead.keeper = Keeper::Awake;
            if keeper == Keeper::Naps && state.writes == writes && state.lead.is_free() {
                // More may be queued all the time, and nobody write.
                state = self.flush_locked(state);
            }
        }
    }

    /// Writes what is left, and brings an end that nobody has seen to all. `Break` if interceptors are to be told something.
    fn settle(&self) -> ControlFlow<()> {
        let state = self.flush_locked(self.lock());
        let unseen = state.connection.is_over() && state.over.is_none();
        self.unlock(state);
        if unseen {
            // CLOSE has been sealed, by us or by a caller: its event waits.
            self.handle(|_, _| {});
        }
        if self.lock().endings.is_empty() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// Fails whoever still waits when the keeper is gone, for whatever reason.
struct Ending<'a>(&'a Link);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end(&Lost::Abandoned);
        self.0.socket.shut_down();
    }
}

fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::super::tests::{PATIENCE, silence};
    use super::*;

    fn wait_until(mut holds: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !holds() {
            assert!(begin.elapsed() < PATIENCE, "it does not come to that");
            std::hint::spin_loop();
        }
    }

    /// The lead, while the keeper sleeps until it is told something.
    fn lead_alone(link: &Link) -> Leader<'_> {
        wait_until(|| !link.lock().lead.is_free());
        // It steps down for callers who are active.
        link.lock().lead.activity += 1;
        assert!(link.ping().is_ok());
        let mut leader = None;
        wait_until(|| {
            leader = link.try_lead(&mut link.lock());
            leader.is_some()
        });
        wait_until(|| link.lock().lead.keeper == Keeper::SleepsDeeply);
        leader.unwrap()
    }

    #[test]
    fn whoever_falls_asleep_while_the_keeper_steps_down_is_served() {
        let (_server, link) = silence();
        let mut leader = lead_alone(&link);
        leader.is_keeper = true;
        let waiter = Arc::clone(&link);
        let waiter = thread::spawn(move || {
            let Ok((_, inbox)) = waiter.ping() else { panic!("the server is there") };
            let begin = Instant::now();
            waiter.wait_for_mail(&inbox, Some(begin + PATIENCE));
            begin.elapsed() < PATIENCE / 2
        });
        wait_until(|| link.lock().lead.sleepers == 1);
        drop(leader);
        assert!(waiter.join().unwrap());
    }
}
