//! Tests of sealing and opening: against the Fernet specification, against the crate fernet, and against an attacker.

mod batch;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use fernet::Fernet;
use proptest::prelude::*;

use super::seal::seal_staged;
use super::vectors::{INVALID, NOW, SECRET, SOURCE, TOKEN};
use super::*;

const KEY: [u8; 32] = *b"0123456789abcdefFEDCBA9876543210";

fn pair() -> (Sealer, Opener) {
    (Sealer::new(SessionKey::from_bytes(KEY), [9; 32]), Opener::new(SessionKey::from_bytes(KEY)))
}

fn bytes_of(text: &str) -> Vec<u8> {
    URL_SAFE.decode(text).unwrap()
}

fn key_of(text: &str) -> [u8; 32] {
    bytes_of(text).try_into().unwrap()
}

fn oracle(key: [u8; 32]) -> Fernet {
    Fernet::new(&URL_SAFE.encode(key)).unwrap()
}

/// Seals each of the frames and cuts off the lengths.
fn tokens<const N: usize>(sealer: &mut Sealer, frames: [&[u8]; N]) -> [Vec<u8>; N] {
    frames.map(|frames| {
        let mut out = Vec::new();
        sealer.seal(NOW, frames, &mut out).unwrap();
        out.split_off(LENGTH_PREFIX)
    })
}

/// A token of any plaintext, sealed as [`Sealer`] seals.
fn token_of(plaintext: &[u8]) -> Vec<u8> {
    sealed(&SessionKey::from_bytes(KEY), [5; BLOCK], plaintext)
}

fn sealed(key: &SessionKey, iv: [u8; BLOCK], plaintext: &[u8]) -> Vec<u8> {
    let padding = BLOCK - plaintext.len() % BLOCK;
    let parts = [&[VERSION], &NOW.to_be_bytes()[..], &iv, plaintext, &vec![padding as u8; padding], &[0; TAG]];
    let mut token = parts.concat();
    seal_staged(&key.schedule(), &key.signer(), &mut [&mut token]);
    token
}

/// Opens a token of any plaintext, as [`Opener`] opens.
fn unseal<'a>(opener: &mut Opener, token: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
    opener.verify(token)?;
    opener.decrypt(token)
}

/// Puts a right HMAC on whatever the token says now.
fn sign_again(token: &mut [u8]) {
    use hmac::{Hmac, KeyInit, Mac};
    let (signed, tag) = token.split_at_mut(token.len() - TAG);
    let mac = Hmac::<sha2::Sha256>::new_from_slice(&KEY[..16]).unwrap().chain_update(signed);
    tag.copy_from_slice(&mac.finalize().into_bytes());
}

#[test]
fn seals_the_specifications_example() {
    let key = SessionKey::from_bytes(key_of(SECRET));
    let iv = std::array::from_fn(|place| place as u8);
    assert_eq!(URL_SAFE.encode(sealed(&key, iv, SOURCE.as_bytes())), TOKEN);
}

#[test]
fn opens_the_specifications_example_and_refuses_its_invalid_ones() {
    let mut opener = Opener::new(SessionKey::from_bytes(key_of(SECRET)));
    assert_eq!(unseal(&mut opener, &mut bytes_of(TOKEN)), Ok(SOURCE.as_bytes()));
    for invalid in INVALID {
        let Ok(mut token) = URL_SAFE.decode(invalid.token) else {
            assert_eq!(invalid.why, "invalid base64");
            continue;
        };
        let length = token.len();
        let expected: Result<&[u8], _> = match invalid.why {
            "incorrect mac" => Err(OpenError::BadSeal),
            "too short" | "payload size not multiple of block size" => Err(OpenError::BadLength(length)),
            "payload padding error" | "incorrect IV (causes padding error)" => Err(OpenError::BadPadding),
            // A live session does not look at the time. These two seal nothing.
            _ => Ok(&[][..]),
        };
        assert_eq!(unseal(&mut opener, &mut token), expected, "{}", invalid.why);
    }
}

#[test]
fn derives_what_another_hkdf_derives() {
    // Computed with Python's cryptography.
    let (client, server) = session_keys(&[1; 32], &[2; 32], &[3; 32]);
    let hex = |key: &SessionKey| -> String { key.bytes().iter().map(|byte| format!("{byte:02x}")).collect() };
    assert_eq!(hex(&client), "46c34faf299e153212f64d0b7dd655a35acc6687e1ad919b7495375c0cc377ea");
    assert_eq!(hex(&server), "c2d3a6b2dadeb4efe11647a6523dddaa1f0e09ba858aa1e3f6f33a9ae576f52e");
}

