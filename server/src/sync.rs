//! Locks that outlive a panic: no state behind them is ever left half changed.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes the lock, also after a thread panicked while it held it.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
