//! The runner: all peers in turn, round by round, and a line of JSON for each measurement.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::cli::{Report, Run};
use crate::job::Sample;
use crate::load::Load;
use crate::peers::{self, Peer};
use crate::process::processors;
use crate::report;

/// How long a server may take to be ready, and a client beyond its time; idle connections take longer.
const PATIENCE: Duration = Duration::from_secs(20);
const IDLE_PATIENCE: Duration = Duration::from_secs(120);

/// The file of samples in the folder of a run.
pub(crate) const SAMPLES: &str = "samples.jsonl";

/// What stands in the first line of that file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Heading {
    /// Seconds since 1970.
    pub(crate) time: u64,
    pub(crate) rounds: u32,
    pub(crate) seconds: f64,
    pub(crate) machine: report::Machine,
    /// The peers that were left out, and why.
    pub(crate) missing: Vec<(String, String)>,
}

/// One measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) peer: String,
    pub(crate) load: String,
    /// How many processors the two processes shared.
    pub(crate) processors: usize,
    pub(crate) round: u32,
    #[serde(flatten)]
    pub(crate) sample: Sample,
}

struct Step {
    load: Load,
    processors: Vec<usize>,
    peer: Box<dyn Peer>,
}

pub(crate) fn run(options: &Run) -> Result<(), Error> {
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 5 });
    let duration = options.duration.unwrap_or(Duration::from_secs_f64(if options.quick { 0.4 } else { 1.0 }));
    let (peers, missing) = chosen(&options.peers)?;
    let steps = steps(options, &peers)?;
    fs::create_dir_all(&options.out)?;
    let mut samples = File::create(options.out.join(SAMPLES))?;
    let heading = Heading {
        time: std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs(),
        rounds,
        seconds: duration.as_secs_f64(),
        machine: report::Machine::here(),
        missing,
    };
    writeln!(samples, "{}", serde_json::to_string(&heading)?)?;
    let bar = bar(&steps, rounds);
    let mut failed = 0;
    for round in 0..rounds {
        failed += measure_round(round, &steps, duration, &bar, &mut samples)?;
    }
    bar.finish_and_clear();
    report::run(&Report { out: options.out.clone(), criterion: "target/criterion".into(), readme: None })?;
    match failed {
        0 => Ok(()),
        count => Err(format!("{count} measurements failed, as said above: the report has gaps").into()),
    }
}

/// Names, and why those that are missing are.
type Missing = Vec<(String, String)>;

fn chosen(names: &[String]) -> Result<(Vec<String>, Missing), Error> {
    let wanted = match names {
        [] => peers::all(),
        names => names.iter().map(|name| peers::find(name)).collect::<Result<_, _>>()?,
    };
    let mut missing = Missing::new();
    let mut there = Vec::new();
    for peer in wanted {
        match peer.missing() {
            None => there.push(peer.name().to_owned()),
            Some(why) => {
                eprintln!("{} is left out: {why}", peer.name());
                missing.push((peer.name().to_owned(), why));
            }
        }
    }
    Ok((there, missing))
}

/// What one round measures: peers next to each other that are compared.
fn steps(options: &Run, peers: &[String]) -> Result<Vec<Step>, Error> {
    let here = processors()?;
    let mut steps = Vec::new();
    for load in &options.loads {
        let load = match *load {
            Load::Idle { connections } if options.quick => Load::Idle { connections: connections.min(1000) },
            load => load,
        };
        for count in &options.processors {
            let count = usize::from(*count);
            let is_idle = matches!(load, Load::Idle { .. });
            // Memory does not depend on processors.
            if count > here.len() || is_idle && Some(count) != options.processors.last().map(|last| usize::from(*last))
            {
                continue;
            }
            for name in peers {
                let (peer, processors) = (peers::find(name)?, here[..count].to_vec());
                if peer.carries(load) {
                    steps.push(Step { load, processors, peer });
                }
            }
        }
    }
    Ok(steps)
}

fn bar(steps: &[Step], rounds: u32) -> ProgressBar {
    let bar = ProgressBar::new(steps.len() as u64 * u64::from(rounds));
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} (eta {eta}) {msg}");
    bar.with_style(style.expect("the template is a constant"))
}

/// Gives the number of measurements that failed.
fn measure_round(
    round: u32,
    steps: &[Step],
    duration: Duration,
    bar: &ProgressBar,
    samples: &mut File,
) -> Result<usize, Error> {
    let mut failed = 0;
    for step in steps {
        let is_idle = matches!(step.load, Load::Idle { .. });
        // Memory is the same in every round.
        if !(is_idle && round > 0) {
            bar.set_message(format!("{} {}", step.load, step.peer.name()));
            match step.measure(duration) {
                Ok(sample) => {
                    let (peer, load) = (step.peer.name().to_owned(), step.load.to_string());
                    let entry = Entry { peer, load, processors: step.processors.len(), round, sample };
                    writeln!(samples, "{}", serde_json::to_string(&entry)?)?;
                }
                Err(error) => {
                    failed += 1;
                    bar.suspend(|| eprintln!("{} {}: {error}", step.load, step.peer.name()));
                }
            }
        }
        bar.inc(1);
    }
    Ok(failed)
}

impl Step {
    /// Starts the two processes, and waits for the client's result.
    fn measure(&self, duration: Duration) -> Result<Sample, Error> {
        let mut server = self.start("serve", duration)?;
        let mut stdout = BufReader::new(server.0.stdout.take().ok_or("no output")?);
        let ready = within(PATIENCE, move || {
            let mut line = String::new();
            stdout.read_line(&mut line).map(|_| line)
        })?;
        if ready.is_empty() {
            return Err("the server ended at once".into());
        }
        let mut client = self.start("drive", duration)?;
        client.0.stdin.take().ok_or("no input")?.write_all(ready.as_bytes())?;
        let mut stdout = client.0.stdout.take().ok_or("no output")?;
        let patience = if matches!(self.load, Load::Idle { .. }) { IDLE_PATIENCE } else { PATIENCE };
        let result = within(duration * 2 + patience, move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).map(|_| text)
        })?;
        client.end()?;
        // The server goes when its input ends.
        drop(server.0.stdin.take());
        server.end()?;
        Ok(serde_json::from_str(&result).map_err(|_| "the client gave no result")?)
    }

    fn start(&self, side: &str, duration: Duration) -> Result<Process, Error> {
        let pin = self.processors.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let mut command = Command::new(std::env::current_exe()?);
        command.args([side, self.peer.name(), &self.load.to_string(), "--pin", &pin]);
        command.args(["--duration", &duration.as_secs_f64().to_string()]);
        command.args(["--warm-up", &(duration.as_secs_f64() / 4.0).to_string()]);
        Ok(Process(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?))
    }
}

/// A process of ours, which does not outlive its measurement.
struct Process(Child);

impl Process {
    /// Waits for its end.
    fn end(&mut self) -> Result<ExitStatus, Error> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(2));
        }
        Err("a process did not end".into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What `read` gives, if it does so in time.
fn within(time: Duration, read: impl FnOnce() -> std::io::Result<String> + Send + 'static) -> Result<String, Error> {
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(read()));
    match receiver.recv_timeout(time) {
        Ok(text) => Ok(text?),
        Err(RecvTimeoutError::Timeout) => Err(format!("nothing came within {time:?}").into()),
        Err(RecvTimeoutError::Disconnected) => Err("the reader is gone".into()),
    }
}