#[test]
fn legal_lengths_are_those_that_a_sealer_makes() {
    let legal: Vec<usize> = (0..=MAX_TOKEN + 64).filter(|&length| is_legal_token_length(length)).collect();
    let made = |plaintext: usize| TOKEN_OVERHEAD + (plaintext / BLOCK + 1) * BLOCK;
    let expected: Vec<usize> = (0..=MAX_PLAINTEXT).step_by(BLOCK).map(made).collect();
    assert_eq!(legal, expected);
    assert_eq!((legal[0], legal.last()), (73, Some(&65_609)));
    assert!(!is_legal_token_length(usize::MAX) && !is_legal_token_length(u32::MAX as usize));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (mut sealer, _) = pair();
    let [token] = tokens(&mut sealer, [b"some frames of a record"]);
    for bit in 0..token.len() * 8 {
        let mut changed = token.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 8 { OpenError::BadVersion(changed[0]) } else { OpenError::BadSeal };
        let before = changed.clone();
        assert_eq!(pair().1.open(&mut changed), Err(expected), "bit {bit}");
        assert_eq!(changed, before, "nothing is decrypted before the seal holds");
    }
}

#[test]
fn every_truncation_and_extension_is_noticed() {
    let (mut sealer, _) = pair();
    let [token] = tokens(&mut sealer, [&[3; 100]]);
    let longer = [&token[..], &[0; 64]].concat();
    for length in (0..longer.len()).filter(|&length| length != token.len()) {
        let legal = is_legal_token_length(length);
        let expected = if legal { OpenError::BadSeal } else { OpenError::BadLength(length) };
        assert_eq!(pair().1.open(&mut longer[..length].to_vec()), Err(expected));
    }
}

#[test]
fn replay_reorder_and_drop_are_named() {
    let expect = |order: [usize; 2], expected, found| {
        let (mut sealer, mut opener) = pair();
        let sealed = tokens(&mut sealer, [b"zero", b"one", b"two"]);
        if order[0] == 0 {
            opener.open(&mut sealed[0].clone()).unwrap();
        }
        let place = if order[0] == 0 { order[1] } else { order[0] };
        let opened = opener.open(&mut sealed[place].clone()).map(<[u8]>::to_vec);
        assert_eq!(opened, Err(OpenError::OutOfSequence { expected, found }));
    };
    expect([0, 0], 1, 0); // replayed
    expect([1, 0], 0, 1); // reordered
    expect([0, 2], 1, 2); // dropped
}

#[test]
fn a_reflected_record_does_not_open() {
    let (client, server) = session_keys(&[1; 32], &[2; 32], &[3; 32]);
    let [mut token] = tokens(&mut Sealer::new(client, [0; 32]), [b"to the server"]);
    assert_eq!(Opener::new(server).open(&mut token), Err(OpenError::BadSeal));
}

#[test]
fn after_one_failure_nothing_opens() {
    let (mut sealer, mut opener) = pair();
    let [mut zero, mut one] = tokens(&mut sealer, [b"zero", b"one"]);
    assert_eq!(opener.open(&mut zero), Ok(&b"zero"[..]));
    assert_eq!(opener.open(&mut [0; 5]), Err(OpenError::BadLength(5)));
    assert_eq!(opener.open(&mut one), Err(OpenError::BadLength(5)));
}

/// What only a peer that holds the key can send.
#[test]
fn refuses_what_is_sealed_well_and_built_badly() {
    let open = |mut token: Vec<u8>| pair().1.open(&mut token).map(<[u8]>::len);
    assert_eq!(open(token_of(&[0; SEQUENCE - 1])), Err(OpenError::BadLength(73)));
    assert_eq!(open(token_of(&[0; SEQUENCE])), Ok(0));
    assert_eq!(open(token_of(&[0; MAX_PLAINTEXT])), Ok(MAX_FRAMES));
    // Of the same legal length as the longest plaintext, yet longer than it.
    assert_eq!(open(token_of(&[0; MAX_PLAINTEXT + 1])), Err(OpenError::BadLength(MAX_TOKEN)));
    assert_eq!(open(token_of(&[0; MAX_PLAINTEXT + 16])), Err(OpenError::BadLength(MAX_TOKEN + 16)));
    // A block that was never padded: its last byte, 0 or more than 16, says nothing.
    for end in [0, 17, 255] {
        let mut token = token_of(&[0; SEQUENCE]);
        // CBC: what is flipped in the IV flips in the first block, whose last byte was 8.
        token[HEADER - 1] ^= 8 ^ end;
        sign_again(&mut token);
        assert_eq!(open(token), Err(OpenError::BadPadding));
    }
}

#[test]
fn too_long_frames_leave_no_trace() {
    let (mut sealer, mut opener) = pair();
    let mut out = b"kept".to_vec();
    let length = MAX_FRAMES + 1;
    assert_eq!(sealer.seal(NOW, &vec![0; length], &mut out), Err(SealError::TooLong { length }));
    assert_eq!(out, b"kept");
    let [mut token] = tokens(&mut sealer, [b"the first"]);
    assert_eq!(opener.open(&mut token), Ok(&b"the first"[..]));
}

