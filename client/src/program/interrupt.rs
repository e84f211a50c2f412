//! Ctrl-C: the server is told to stop before the program ends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use signal_hook::consts::SIGINT;
use signal_hook::flag;
use signal_hook::iterator::Signals;

use super::exit::{Exit, Failure};
use super::shell::Shell;
use crate::Client;

/// How long the program may take to end by itself, in order, once it was interrupted.
const GRACE: Duration = Duration::from_secs(2);

/// From now on, Ctrl-C cancels what the client has under way, and so ends the program; a second one ends it at once. Gives what is
/// `true` after the first.
pub(crate) fn cancel_on_interrupt(client: &Client, shell: &Shell<'_, '_>) -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    if !shell.streams.signals {
        return Ok(interrupted);
    }
    let cannot = |error| Failure::new(Exit::System, format!("cannot watch for Ctrl-C: {error}"));
    flag::register_conditional_shutdown(SIGINT, Exit::Interrupted.code().into(), Arc::clone(&interrupted))
        .and_then(|_| flag::register(SIGINT, Arc::clone(&interrupted)))
        .map_err(cannot)?;
    let mut signals = Signals::new([SIGINT]).map_err(cannot)?;
    let client = client.clone();
    let watch = move || {
        if signals.forever().next().is_some() {
            client.cancel_all();
            // Whoever waits for the server comes back now; whoever waits for a person or a pipe does not.
            thread::sleep(GRACE);
            std::process::exit(Exit::Interrupted.code().into());
        }
    };
    thread::Builder::new().name("bulla-signals".to_owned()).spawn(watch).map_err(cannot)?;
    Ok(interrupted)
}
