//! Pools of threads that run calls, and a bounded queue before them.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::sync::lock;

/// Threads that one call starts at most: it may be made on an event loop. Those started start more, if need be.
const GROWTH: usize = 4;

/// How long a thread beyond the least number waits for work before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// Threads that run jobs in the order in which they came.
pub(crate) struct Workers<J> {
    pool: Arc<Pool<J>>,
}

/// The size of a pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// What its threads are called, before their number.
    pub(crate) name: &'static str,
    /// Threads that are there from the start, and stay.
    pub(crate) least: usize,
    /// Threads at most: those beyond the least start when they are needed.
    pub(crate) most: usize,
    /// Jobs that may wait.
    pub(crate) capacity: usize,
}

struct Pool<J> {
    plan: Plan,
    run: Box<dyn Fn(J) -> Option<J> + Send + Sync>,
    state: Mutex<State<J>>,
    /// A job came, or the end.
    work: Condvar,
    /// A worker ended.
    ended: Condvar,
}

struct State<J> {
    jobs: VecDeque<J>,
    idle: usize,
    alive: usize,
    /// Threads that are alive and have not looked for work yet.
    starting: usize,
    /// The system gave no thread when it was last asked.
    refused: bool,
    /// Threads that were started.
    started: u64,
    stopping: bool,
}

impl<J> Clone for Workers<J> {
    fn clone(&self) -> Self {
        Self { pool: Arc::clone(&self.pool) }
    }
}

impl<J: Send + 'static> Workers<J> {
    /// Starts a pool that runs jobs through `run`, which must not panic. It gives a job that could not begin before, if there is one:
    /// that comes last in the queue.
    ///
    /// # Errors
    /// When the system gives no thread; those that it gave are ended.
    pub(crate) fn start(plan: Plan, run: impl Fn(J) -> Option<J> + Send + Sync + 'static) -> io::Result<Self> {
        let state = State {
            jobs: VecDeque::new(),
            idle: 0,
            alive: 0,
            starting: 0,
            refused: false,
            started: 0,
            stopping: false,
        };
        let (work, ended) = (Condvar::new(), Condvar::new());
        let pool = Arc::new(Pool { plan, run: Box::new(run), state: Mutex::new(state), work, ended });
        let workers = Self { pool };
        for _ in 0..plan.least {
            if let Err(error) = workers.pool.add_thread(&mut lock(&workers.pool.state)) {
                workers.stop(Duration::ZERO);
                return Err(error);
            }
        }
        Ok(workers)
    }

    /// Queues jobs from the front of `jobs`. What is left in it found no room.
    pub(crate) fn submit(&self, jobs: &mut VecDeque<J>) {
        if jobs.is_empty() {
            return;
        }
        let state = lock(&self.pool.state);
        let room = if state.stopping { 0 } else { self.pool.plan.capacity.saturating_sub(state.jobs.len()) };
        let count = room.min(jobs.len());
        self.queue(state, jobs.drain(..count));
    }

    /// Queues jobs that are bounded elsewhere. When the pool stops, they are dropped.
    pub(crate) fn submit_all(&self, jobs: &mut VecDeque<J>) {
        if jobs.is_empty() {
            return;
        }
        let state = lock(&self.pool.state);
        if state.stopping {
            drop(state);
            jobs.clear();
        } else {
            self.queue(state, jobs.drain(..));
        }
    }

    fn queue(&self, mut state: MutexGuard<'_, State<J>>, jobs: impl ExactSizeIterator<Item = J>) {
        let count = jobs.len();
        state.jobs.extend(jobs);
        let wake = state.idle.min(count);
        self.pool.grow(&mut state);
        drop(state);
        for _ in 0..wake {
            self.pool.work.notify_one();
        }
    }

    /// The threads that there are.
    pub(crate) fn alive(&self) -> usize {
        lock(&self.pool.state).alive
    }

    /// Whether as many threads run as may.
    pub(crate) fn is_full(&self) -> bool {
        let state = lock(&self.pool.state);
        state.refused || state.alive >= self.pool.plan.most
    }

    /// Drops what waits, lets what runs finish, and waits for that no longer than `patience`; `false` if a job still runs.
    pub(crate) fn stop(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = lock(&self.pool.state);
        state.stopping = true;
        let dropped = std::mem::take(&mut state.jobs);
        self.pool.work.notify_all();
        while state.alive > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.pool.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let done = state.alive == 0;
        drop(state);
        drop(dropped);
        done
    }
}

