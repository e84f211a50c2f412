//! Showing what comes, when it comes.

use std::io;
use std::task::Poll;
use std::time::Duration;

use crate::CallError;
use crate::program::exit::{Exit, Failure};
use crate::program::shell::Shell;

/// How long to wait before it is looked whether somebody still reads what is shown.
const PATIENCE: Duration = Duration::from_millis(500);

/// How the showing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// It was enough.
    Enough,
    /// No more came.
    All,
}

/// Shows each thing that comes, until `show` says `false` or there are no more. The output is written out whenever nothing waits
/// to be shown, so that it is there in time, also in a pipe, and by the block when much comes at once.
pub(super) fn show_each<T, E: Into<Failure>>(
    mut next: impl FnMut(Duration) -> Poll<Option<Result<T, E>>>,
    shell: &mut Shell<'_, '_>,
    mut show: impl FnMut(T, &mut Shell<'_, '_>) -> Result<bool, Failure>,
) -> Result<Shown, Failure> {
    loop {
        let thing = match next(Duration::ZERO) {
            Poll::Ready(thing) => thing,
            Poll::Pending => {
                shell.flush()?;
                match next(PATIENCE) {
                    Poll::Ready(thing) => thing,
                    // Nothing is written while nothing comes, so that nobody reads it would not show.
                    Poll::Pending if shell.is_unread() => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
                    Poll::Pending => continue,
                }
            }
        };
        let Some(thing) = thing.transpose().map_err(Into::into)? else { return Ok(Shown::All) };
        if !show(thing, shell)? {
            return Ok(Shown::Enough);
        }
    }
}

/// What goes wrong with something that only listens: it does no harm to begin again.
pub(super) fn of_listening(error: CallError) -> Failure {
    match error {
        CallError::MayHaveRun { reason, .. } => Failure::new(Exit::Lost, reason.to_string()),
        error => error.into(),
    }
}

/// What that means for something without an end: only a server that goes away has no more, and without a number to reach, Ctrl-C is the
/// proper end.
pub(super) fn conclude_endless(shown: Result<Shown, Failure>, counted: bool) -> Result<(), Failure> {
    match shown {
        Ok(Shown::Enough) => Ok(()),
        Ok(Shown::All) => Err(Failure::new(Exit::Lost, "the server has ended it: it is going away")),
        Err(failure) if failure.exit == Exit::Interrupted && !counted => Ok(()),
        Err(failure) => Err(failure),
    }
}
