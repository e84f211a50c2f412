//! What the peers on tokio share: the runtime that `#[tokio::main]` gives, and closed loops of calls.

use std::time::Instant;

use tokio::runtime::{Builder, Runtime};

use crate::Error;
use crate::meter::{Meter, Period, Tally};

/// A worker for each processor that the process may use.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// Runs a task for each of `workers`, and sums up what they did.
pub(crate) async fn sum<W, F>(workers: Vec<W>, run: impl Fn(W) -> F) -> Result<Tally, Error>
where
    F: Future<Output = Result<Tally, Error>> + Send + 'static,
{
    let tasks: Vec<_> = workers.into_iter().map(|worker| tokio::spawn(run(worker))).collect();
    let mut tallies = Vec::with_capacity(tasks.len());
    for task in tasks {
        tallies.push(task.await?);
    }
    Tally::sum(tallies)
}

/// Each client that many times: for clients that are shared by clones, with one call of each on its way.
pub(crate) fn times<C: Clone>(clients: &[C], in_flight: usize) -> Vec<C> {
    clients.iter().flat_map(|client| std::iter::repeat_n(client.clone(), in_flight)).collect()
}

/// Calls one after the other until the period is over. `call` is given the number of the question and gives that of the answer.
pub(crate) async fn closed_loop<F>(period: Period, mut call: impl FnMut(u64) -> F) -> Result<Tally, Error>
where
    F: Future<Output = Result<u64, Error>>,
{
    let mut meter = Meter::new(period);
    for number in 0.. {
        let sent = Instant::now();
        let answer = call(number).await?;
        if answer != number {
            return Err(format!("answer {answer} came in place of {number}").into());
        }
        if !meter.record(sent) {
            break;
        }
    }
    Ok(meter.tally)
}
