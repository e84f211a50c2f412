//! Ctrl-C: the first one asks for the results, a second one ends the program at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::SigId;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use signal_hook::low_level::unregister;

use crate::program::exit::{Exit, Failure};

/// What a shell takes a program for that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// Whether the end was asked for. While it is there, it takes Ctrl-C.
pub(super) struct Stop {
    asked: Arc<AtomicBool>,
    handlers: Vec<SigId>,
}

impl Stop {
    pub(super) fn on_interrupt() -> Result<Self, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        let failed = |error: io::Error| Failure::new(Exit::System, format!("cannot watch for Ctrl-C: {error}"));
        // In this order: the signal that sets the flag does not yet find it set.
        let second = flag::register_conditional_shutdown(SIGINT, INTERRUPTED, Arc::clone(&asked)).map_err(failed)?;
        let first = flag::register(SIGINT, Arc::clone(&asked)).map_err(failed)?;
        Ok(Self { asked, handlers: vec![second, first] })
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            unregister(handler);
        }
    }
}
