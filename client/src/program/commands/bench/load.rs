//! Making calls and taking their time: a thread for each connection, and with a rate two.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use bulla_core::value::Value;
use indicatif::{HumanCount, ProgressBar};

use super::tally::Tally;
use crate::program::interrupt::Stop;
use crate::{CallError, CallOptions, Client, Pending};

/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(100);

/// When it ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal {
    Time(Duration),
    /// So many calls in all.
    Count(u64),
}

/// What is to be done.
pub(super) struct Plan<'a> {
    pub(super) route: &'a str,
    pub(super) document: &'a Value,
    /// Calls on their way on each connection.
    pub(super) in_flight: usize,
    pub(super) warm_up: Duration,
    pub(super) goal: Goal,
    /// Calls a second in all; without, an answer lets the next call go.
    pub(super) rate: Option<u32>,
}

/// What came of it.
pub(super) struct Measured {
    pub(super) tally: Tally,
    /// Why it ended early.
    pub(super) failure: Option<CallError>,
}

impl Plan<'_> {
    pub(super) fn call_once(&self, client: &Client) -> Result<(), CallError> {
        client.call::<_, Value>(self.route, self.document).map(|_| ())
    }

    /// The length of the progress bar: milliseconds, or calls.
    pub(super) fn steps(&self) -> u64 {
        match self.goal {
            Goal::Time(time) => milliseconds(self.warm_up + time),
            Goal::Count(count) => count,
        }
    }

    /// Makes the calls.
    pub(super) fn run(&self, clients: &[Client], stop: &Stop, bar: &ProgressBar) -> Measured {
        let (broken, done) = (AtomicBool::new(false), AtomicU64::new(0));
        let start = Instant::now();
        let clock = Clock { start, begin: start + self.warm_up, stop, broken: &broken, done: &done };
        // Nothing is sent: the channel ends when the last worker does.
        let (alive, ended) = channel::<()>();
        thread::scope(|scope| {
            let work = |(number, client)| {
                let (worker, alive) = (Worker::new(self, client, clock, number, clients.len()), alive.clone());
                scope.spawn(move || {
                    let _alive = alive;
                    worker.run()
                })
            };
            let workers: Vec<_> = clients.iter().enumerate().map(|(number, client)| work((number, client))).collect();
            drop(alive);
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                self.show(start, done.load(Ordering::Relaxed), bar);
            }
            let mut measured = Measured { tally: Tally::default(), failure: None };
            for worker in workers {
                let (tally, failure) = worker.join().expect("workers do not panic");
                measured.tally.add(&tally);
                measured.failure = measured.failure.or(failure);
            }
            measured
        })
    }

    fn show(&self, start: Instant, done: u64, bar: &ProgressBar) {
        let elapsed = start.elapsed();
        bar.set_position(match self.goal {
            Goal::Time(_) => milliseconds(elapsed),
            Goal::Count(_) => done,
        });
        let measured = elapsed.saturating_sub(self.warm_up).as_secs_f64();
        bar.set_message(if measured > 0.0 {
            format!("{} calls a second", HumanCount((done as f64 / measured) as u64))
        } else {
            "warming up".to_owned()
        });
    }
}

/// What all workers look at.
#[derive(Clone, Copy)]
struct Clock<'a> {
    start: Instant,
    /// What is measured begins here.
    begin: Instant,
    stop: &'a Stop,
    /// One of them cannot go on.
    broken: &'a AtomicBool,
    /// Calls that count so far, of all.
    done: &'a AtomicU64,
}

impl Clock<'_> {
    fn is_stopped(&self) -> bool {
        self.stop.is_asked() || self.broken.load(Ordering::Relaxed)
    }
}

/// One connection's calls.
struct Worker<'a> {
    plan: &'a Plan<'a>,
    client: &'a Client,
    clock: Clock<'a>,
    end: Option<Instant>,
    /// Calls to begin that count.
    quota: u64,
    tally: Tally,
    /// When the first call is due, and how long after each the next one is.
    pace: Option<(Instant, Duration)>,
}

impl<'a> Worker<'a> {
    fn new(plan: &'a Plan<'a>, client: &'a Client, clock: Clock<'a>, number: usize, workers: usize) -> Self {
        let (end, quota) = match plan.goal {
            Goal::Time(time) => (clock.begin.checked_add(time), u64::MAX),
            Goal::Count(count) => (None, share(count, number, workers)),
        };
        let pace = plan.rate.map(|rate| {
            let interval = Duration::from_secs_f64(workers as f64 / f64::from(rate));
            (clock.start + interval.mul_f64(number as f64 / workers as f64), interval)
        });
        let tally = Tally { span: Some((clock.begin, clock.begin)), ..Tally::default() };
        Self { plan, client, clock, end, quota, tally, pace }
    }

