//! Ctrl-C: the server is told to stop before the program ends, or the results so far are shown; a second one ends it at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::SigId;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::unregister;

use super::Streams;
use super::exit::{Exit, Failure};
use super::shell::Shell;
use crate::Client;

/// How long the program may take to end by itself, in order, once it was interrupted.
const GRACE: Duration = Duration::from_secs(1);

/// From now on, Ctrl-C cancels what the client has under way, and so ends the program; a second one ends it at once. Gives what is
/// `true` after the first.
pub(crate) fn cancel_on_interrupt(client: &Client, shell: &Shell<'_, '_>) -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    if !shell.streams.signals {
        return Ok(interrupted);
    }
    raise_on_interrupt(&interrupted)?;
    let mut signals = Signals::new([SIGINT]).map_err(cannot)?;
    let (client, json) = (client.clone(), shell.json);
    let watch = move || {
        if signals.forever().next().is_some() {
            client.cancel_all();
            // Whoever waits for the server comes back now; whoever waits for a person or a pipe does not.
            thread::sleep(GRACE);
            let mut streams = Streams::standard();
            let exit = Shell::new(&mut streams, json).report(&Failure::new(Exit::Interrupted, "interrupted"));
            std::process::exit(exit.code().into());
        }
    };
    thread::Builder::new().name("bulla-signals".to_owned()).spawn(watch).map_err(cannot)?;
    Ok(interrupted)
}

/// Whether Ctrl-C was pressed, for a command that looks at it and ends by itself. While it is there, it takes Ctrl-C.
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
    handlers: [Option<SigId>; 2],
}

impl Stop {
    pub(crate) fn on_interrupt(shell: &Shell<'_, '_>) -> Result<Self, Failure> {
        let asked = Arc::default();
        let handlers = if shell.streams.signals { raise_on_interrupt(&asked)?.map(Some) } else { [None; 2] };
        Ok(Self { asked, handlers })
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        for handler in self.handlers.into_iter().flatten() {
            unregister(handler);
        }
    }
}

/// The first Ctrl-C raises the flag, one that finds it raised ends the program at once.
fn raise_on_interrupt(flag: &Arc<AtomicBool>) -> Result<[SigId; 2], Failure> {
    // In this order: the signal that raises the flag does not find it raised yet.
    let at_once = flag::register_conditional_shutdown(SIGINT, Exit::Interrupted.code().into(), Arc::clone(flag));
    Ok([at_once.map_err(cannot)?, flag::register(SIGINT, Arc::clone(flag)).map_err(cannot)?])
}

fn cannot(error: io::Error) -> Failure {
    Failure::new(Exit::System, format!("cannot watch for Ctrl-C: {error}"))
}
