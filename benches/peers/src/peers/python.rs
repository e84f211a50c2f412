//! The baseline: sockets, JSON and Fernet in Python, as somebody writes it in an afternoon.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::Error;
use crate::job::Job;
use crate::load::{Load, Size};
use crate::meter::Tally;
use crate::peers::Peer;

const PROGRAM: &str = "python3";
const SCRIPT: &str = include_str!("echo.py");

/// Python.
pub(crate) struct Python;

impl Peer for Python {
    fn name(&self) -> &'static str {
        "python-fernet"
    }

    fn about(&self) -> &'static str {
        "Python: socket, json and cryptography's Fernet, a thread for each connection"
    }

    fn missing(&self) -> Option<String> {
        let mut check = Command::new(PROGRAM);
        check.args(["-c", "import cryptography.fernet"]).stdout(Stdio::null()).stderr(Stdio::null());
        let found = check.status().is_ok_and(|status| status.success());
        (!found).then(|| format!("{PROGRAM} with the package cryptography is not installed"))
    }

    fn carries(&self, load: Load) -> bool {
        matches!(load, Load::Echo { .. })
    }

    /// Becomes the script, which speaks to the runner itself.
    fn serve(&self, _: Load) -> Result<(), Error> {
        Err(Command::new(PROGRAM).args(["-c", SCRIPT, "serve"]).exec().into())
    }

    fn drive(&self, job: &Job) -> Result<Tally, Error> {
        let Load::Echo { size, connections, in_flight } = job.load else { return Err("echoes alone".into()) };
        let mut command = Command::new(PROGRAM);
        let size = if size == Size::Small { "small" } else { "block" };
        command.args(["-c", SCRIPT, "drive", &job.ready.address.to_string(), size]);
        command.args([connections.to_string(), in_flight.to_string()]);
        command.args(job.times().map(|time| time.as_secs_f64().to_string()));
        job.period();
        let output = command.stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("{PROGRAM} ended with {}", output.status).into());
        }
        let latencies: Vec<u64> = serde_json::from_slice(&output.stdout)?;
        let mut tally = Tally { calls: latencies.len() as u64, ..Tally::default() };
        latencies.into_iter().for_each(|latency| tally.latency.saturating_record(latency.max(1)));
        Ok(tally)
    }
}