    fn run(mut self) -> (Tally, Option<CallError>) {
        let result = match self.pace {
            None => self.closed_loop(),
            Some((first, interval)) => self.open_loop(first, interval),
        };
        if result.is_err() {
            self.clock.broken.store(true, Ordering::Relaxed);
        }
        (self.tally, result.err())
    }

    /// Keeps so many calls on their way: an answer lets the next one go.
    fn closed_loop(&mut self) -> Result<(), CallError> {
        let mut window: VecDeque<(Instant, Pending<Value>)> = VecDeque::with_capacity(self.plan.in_flight);
        while self.begins(Instant::now()) {
            if self.plan.in_flight == 1 {
                self.call()?;
                continue;
            }
            if window.len() == self.plan.in_flight
                && let Some((sent, pending)) = window.pop_front()
            {
                self.take(sent, pending.wait())?;
            }
            let sent = Instant::now();
            match self.start() {
                Ok(pending) => {
                    self.count_begun(sent);
                    window.push_back((sent, pending));
                }
                Err(error) => self.take(sent, Err(error))?,
            }
        }
        window.into_iter().try_for_each(|(sent, pending)| self.take(sent, pending.wait()))
    }

    /// One call by itself, on the way that has nothing to wait for.
    fn call(&mut self) -> Result<(), CallError> {
        let sent = Instant::now();
        self.count_begun(sent);
        self.take(sent, self.client.call(self.plan.route, self.plan.document))
    }

    /// Begins each call when it is due; another thread does, so that answers are taken when they come.
    fn open_loop(&mut self, first: Instant, interval: Duration) -> Result<(), CallError> {
        let (permits, permit_back) = sync_channel(self.plan.in_flight);
        let (begun, calls) = channel();
        let mut due = first;
        let mut pacer = Self { tally: Tally::default(), ..*self };
        thread::scope(move |scope| {
            scope.spawn(move || {
                while pacer.waits_until(due) && permits.send(()).is_ok() && begun.send((due, pacer.start())).is_ok() {
                    pacer.count_begun(due);
                    due += interval;
                }
            });
            for (due, call) in calls {
                self.take(due, call.and_then(Pending::wait))?;
                let _ = permit_back.recv();
            }
            Ok(())
        })
    }

    /// Sleeps until a call is due; `false` if it is not to be made any more.
    fn waits_until(&self, due: Instant) -> bool {
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.begins(due) {
                return self.begins(due);
            }
            thread::sleep(left.min(TICK));
        }
    }

    /// Whether a call begins at that time.
    fn begins(&self, at: Instant) -> bool {
        self.quota > 0 && self.end.is_none_or(|end| at < end) && !self.clock.is_stopped()
    }

    fn start(&self) -> Result<Pending<Value>, CallError> {
        self.client.start(self.plan.route, self.plan.document, &CallOptions::new())
    }

    fn count_begun(&mut self, at: Instant) {
        if at >= self.clock.begin {
            self.quota -= 1;
        }
    }

    /// Takes note of an answer, or of a refusal; other failures end it all.
    fn take(&mut self, since: Instant, answer: Result<Value, CallError>) -> Result<(), CallError> {
        let now = Instant::now();
        let counts = match (self.end, self.pace) {
            // What is answered within the time counts: the window was full from the first moment to the last.
            (Some(end), None) => now >= self.clock.begin && now < end,
            // What was due within it counts, however late it is answered.
            _ => since >= self.clock.begin,
        };
        match answer {
            Ok(_) if counts => self.tally.answered(since, now),
            Err(CallError::Status { status, .. }) if counts => self.tally.refused(status.code()),
            Ok(_) | Err(CallError::Status { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
        self.tally.span = Some((self.clock.begin, now));
        self.clock.done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// What one of so many does of a number of calls.
fn share(count: u64, number: usize, workers: usize) -> u64 {
    let (number, workers) = (number as u64, workers as u64);
    count / workers + u64::from(number < count % workers)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_fair_and_whole() {
        let shares = |count, workers| (0..workers).map(|number| share(count, number, workers)).collect::<Vec<_>>();
        assert_eq!(shares(10, 3), [4, 3, 3]);
        assert_eq!(shares(2, 4), [1, 1, 0, 0]);
        assert_eq!(shares(u64::MAX, 2).iter().sum::<u64>(), u64::MAX);
    }
}