impl<J: Send + 'static> Pool<J> {
    /// Starts threads for jobs that none will take, as far as there may be more.
    fn grow(self: &Arc<Self>, state: &mut State<J>) {
        for _ in 0..GROWTH {
            if state.jobs.len() <= state.idle + state.starting || state.alive >= self.plan.most {
                return;
            }
            if let Err(error) = self.add_thread(state) {
                return tracing::error!("the system gives no thread: {error}");
            }
        }
    }

    fn add_thread(self: &Arc<Self>, state: &mut State<J>) -> io::Result<()> {
        let pool = Arc::clone(self);
        let spawned = thread::Builder::new().name(format!("{}-{}", self.plan.name, state.started));
        let spawned = spawned.spawn(move || pool.work());
        state.refused = spawned.is_err();
        spawned?;
        state.started += 1;
        state.starting += 1;
        state.alive += 1;
        Ok(())
    }

    fn work(self: Arc<Self>) {
        let mut first = true;
        while let Some(job) = self.next(std::mem::take(&mut first)) {
            if let Some(job) = (self.run)(job) {
                // This thread is about to take a job itself: nobody needs to be woken.
                self.put_last(job);
            }
        }
        self.ended.notify_all();
    }

    fn put_last(&self, job: J) {
        let mut state = lock(&self.state);
        if state.stopping {
            // Not under the lock: what is dropped may say so.
            drop(state);
            return drop(job);
        }
        state.jobs.push_back(job);
    }

    /// Waits for a job; `None` at the end of the thread, which no longer counts then.
    fn next(self: &Arc<Self>, first: bool) -> Option<J> {
        let mut state = lock(&self.state);
        state.starting -= usize::from(first);
        loop {
            if state.stopping {
                state.alive -= 1;
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                self.grow(&mut state);
                return Some(job);
            }
            let lasting = state.alive <= self.plan.least;
            state.idle += 1;
            let timed_out;
            (state, timed_out) = self.wait(state, lasting);
            state.idle -= 1;
            if timed_out && state.jobs.is_empty() && state.alive > self.plan.least {
                state.alive -= 1;
                return None;
            }
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<J>>, lasting: bool) -> (MutexGuard<'a, State<J>>, bool) {
        if lasting {
            return (self.work.wait(state).unwrap_or_else(PoisonError::into_inner), false);
        }
        let (state, outcome) = self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
        (state, outcome.timed_out())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn fixed(count: usize, capacity: usize) -> Plan {
        Plan { name: "test", least: count, most: count, capacity }
    }

    #[test]
    fn grows_as_far_as_it_may_and_uses_its_threads_again() {
        let (release, gate) = mpsc::channel::<()>();
        let (started, running) = mpsc::channel();
        let gate = Mutex::new(gate);
        let run = move |job: u32| {
            started.send(job).unwrap();
            lock(&gate).recv_timeout(PATIENCE).unwrap();
            None
        };
        let workers = Workers::start(Plan { name: "test", least: 0, most: 2, capacity: 10 }, run).unwrap();
        assert_eq!(workers.alive(), 0);
        workers.submit(&mut VecDeque::from([1]));
        assert_eq!(running.recv_timeout(PATIENCE), Ok(1));
        assert_eq!(workers.alive(), 1);
        workers.submit(&mut VecDeque::from([2, 3]));
        assert_eq!(running.recv_timeout(PATIENCE), Ok(2));
        assert_eq!(workers.alive(), 2);
        assert!(running.try_recv().is_err(), "two at once");
        release.send(()).unwrap();
        assert_eq!(running.recv_timeout(PATIENCE), Ok(3));
        for _ in 0..2 {
            release.send(()).unwrap();
        }
        while lock(&workers.pool.state).idle < 2 {
            thread::yield_now();
        }
        workers.submit(&mut VecDeque::from([4]));
        assert_eq!(running.recv_timeout(PATIENCE), Ok(4));
        assert_eq!(workers.alive(), 2);
        release.send(()).unwrap();
        assert!(workers.stop(PATIENCE));
    }

    #[test]
    fn a_burst_gets_as_many_threads_as_it_needs() {
        let together = Arc::new(std::sync::Barrier::new(50));
        let waiting = Arc::clone(&together);
        let run = move |_: u32| {
            waiting.wait();
            None
        };
        let workers = Workers::start(Plan { name: "test", least: 0, most: 60, capacity: 100 }, run).unwrap();
        workers.submit(&mut VecDeque::from_iter(0..49));
        together.wait();
        assert!(workers.alive() <= 49 && !workers.is_full());
        assert!(workers.stop(PATIENCE));
    }

    #[test]
    fn runs_every_job_and_what_follows_it_and_ends() {
        let (sender, receiver) = mpsc::channel();
        let workers = Workers::start(fixed(3, 100), move |job: u32| {
            sender.send(job).unwrap();
            (job < 50).then_some(job + 50)
        })
        .unwrap();
        let mut jobs = VecDeque::from_iter(0..50);
        workers.submit(&mut jobs);
        assert!(jobs.is_empty());
        let mut seen: Vec<u32> = (0..100).map(|_| receiver.recv_timeout(PATIENCE).unwrap()).collect();
        seen.sort_unstable();
        assert_eq!(seen, Vec::from_iter(0..100));
        assert!(workers.stop(PATIENCE));
        workers.submit(&mut VecDeque::from([1]));
    }

    #[test]
    fn leaves_what_finds_no_room_with_the_caller() {
        let (release, gate) = mpsc::channel::<()>();
        let (started, running) = mpsc::channel();
        let gate = Arc::new(Mutex::new(gate));
        let run = move |_: u32| {
            started.send(()).unwrap();
            lock(&gate).recv_timeout(PATIENCE).unwrap();
            None
        };
        let workers = Workers::start(fixed(1, 2), run).unwrap();
        workers.submit(&mut VecDeque::from([0]));
        running.recv_timeout(PATIENCE).unwrap();
        let mut jobs = VecDeque::from([1, 2, 3, 4]);
        workers.submit(&mut jobs);
        assert_eq!(jobs, [3, 4]);
        assert!(!workers.stop(Duration::from_millis(1)), "a job still runs");
        release.send(()).unwrap();
        assert!(workers.stop(PATIENCE), "it was let go; those that waited were dropped");
    }
}
