//! Connecting again when a connection is lost: how often, and after how long.

use std::time::Duration;

/// How a client connects again for a call that was never sent.
///
/// The first attempt comes at once; the others wait `first`, then twice as long each time, up to `longest`. Each wait is cut by a
/// random part of up to a half, so that many clients of one server do not come back in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconnect {
    /// Attempts in all before the call fails. Default 5.
    pub attempts: u32,
    /// The wait before the second attempt. Default 100 ms.
    pub first: Duration,
    /// The longest wait. Default 5 s.
    pub longest: Duration,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self { attempts: 5, first: Duration::from_millis(100), longest: Duration::from_secs(5) }
    }
}

impl Reconnect {
    /// A client that fails its calls once the connection is lost.
    #[must_use]
    pub fn never() -> Self {
        Self { attempts: 0, ..Self::default() }
    }

    /// The wait before an attempt, counted from 0, with `random` to cut it by.
    pub(crate) fn wait(&self, attempt: u32, random: u32) -> Duration {
        let Some(doublings) = attempt.checked_sub(1) else { return Duration::ZERO };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(factor).min(self.longest);
        whole - whole.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0).min(whole)
    }

    /// The wait before an attempt, cut at random.
    pub(crate) fn jittered_wait(&self, attempt: u32) -> Duration {
        // Without randomness there is no handshake either: the next attempt says so.
        self.wait(attempt, getrandom::u32().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_are_cut_by_a_half_at_most() {
        let policy = Reconnect::default();
        let waits: Vec<u128> = (0..9).map(|attempt| policy.wait(attempt, 0).as_millis()).collect();
        assert_eq!(waits, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        for attempt in 1..40 {
            let (whole, least) = (policy.wait(attempt, 0), policy.wait(attempt, u32::MAX));
            assert!(
                least >= whole / 2 - Duration::from_nanos(1) && least <= whole,
                "{attempt}: {least:?} of {whole:?}"
            );
        }
    }
}
