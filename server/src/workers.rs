//! The worker pool: threads that run calls, and a bounded queue before them.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::sync::lock;

/// Threads that run jobs in the order in which they came.
pub(crate) struct Workers<J> {
    pool: Arc<Pool<J>>,
}

struct Pool<J> {
    state: Mutex<State<J>>,
    /// A job came, or the end.
    work: Condvar,
    /// A worker ended.
    ended: Condvar,
    capacity: usize,
}

struct State<J> {
    jobs: VecDeque<J>,
    idle: usize,
    alive: usize,
    stopping: bool,
}

impl<J> Clone for Workers<J> {
    fn clone(&self) -> Self {
        Self { pool: Arc::clone(&self.pool) }
    }
}

impl<J: Send + 'static> Workers<J> {
    /// Starts `count` threads that run jobs through `run`, which must not panic. At most `capacity` jobs wait.
    ///
    /// # Errors
    /// When the system gives no thread; those that it gave are ended.
    pub(crate) fn start(count: usize, capacity: usize, run: impl Fn(J) + Clone + Send + 'static) -> io::Result<Self> {
        let state = State { jobs: VecDeque::new(), idle: 0, alive: 0, stopping: false };
        let pool = Arc::new(Pool { state: Mutex::new(state), work: Condvar::new(), ended: Condvar::new(), capacity });
        let workers = Self { pool };
        for number in 0..count {
            let (pool, run) = (Arc::clone(&workers.pool), run.clone());
            lock(&workers.pool.state).alive += 1;
            let spawned = thread::Builder::new().name(format!("bulla-worker-{number}")).spawn(move || pool.work(run));
            if let Err(error) = spawned {
                lock(&workers.pool.state).alive -= 1;
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
        let mut state = lock(&self.pool.state);
        let room = if state.stopping { 0 } else { self.pool.capacity.saturating_sub(state.jobs.len()) };
        let count = room.min(jobs.len());
        state.jobs.extend(jobs.drain(..count));
        let wake = state.idle.min(count);
        drop(state);
        for _ in 0..wake {
            self.pool.work.notify_one();
        }
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

impl<J> Pool<J> {
    fn work(&self, run: impl Fn(J)) {
        while let Some(job) = self.next() {
            run(job);
        }
        lock(&self.state).alive -= 1;
        self.ended.notify_all();
    }

    /// Waits for a job; `None` at the end.
    fn next(&self) -> Option<J> {
        let mut state = lock(&self.state);
        loop {
            if state.stopping {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn runs_every_job_and_ends() {
        let (sender, receiver) = mpsc::channel();
        let workers = Workers::start(3, 100, move |job: u32| sender.send(job).unwrap()).unwrap();
        let mut jobs = VecDeque::from_iter(0..100);
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
        };
        let workers = Workers::start(1, 2, run).unwrap();
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
