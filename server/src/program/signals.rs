//! Signals: drain, stop, read the keys again.

use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bulla_core::key::KeyRing;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::Control;
use crate::program::serve::key_path;
use crate::program::{Failure, Options, Running};

/// How long calls that run may take once the server drains, if nothing else is said.
const DRAIN: Duration = Duration::from_secs(30);

/// The thread that waits for signals.
pub(crate) struct Watch {
    signals: Handle,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Waits for no more signals.
    pub(crate) fn end(self) {
        self.signals.close();
        // A panic of the thread was reported where it happened.
        let _ = self.thread.join();
    }
}

/// Acts on signals from now on.
pub(crate) fn watch(running: &Running, options: &Options) -> Result<Watch, Failure> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(Failure::system("watch for signals"))?;
    let handle = signals.handle();
    let mut actor = Actor {
        control: running.handle().control(),
        keys: key_path(options),
        drain: options.drain_timeout.unwrap_or(DRAIN),
        draining: false,
    };
    let thread = thread::Builder::new().name("bulla-signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            actor.act(signal);
        }
    });
    Ok(Watch { signals: handle, thread: thread.map_err(Failure::system("start a thread"))? })
}

struct Actor {
    control: Control,
    keys: PathBuf,
    drain: Duration,
    draining: bool,
}

impl Actor {
    fn act(&mut self, signal: i32) {
        match signal {
            SIGHUP => reload(&self.control, &self.keys),
            _ if self.draining => {
                tracing::warn!("stopping at once");
                self.control.stop();
            }
            _ => {
                self.draining = true;
                let calls = self.control.metrics().calls_running;
                let time = humantime::format_duration(self.drain);
                tracing::info!("draining: calls that run ({calls}) may take {time}; a second signal stops at once");
                self.control.drain(self.drain);
            }
        }
    }
}

fn reload(control: &Control, path: &Path) {
    match KeyRing::load(path) {
        Ok(keys) => {
            let count = keys.len();
            control.replace_keys(keys);
            tracing::info!("read the key file again, keys: {count}; sessions go on");
        }
        Err(error) => tracing::error!("the keys stay as they were: {error}"),
    }
}