#[test]
fn numbers_are_never_used_twice() {
    let (mut sealer, mut opener) = pair();
    (sealer.sequence, opener.sequence) = (u64::MAX - 1, u64::MAX - 1);
    let [mut last] = tokens(&mut sealer, [b"last"]);
    assert_eq!(opener.open(&mut last), Ok(&b"last"[..]));
    assert_eq!(sealer.seal(NOW, b"", &mut Vec::new()), Err(SealError::Exhausted));
    let error = OpenError::OutOfSequence { expected: u64::MAX, found: u64::MAX };
    assert_eq!(opener.open(&mut token_of(&[0xff; 8])), Err(error));
}

#[test]
fn each_record_has_an_iv_of_its_own() {
    let (mut sealer, _) = pair();
    let ivs: std::collections::BTreeSet<Vec<u8>> =
        (0..1000).map(|_| tokens(&mut sealer, [b"same"])[0][IV_AT..HEADER].to_vec()).collect();
    assert_eq!(ivs.len(), 1000);
    let other = tokens(&mut Sealer::new(SessionKey::from_bytes(KEY), [8; 32]), [b"same"]);
    assert!(!ivs.contains(&other[0][IV_AT..HEADER]));
}

#[test]
fn sealing_into_room_moves_nothing() {
    let (mut sealer, _) = pair();
    let mut out = Vec::with_capacity(LENGTH_PREFIX + MAX_TOKEN);
    let place = out.as_ptr();
    sealer.seal(NOW, &[1; MAX_FRAMES], &mut out).unwrap();
    assert_eq!((out.as_ptr(), out.len()), (place, LENGTH_PREFIX + MAX_TOKEN));
}

fn a_plaintext() -> impl Strategy<Value = Vec<u8>> {
    // Mostly around block ends, sometimes long.
    prop_oneof![
        9 => prop::collection::vec(any::<u8>(), 0..100),
        1 => prop::collection::vec(any::<u8>(), 0..MAX_FRAMES),
    ]
}

proptest! {
    #[test]
    fn fernet_opens_what_a_sealer_seals(key: [u8; 32], seed: [u8; 32], time in 0..u64::MAX / 2, frames in a_plaintext()) {
        let mut sealer = Sealer::new(SessionKey::from_bytes(key), seed);
        for sequence in 0..3u64 {
            let mut out = Vec::new();
            sealer.seal(time, &frames, &mut out).unwrap();
            let (length, token) = out.split_first_chunk().unwrap();
            prop_assert_eq!(u32::from_be_bytes(*length) as usize, token.len());
            prop_assert!(is_legal_token_length(token.len()));
            let opened = oracle(key).decrypt_at_time(&URL_SAFE.encode(token), Some(0), time).unwrap();
            prop_assert_eq!(opened, [&sequence.to_be_bytes(), &frames[..]].concat());
        }
    }

    #[test]
    fn rest_changes_no_record(records in prop::collection::vec((any::<bool>(), a_plaintext()), 1..6)) {
        let ((mut restless, _), (mut sealer, mut opener)) = (pair(), pair());
        for (rests, frames) in records {
            if rests {
                sealer.rest();
                opener.rest();
            }
            let [[mut token], [expected]] = [tokens(&mut sealer, [&frames]), tokens(&mut restless, [&frames])];
            prop_assert_eq!(&token, &expected);
            prop_assert_eq!(opener.open(&mut token), Ok(&frames[..]));
        }
    }

    #[test]
    fn an_opener_opens_what_fernet_seals(key: [u8; 32], time: u64, frames in a_plaintext()) {
        let plaintext = [&0u64.to_be_bytes(), &frames[..]].concat();
        let mut token = bytes_of(&oracle(key).encrypt_at_time(&plaintext, time));
        prop_assert_eq!(Opener::new(SessionKey::from_bytes(key)).open(&mut token), Ok(&frames[..]));
    }

    #[test]
    fn an_opener_and_fernet_agree_on_changed_tokens(frames in a_plaintext(), at: prop::sample::Index, xor: u8) {
        let mut token = bytes_of(&oracle(KEY).encrypt_at_time(&[&[0; 8], &frames[..]].concat(), NOW));
        let place = at.index(token.len());
        token[place] ^= xor;
        let theirs = oracle(KEY).decrypt_at_time(&URL_SAFE.encode(&token), None, u64::MAX - 60).is_ok();
        prop_assert_eq!(pair().1.open(&mut token).is_ok(), theirs);
        prop_assert_eq!(theirs, xor == 0);
    }

    #[test]
    fn no_bytes_are_opened_by_chance(mut token in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(pair().1.open(&mut token).is_err());
    }
}
