//! What putting and fetching have in common: the bar, Ctrl-C, and what is said of a transfer that broke off.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use bulla_core::status::Code;
use bulla_core::text::escape;
use indicatif::{BinaryBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::exit::{Exit, Failure};
use super::shell::Shell;
use crate::CallError;
use crate::files::{Progress, Stage, TransferError};

/// The least and the longest of a name beside a bar, in characters.
const MIN_NAME: usize = 8;
const MAX_NAME: usize = 40;

/// What stands beside name and bar, and the shortest bar that is worth its room, in characters.
const NUMBERS: usize = 52;
const MIN_BAR: usize = 10;

/// The width of a terminal that does not say.
const DEFAULT_WIDTH: usize = 80;

const SHORT: &str = "{msg} {binary_bytes}/{binary_total_bytes}, {eta}";
const MOVING: &str = "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";
const CHECKING: &str = "{msg} {wide_bar} checking";
const ENDLESS: &str = "{msg} {spinner} {binary_bytes}, {binary_bytes_per_sec}, {elapsed}";
const FINISHING: &str = "{msg} {spinner} all of {binary_bytes} there, writing it to disk";

/// One transfer, as a person sees it: a bar on a terminal, nothing in a pipe.
pub(crate) struct Meter<'a> {
    bar: ProgressBar,
    /// How the bar looks while bytes move.
    moving: &'static str,
    interrupted: &'a AtomicBool,
    /// Whether what is there when it breaks off can be gone on with.
    stays: bool,
    /// What was shown last.
    last: Option<Progress>,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(name: &str, stays: bool, interrupted: &'a AtomicBool, shell: &Shell<'_, '_>) -> Self {
        let size = rustix::termios::tcgetwinsize(std::io::stderr()).map_or(0, |size| size.ws_col.into());
        let (moving, longest) = layout(if size == 0 { DEFAULT_WIDTH } else { size });
        let bar = if shell.streams.terminals[2] && !shell.json {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.with_message(escape(name, longest)).with_style(style(ENDLESS))
        } else {
            ProgressBar::hidden()
        };
        Self { bar, moving, interrupted, stays, last: None }
    }

    /// Shows nothing, where the bytes themselves are seen.
    pub(crate) fn hide(&self) {
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Shows how far the transfer is, and says whether it goes on.
    pub(crate) fn show(&mut self, progress: Progress) -> ControlFlow<()> {
        if self.last.is_none_or(|last| last.stage != progress.stage) {
            self.bar.set_style(style(match (progress.stage, progress.size) {
                (Stage::Checking, _) => CHECKING,
                (Stage::Moving, Some(_)) => self.moving,
                (Stage::Moving, None) => ENDLESS,
                (Stage::Finishing, _) => FINISHING,
            }));
            if let Some(size) = progress.size {
                self.bar.set_length(size);
            }
            // What was there already is no rate.
            self.bar.set_position(progress.done);
            self.bar.reset_eta();
        }
        self.bar.set_position(progress.done);
        self.last = Some(progress);
        if self.interrupted.load(Ordering::SeqCst) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Takes the bar away, and says what went wrong.
    pub(crate) fn end<T>(self, outcome: Result<T, TransferError>) -> Result<T, Failure> {
        self.bar.finish_and_clear();
        outcome.map_err(|error| self.failure(error))
    }

    fn failure(&self, error: TransferError) -> Failure {
        let at = self.last.map(|last| match last.size {
            Some(size) if last.stage == Stage::Moving => {
                format!(" at {} of {}", BinaryBytes(last.done), BinaryBytes(size))
            }
            _ => format!(" at {}", BinaryBytes(last.done)),
        });
        let at = at.unwrap_or_default();
        let on = if self.stays { ": the same command goes on from there" } else { "" };
        match &error {
            TransferError::Stopped | TransferError::Call(CallError::Cancelled { .. }) => {
                Failure::new(Exit::Interrupted, format!("interrupted{at}{on}"))
            }
            TransferError::Call(CallError::NotSent { reason, .. } | CallError::MayHaveRun { reason, .. }) => {
                let reason = format!("the connection was lost{at} ({reason}){on}");
                Failure::new(Exit::Lost, reason)
            }
            TransferError::Call(CallError::Status { status, .. }) if status.code() == Code::AlreadyExists => {
                let failure = Failure::from(error);
                Failure { message: format!("{}; --replace replaces it", failure.message), ..failure }
            }
            // It went well so far: the server drains, or a side was silent for too long.
            TransferError::Call(CallError::Status { status, .. })
                if matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded) && self.last.is_some() =>
            {
                let failure = Failure::from(error);
                Failure { message: format!("{}{at}{on}", failure.message), ..failure }
            }
            _ => error.into(),
        }
    }
}

/// How the bar looks on a terminal of that width, and the longest name beside it: a line that is longer would leave its traces.
fn layout(width: usize) -> (&'static str, usize) {
    let numbers = NUMBERS + MIN_BAR;
    if width < numbers + MIN_NAME {
        return (SHORT, MIN_NAME);
    }
    (MOVING, (width - numbers).min(MAX_NAME))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are constants")
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        let exit = match error {
            TransferError::Call(error) => return error.into(),
            TransferError::Exists(_) => return Self::new(Exit::File, format!("{error}; --replace replaces it")),
            TransferError::Local { .. }
            | TransferError::NotAFile(_)
            | TransferError::Busy(_)
            | TransferError::Changed(_) => Exit::File,
            TransferError::Checksum { .. } | TransferError::Server(_) => Exit::Damaged,
            TransferError::Stopped => Exit::Interrupted,
        };
        Self::new(exit, error.to_string())
    }
}

/// Does the same with each of several; what fails is named at once, and the others have their turn, as long as there is a connection.
pub(crate) fn each<T>(
    items: &[T],
    shell: &mut Shell<'_, '_>,
    mut work: impl FnMut(&T, &mut Shell<'_, '_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut failed, mut worst) = (0, None);
    for item in items {
        let Err(failure) = work(item, shell) else { continue };
        let hopeless = matches!(failure.exit, Exit::Interrupted | Exit::Connect | Exit::Lost | Exit::Ok);
        if items.len() == 1 || hopeless {
            return Err(failure);
        }
        failed += 1;
        worst.get_or_insert(failure.exit);
        shell.complain(&failure, None);
    }
    match worst {
        None => Ok(()),
        Some(exit) => {
            let named = if failed == 1 { "it is" } else { "they are" };
            Err(Failure::new(exit, format!("{failed} of {} failed; {named} named above", items.len())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fits_its_terminal() {
        assert_eq!(layout(50), (SHORT, MIN_NAME));
        assert_eq!(layout(80), (MOVING, 18));
        assert_eq!(layout(200), (MOVING, MAX_NAME));
        // The longest numbers that are likely.
        let longest = " 1023.99 MiB/1023.99 GiB, 1023.99 MiB/s, 59m left".len() + 1;
        assert!(longest <= NUMBERS, "{longest}");
    }
}
