//! Offline tokens: text sealed with a key of a key file, interchangeable with Python's `Fernet`.
//!
//! They are what the crate fernet makes and opens. Its IVs come straight from the operating system: [`seal`] is the one place in
//! core that draws randomness on its own.
//!
//! ```
//! # use bulla_core::{key::Key, token};
//! let key = Key::parse("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=")?;
//! let token = token::seal(&key, b"at dawn", 1_800_000_000);
//! assert_eq!(*token::open(&key, &token, Some(60), 1_800_000_060)?, b"at dawn");
//! assert_eq!(
//!     token::open(&key, &token, Some(60), 1_800_000_061),
//!     Err(token::TokenError::Expired { age: 61, ttl: 60 }),
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE;
    use proptest::prelude::*;

    use super::*;
    use crate::record::vectors::{INVALID, NOW, SECRET, SOURCE, TOKEN, TTL};

    fn key() -> Key {
        Key::parse(SECRET).unwrap()
    }

    #[test]
    fn opens_the_specifications_example_and_refuses_its_invalid_ones() {
        assert_eq!(**open(&key(), TOKEN, Some(TTL), NOW + 1).unwrap(), *SOURCE.as_bytes());
        for invalid in INVALID {
            let expected = match invalid.why {
                // fernet does not tell wrong padding under a right seal from a wrong seal.
                "incorrect mac" | "payload padding error" | "incorrect IV (causes padding error)" => {
                    TokenError::BadSeal
                }
                "far-future TS (unacceptable clock skew)" => TokenError::FromTheFuture { ahead: 36_000 },
                "expired TTL" => TokenError::Expired { age: 90, ttl: TTL },
                _ => TokenError::Malformed,
            };
            assert_eq!(open(&key(), invalid.token, Some(TTL), invalid.now), Err(expected), "{}", invalid.why);
        }
    }

    #[test]
    fn both_ends_of_the_time_window_are_inside() {
        let token = seal(&key(), b"x", NOW);
        for (ttl, now, expected) in [
            (Some(60), NOW + 60, None),
            (Some(60), NOW + 61, Some(TokenError::Expired { age: 61, ttl: 60 })),
            (Some(u64::MAX), u64::MAX, None),
            (None, u64::MAX, None),
            (None, NOW - 60, None),
            (None, NOW - 61, Some(TokenError::FromTheFuture { ahead: 61 })),
            (Some(0), NOW - 61, Some(TokenError::FromTheFuture { ahead: 61 })),
            (Some(0), NOW, None),
        ] {
            assert_eq!(open(&key(), &token, ttl, now).err(), expected, "ttl {ttl:?}, now {now}");
        }
    }

    /// fernet adds time and TTL, and clock and skew, unchecked and before it verifies: a forged time would have panicked.
    #[test]
    fn a_time_at_the_end_of_time_overflows_nothing() {
        let sealed = seal(&key(), b"x", u64::MAX);
        assert_eq!(open(&key(), &sealed, Some(TTL), NOW), Err(TokenError::FromTheFuture { ahead: u64::MAX - NOW }));
        assert!(open(&key(), &sealed, Some(u64::MAX), u64::MAX).is_ok());
        let forged = seal(&Key::from_bytes([1; 32]), b"x", u64::MAX);
        assert_eq!(open(&key(), &forged, Some(u64::MAX), u64::MAX), Err(TokenError::BadSeal));
    }

    #[test]
    fn a_forged_time_is_not_believed() {
        let other = Key::from_bytes([1; 32]);
        assert_eq!(open(&other, &seal(&key(), b"x", NOW), Some(1), NOW + 100), Err(TokenError::BadSeal));
        assert_eq!(open(&other, &seal(&key(), b"x", NOW), None, 0), Err(TokenError::BadSeal));
    }

    #[test]
    fn white_space_around_and_lost_padding_are_fine() {
        let bare = TOKEN.trim_end_matches('=');
        for text in [bare, &format!("\n {TOKEN}\r\n"), &format!("{bare}\n")] {
            assert_eq!(**open(&key(), text, None, NOW).unwrap(), *SOURCE.as_bytes());
        }
    }

    #[test]
    fn names_what_is_no_token() {
        let other_version = URL_SAFE.encode([0x81; 73]);
        for text in
            ["", "=", "hello", "gAAA", &TOKEN[..96], &format!("{}\n{}", &TOKEN[..50], &TOKEN[50..]), &other_version]
        {
            assert_eq!(open(&key(), text, None, NOW), Err(TokenError::Malformed), "{text}");
        }
    }

    #[test]
    fn a_ring_opens_with_any_of_its_keys_and_says_which() {
        let [one, two, three] = [1, 2, 3].map(|byte| Key::from_bytes([byte; 32]));
        let ring = KeyRing::parse(&format!("{}\nada = {}", &*one.to_text(), &*two.to_text())).unwrap();
        for (key, name) in [(&one, None), (&two, Some("ada"))] {
            let token = format!("{}\n", seal(key, b"message", NOW));
            let (plaintext, named) = open_with_ring(&ring, &token, Some(TTL), NOW).unwrap();
            assert_eq!((&**plaintext, named.name(), named.key()), (&b"message"[..], name, key));
            let expired = open_with_ring(&ring, &token, Some(TTL), NOW + 61).map(|_| ());
            assert_eq!(expired, Err(TokenError::Expired { age: 61, ttl: TTL }));
        }
        let refused = |token: &str| open_with_ring(&ring, token, None, NOW).map(|_| ());
        assert_eq!(refused(&seal(&three, b"message", NOW)), Err(TokenError::BadSeal));
        assert_eq!(refused("message"), Err(TokenError::Malformed));
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(key: [u8; 32], plaintext: Vec<u8>, now: u64) {
            let key = Key::from_bytes(key);
            let token = seal(&key, &plaintext, now);
            prop_assert_eq!(&**open(&key, &token, Some(0), now).unwrap(), &plaintext[..]);
        }

        #[test]
        fn every_other_byte_is_noticed(plaintext: Vec<u8>, at: prop::sample::Index, xor in 1..=255u8) {
            let mut bytes = URL_SAFE.decode(seal(&key(), &plaintext, NOW)).unwrap();
            let place = at.index(bytes.len());
            bytes[place] ^= xor;
            let expected = if place == 0 { TokenError::Malformed } else { TokenError::BadSeal };
            prop_assert_eq!(open(&key(), &URL_SAFE.encode(bytes), None, NOW), Err(expected));
        }

        #[test]
        fn no_text_panics(text: String, ttl: Option<u64>, now: u64) {
            prop_assert!(open(&key(), &text, ttl, now).is_err());
        }
    }
}
