//! Offline tokens: text sealed with a key of a key file, interchangeable with Python's `Fernet`.
//!
//! They are what the crate fernet makes and opens. Its IVs come straight from the operating system: [`seal`] is the one place in
//! core that draws randomness on its own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fernet::Fernet;
use zeroize::Zeroizing;

use crate::key::{Key, KeyRing, NamedKey};
use crate::record::TOKEN_OVERHEAD;

/// How far ahead of our clock a token's time may be, in seconds.
pub const MAX_CLOCK_SKEW: u64 = 60;

/// A token that does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Not base64url, or not the shape of a Fernet token.
    #[error(
        "not a Fernet token: expected one line of base64url as `bulla seal` writes it; this one is cut off or something else"
    )]
    Malformed,
    /// No key at hand fits, or the token was changed.
    #[error("the token's seal does not hold: it was sealed with another key, or changed since")]
    BadSeal,
    /// Older than the caller accepts.
    #[error("the token has expired: sealed {age} s ago, accepted for {ttl} s")]
    Expired {
        /// Seconds since it was sealed.
        age: u64,
        /// Seconds for which it is accepted.
        ttl: u64,
    },
    /// Its time is more than [`MAX_CLOCK_SKEW`] ahead of ours.
    #[error(
        "the token comes from the future: sealed {ahead} s ahead of this clock; compare the clocks of both machines"
    )]
    FromTheFuture {
        /// Seconds ahead of our clock.
        ahead: u64,
    },
}

/// Seals `plaintext` into a text token. `now` is in seconds since 1970.
///
/// # Panics
/// If the operating system has no randomness to give.
#[must_use]
pub fn seal(key: &Key, plaintext: &[u8], now: u64) -> String {
    cipher(key).encrypt_at_time(plaintext, now)
}

/// Opens a text token; white space around it is fine. `now` is in seconds since 1970, `ttl` in seconds; without one, a token never
/// expires, but still must not come from the future.
///
/// # Errors
/// See [`TokenError`]. What the token says of its time is believed only once its seal holds.
pub fn open(key: &Key, token: &str, ttl: Option<u64>, now: u64) -> Result<Zeroizing<Vec<u8>>, TokenError> {
    let token = token.trim_ascii();
    let time = parse_time(token)?;
    let plaintext = unseal(key, token).ok_or(TokenError::BadSeal)?;
    check_time(time, ttl, now)?;
    Ok(plaintext)
}

/// Opens a text token with whichever key of the ring fits, and returns that key, too. A text token carries no key id, so here, and
/// here alone, keys are tried in turn.
///
/// # Errors
/// See [`TokenError`].
pub fn open_with_ring<'a>(
    ring: &'a KeyRing,
    token: &str,
    ttl: Option<u64>,
    now: u64,
) -> Result<(Zeroizing<Vec<u8>>, &'a NamedKey), TokenError> {
    let token = token.trim_ascii();
    let time = parse_time(token)?;
    let opened = ring.iter().find_map(|named| Some((unseal(named.key(), token)?, named)));
    let opened = opened.ok_or(TokenError::BadSeal)?;
    check_time(time, ttl, now)?;
    Ok(opened)
}

fn cipher(key: &Key) -> Fernet {
    Fernet::new(&key.to_text()).expect("the text of a key is a Fernet key")
}

/// The time in a token of the right shape, not verified yet. Padding may be missing: it gets lost in URLs.
fn parse_time(token: &str) -> Result<u64, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).map_err(|_| TokenError::Malformed)?;
    let is_whole = bytes.len() > TOKEN_OVERHEAD && (bytes.len() - TOKEN_OVERHEAD).is_multiple_of(16);
    if !is_whole || bytes[0] != 0x80 {
        return Err(TokenError::Malformed);
    }
    let time = bytes[1..].first_chunk().expect("longer than the overhead");
    Ok(u64::from_be_bytes(*time))
}

/// The plaintext, if this key fits. The time is left to [`check_time`]: fernet adds a token's time and the TTL without a check for
/// overflow, and before it verifies the seal. At this clock nothing is expired and nothing is from the future.
fn unseal(key: &Key, token: &str) -> Option<Zeroizing<Vec<u8>>> {
    const END_OF_TIME: u64 = u64::MAX - MAX_CLOCK_SKEW;
    cipher(key).decrypt_at_time(token, None, END_OF_TIME).ok().map(Zeroizing::new)
}

fn check_time(time: u64, ttl: Option<u64>, now: u64) -> Result<(), TokenError> {
    let age = now.saturating_sub(time);
    let ahead = time.saturating_sub(now);
    match ttl {
        Some(ttl) if age > ttl => Err(TokenError::Expired { age, ttl }),
        _ if ahead > MAX_CLOCK_SKEW => Err(TokenError::FromTheFuture { ahead }),
        _ => Ok(()),
    }
}
