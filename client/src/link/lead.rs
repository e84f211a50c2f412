//! Who reads the socket and keeps the time: one thread at a time, for all.
//!
//! Whoever holds the [`Driver`] leads. A caller that waits takes it if it is free, so that its answer passes through no other thread;
//! what it reads for others it brings to them, and wakes those who sleep. When it has what it wants, it puts the driver back.
//!
//! The keeper, a thread of the connection's own, leads when nobody else does: as soon as somebody sleeps whom no leader would wake, or
//! something is left to do, and else when nobody has led for a while. It steps down when it finds itself in between one caller and its
//! answers. To look whether callers lead costs little, and less the longer they do: see [`Pace`].

use std::ops::ControlFlow;
use std::sync::{Condvar, MutexGuard};
use std::time::{Duration, Instant};

use super::state::State;
use super::{Link, sleep};
use crate::Lost;
use crate::drive::Driver;
use crate::inbox::Inbox;

/// How long the keeper waits between two looks: at first, and when something was queued that nobody waits for, and at most.
const NAP: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(32));

/// Where the driver is, and what the keeper is to know.
pub(super) struct Lead {
    /// Nobody leads.
    driver: Option<Box<Driver>>,
    /// How often callers led.
    turns: u64,
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
        Self { driver: Some(driver), turns: 0, sleepers: 0, served: 0, hurried: false, wanted: true, keeper }
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
            state.lead.turns += 1;
            if state.lead.wanted || state.lead.keeper == Keeper::SleepsDeeply || state.needs_keeper() {
                self.link.call_keeper(&mut state);
            }
        }
        self.link.unlock_and_tell(state);
    }
}

impl Link {
    // For those who wait

    /// Waits until something is in the inbox, or it is `until`. Nobody sleeps with output unwritten.
    pub(crate) fn wait_for_mail(&self, inbox: &Inbox, until: Option<Instant>) {
        loop {
            let mut state = self.flush_locked(self.lock());
            if !inbox.is_empty() {
                return self.unlock(state);
            }
            if let Some(mut leader) = self.try_lead(&mut state) {
                self.unlock(state);
                while leader.turn(until).is_continue() && inbox.is_empty() && !is_past(until) {}
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
            let mut leader = self.wait_for_lead();
            let mut told = self.settle();
            while told.is_continue() && self.lock().over.is_none() && !self.is_in_between() {
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

    /// Whether one caller alone sleeps and is woken, time and again.
    fn is_in_between(&self) -> bool {
        let mut state = self.lock();
        let served = std::mem::take(&mut state.lead.served);
        served == 1 && !state.needs_keeper()
    }

    /// Waits until nobody leads but somebody should.
    fn wait_for_lead(&self) -> Leader<'_> {
        let mut state = self.lock();
        let mut pace = Pace::new(state.lead.turns);
        loop {
            let (nap, idle) = pace.next(&mut state.lead);
            if (idle || state.lead.wanted)
                && let Some(driver) = state.lead.driver.take()
            {
                (state.lead.wanted, state.lead.hurried, state.lead.served) = (false, false, 0);
                return Leader { link: self, driver: Some(driver), is_keeper: true };
            }
            // Whoever leads for so long without an end will say when it is done.
            let until = (!idle || nap < NAP.1).then(|| Instant::now() + nap);
            state.lead.keeper = match until {
                None => Keeper::SleepsDeeply,
                Some(_) if nap == NAP.0 => Keeper::Naps,
                Some(_) => Keeper::Sleeps,
            };
            state = sleep(&self.keeper, state, until);
            state.lead.keeper = Keeper::Awake;
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

/// When the keeper looks again whether callers lead.
struct Pace {
    turns: u64,
    nap: Option<Duration>,
}

impl Pace {
    fn new(turns: u64) -> Self {
        Self { turns, nap: None }
    }

    /// The time until the next look, and whether nobody has led, or one caller alone, since the last.
    fn next(&mut self, lead: &mut Lead) -> (Duration, bool) {
        let idle = self.nap.is_some() && self.turns == lead.turns;
        self.turns = lead.turns;
        let hurried = std::mem::take(&mut lead.hurried);
        let nap = self.nap.filter(|_| !hurried).map_or(NAP.0, |nap| (nap * 2).min(NAP.1));
        self.nap = Some(nap);
        (nap, idle)
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
