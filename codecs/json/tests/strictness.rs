//! What is JSON is read, what is not is refused: as a document, and where a type skips it.

mod corpus;

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use bulla_codec_json::JSON;
use bulla_core::codec::{DecodeError, DecodeLimits, guard};
use bulla_core::value::Value;
use serde::Deserialize;
use serde::de::IgnoredAny;

use self::corpus::{ACCEPTED, DECIDED, REFUSED};

fn decode<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, DecodeError> {
    guard::decode(&JSON, text, PhantomData::<T>, DecodeLimits::DEFAULT)
}

fn skip(text: &[u8]) -> Result<(), DecodeError> {
    decode::<IgnoredAny>(text).map(drop)
}

/// As what a struct has no field for.
fn skip_inside(text: &[u8]) -> Result<(), DecodeError> {
    #[derive(Deserialize)]
    struct Narrow {}
    let whole = [b"{\"unknown\":", text, b"}"].concat();
    decode::<Narrow>(&whole).map(drop)
}

#[test]
fn the_corpus_is_large_and_says_nothing_twice() {
    let all: Vec<&[u8]> = ACCEPTED.iter().chain(REFUSED).copied().collect();
    let different: BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    assert!(ACCEPTED.len() >= 100 && REFUSED.len() >= 150, "{} and {}", ACCEPTED.len(), REFUSED.len());
}

#[test]
fn all_that_is_json_is_read() {
    for text in ACCEPTED {
        for read in [decode::<Value>(text).map(drop), skip(text), skip_inside(text)] {
            assert_eq!(read, Ok(()), "{}", text.escape_ascii());
        }
    }
}

#[test]
fn all_that_is_not_json_is_refused() {
    for text in REFUSED {
        let text_shown = text.escape_ascii();
        assert!(decode::<Value>(text).is_err(), "{text_shown}");
        assert!(skip(text).is_err(), "{text_shown}, skipped");
    }
}

#[test]
fn what_a_skipped_field_holds_must_be_json_too() {
    // Some only become JSON by what stands around them here.
    let complete_an_object = |text: &[u8]| text.contains(&b'}') || text.contains(&b',');
    for text in REFUSED.iter().filter(|text| !complete_an_object(text)) {
        assert!(skip_inside(text).is_err(), "{}", text.escape_ascii());
    }
}

#[test]
fn what_is_left_to_the_reader_is_decided() {
    for (text, decision) in DECIDED {
        decision.check(text, decode(text.as_bytes()));
        assert_eq!((skip(text.as_bytes()), skip_inside(text.as_bytes())), (Ok(()), Ok(())), "{text}");
    }
}

#[test]
fn a_key_that_comes_twice_is_for_the_type_to_judge() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Typed {
        a: u8,
    }
    let text = br#"{"a":1,"a":2}"#;
    let refusal = decode::<Typed>(text).unwrap_err().to_string();
    assert!(refusal.starts_with("duplicate field `a`"), "{refusal}");
    assert_eq!(decode::<BTreeMap<String, u8>>(text).unwrap(), BTreeMap::from([("a".to_owned(), 2)]));
    assert_eq!(decode::<Typed>(br#"{"a":1,"b":2,"b":3}"#).unwrap(), Typed { a: 1 }, "twice unknown is unknown");
}

#[test]
fn integers_of_known_type_are_exact_or_refused() {
    assert_eq!(decode(b"340282366920938463463374607431768211455"), Ok(u128::MAX));
    assert_eq!(decode(b"-170141183460469231731687303715884105728"), Ok(i128::MIN));
    assert!(decode::<u128>(b"340282366920938463463374607431768211456").is_err());
    assert!(decode::<u64>(b"18446744073709551616").is_err());
    assert!(decode::<i64>(b"-9223372036854775809").is_err());
    assert!(decode::<u8>(b"256").is_err() && decode::<u8>(b"-1").is_err() && decode::<u8>(b"1.0").is_err());
}

/// An opening or a closing bracket at each level.
#[test]
fn levels_are_limited_where_they_cost_something() {
    let nested = |open: &str, close: &str, levels| [open.repeat(levels), "1".into(), close.repeat(levels)].concat();
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"\":", "}]")] {
        let (few, many) = (nested(open, close, 30), nested(open, close, 100_000));
        assert!(decode::<Value>(few.as_bytes()).is_ok());
        assert!(decode::<Value>(many.as_bytes()).is_err());
        assert_eq!(skip(many.as_bytes()), Ok(()), "nothing is built, and no stack is used");
        let unclosed = open.repeat(100_000);
        assert!(decode::<Value>(unclosed.as_bytes()).is_err());
        assert!(skip(unclosed.as_bytes()).is_err());
    }
}
