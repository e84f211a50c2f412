//! One measurement, as the two processes that do it see it.

use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::load::Load;
use crate::meter::{Period, Tally};
use crate::process::cpu_seconds;

/// What a server says when it is ready: one line of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) pid: u32,
    pub(crate) address: SocketAddr,
    /// What a client needs to trust it: a certificate as PEM, or a public key.
    #[serde(default)]
    pub(crate) secret: String,
}

/// Says that the server at `address` is ready, and waits until the runner hangs up.
pub(crate) fn serve_until_hangup(address: SocketAddr, secret: &str) -> Result<(), Error> {
    let ready = Ready { pid: std::process::id(), address, secret: secret.to_owned() };
    println!("{}", serde_json::to_string(&ready)?);
    io::stdout().flush()?;
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    Ok(())
}

/// The client's part.
pub(crate) struct Job {
    pub(crate) load: Load,
    pub(crate) ready: Ready,
    warm_up: Duration,
    duration: Duration,
    watch: Mutex<Option<JoinHandle<Cpu>>>,
}

/// Processor seconds that both sides used within the period.
#[derive(Debug, Clone, Copy)]
struct Cpu {
    server: f64,
    client: f64,
}

impl Cpu {
    fn so_far(server: u32) -> Self {
        Self { server: cpu_seconds(server), client: cpu_seconds(std::process::id()) }
    }
}

/// What one measurement gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) calls: u64,
    pub(crate) seconds: f64,
    /// Microseconds; zero where no call was answered.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    /// Microseconds of processor time a call.
    pub(crate) server_cpu: f64,
    pub(crate) client_cpu: f64,
    /// Of idle connections: how many, and bytes of the server's memory for each.
    pub(crate) connections: usize,
    pub(crate) memory: f64,
}

impl Job {
    /// With what the server said, which stands in the first line of the input.
    pub(crate) fn read(load: Load, warm_up: Duration, duration: Duration) -> Result<Self, Error> {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        Ok(Self { load, ready: serde_json::from_str(&line)?, warm_up, duration, watch: Mutex::default() })
    }

    /// Starts the clock: the connections stand.
    pub(crate) fn period(&self) -> Period {
        let period = Period::starting(self.warm_up, self.duration);
        let server = self.ready.pid;
        let watch = thread::spawn(move || {
            sleep_until(period.begin);
            let before = Cpu::so_far(server);
            sleep_until(period.end);
            let after = Cpu::so_far(server);
            Cpu { server: after.server - before.server, client: after.client - before.client }
        });
        *self.watch.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(watch);
        period
    }

    /// The warm-up and the duration.
    pub(crate) fn times(&self) -> [Duration; 2] {
        [self.warm_up, self.duration]
    }

    pub(crate) fn sample(self, tally: &Tally) -> Sample {
        let watch = self.watch.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let cpu = watch.and_then(|watch| watch.join().ok()).unwrap_or(Cpu { server: 0.0, client: 0.0 });
        let percentile = |quantile| tally.latency.value_at_quantile(quantile) as f64 / 1e3;
        let each = |seconds: f64| seconds * 1e6 / tally.calls.max(1) as f64;
        let (connections, memory) = tally.idle.unwrap_or((self.load.connections(), 0));
        Sample {
            calls: tally.calls,
            seconds: tally.seconds.unwrap_or(self.duration.as_secs_f64()),
            p50: percentile(0.5),
            p99: percentile(0.99),
            p999: percentile(0.999),
            server_cpu: each(cpu.server),
            client_cpu: each(cpu.client),
            connections,
            memory: memory as f64 / connections.max(1) as f64,
        }
    }
}

fn sleep_until(until: Instant) {
    thread::sleep(until.saturating_duration_since(Instant::now()));
}
