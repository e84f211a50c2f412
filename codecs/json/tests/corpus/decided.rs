//! What RFC 8259 leaves to the reader, and what this one does.

use bulla_core::codec::{Capability, DecodeError};
use bulla_core::value::{Map, Value};

/// What becomes of a text when it is read as a document. Where nobody reads it, each of them is skipped.
pub(crate) enum Decision {
    Read(fn() -> Value),
    /// Refused, in words that hold these.
    Refuse(&'static str),
    /// Refused by the adaptor.
    CannotCarry(Capability),
}

impl Decision {
    #[track_caller]
    pub(crate) fn check(&self, text: &str, found: Result<Value, DecodeError>) {
        match self {
            Self::Read(expected) => assert_eq!(found, Ok(expected()), "{text}"),
            Self::Refuse(words) => {
                let refusal = found.expect_err(text).to_string();
                assert!(refusal.contains(words), "{text}: {refusal}");
            }
            Self::CannotCarry(capability) => assert_eq!(found, Err(DecodeError::CannotCarry(*capability)), "{text}"),
        }
    }
}

fn pairs(pairs: &[(&str, i64)]) -> Value {
    pairs.iter().map(|(key, value)| (*key, *value)).collect::<Map>().into()
}

const LONE: Decision = Decision::Refuse("surrogate");
const CUT: Decision = Decision::Refuse("unexpected end of hex escape");
const TOO_LARGE: Decision = Decision::Refuse("number out of range");
const TOO_WIDE: Decision = Decision::CannotCarry(Capability::ValueWideIntegers);

pub(crate) const DECIDED: &[(&str, Decision)] = &[
    // Keys that come twice.
    (r#"{"a":1,"a":2}"#, Decision::Read(|| pairs(&[("a", 1), ("a", 2)]))),
    (r#"{"a":1,"b":2,"a":1}"#, Decision::Read(|| pairs(&[("a", 1), ("b", 2), ("a", 1)]))),
    (r#"{"a":1,"\u0061":2}"#, Decision::Read(|| pairs(&[("a", 1), ("a", 2)]))),
    (r#"{"":1,"":1}"#, Decision::Read(|| pairs(&[("", 1), ("", 1)]))),
    // Numbers between those that there are.
    ("0.1000000000000000055511151231257827021181583404541015626", Decision::Read(|| 0.1.into())),
    ("3.14159265358979323846264338327950288", Decision::Read(|| std::f64::consts::PI.into())),
    ("9007199254740993.0", Decision::Read(|| 9_007_199_254_740_992.0.into())),
    ("100000000000000000000000000000.5", Decision::Read(|| 1e29.into())),
    ("1.23456789012345678901234567890e20", Decision::Read(|| 123_456_789_012_345_680_000.0.into())),
    ("1e-400", Decision::Read(|| 0.0.into())),
    ("-1e-400", Decision::Read(|| (-0.0).into())),
    ("2e-324", Decision::Read(|| 0.0.into())),
    ("3e-324", Decision::Read(|| 5e-324.into())),
    ("0e999999", Decision::Read(|| 0.0.into())),
    ("1e-99999999999999999999", Decision::Read(|| 0.0.into())),
    // Numbers beyond them.
    ("1e309", TOO_LARGE),
    ("-1e309", TOO_LARGE),
    ("1.7976931348623159e308", TOO_LARGE),
    ("[1e99999999999999999999]", TOO_LARGE),
    // Integers beyond 64 bits.
    ("18446744073709551616", TOO_WIDE),
    ("-9223372036854775809", TOO_WIDE),
    (r#"{"n":340282366920938463463374607431768211455}"#, TOO_WIDE),
    ("[100000000000000000000000000000000000000000000000000]", TOO_WIDE),
    ("1e20", Decision::Read(|| 1e20.into())),
    // A zero with a sign, and floats that are whole.
    ("-0", Decision::Read(|| (-0.0).into())),
    ("-0.0", Decision::Read(|| (-0.0).into())),
    ("1.0", Decision::Read(|| 1.0.into())),
    ("1e0", Decision::Read(|| 1.0.into())),
    // Surrogates without their other half.
    (r#""\ud800""#, CUT),
    (r#""\udc00""#, LONE),
    (r#""\udfff""#, LONE),
    (r#""\ud83e\u0041""#, LONE),
    (r#""\ud83e\ud83e""#, LONE),
    (r#""\udd80\ud83e""#, LONE),
    (r#""\ud83e \udd80""#, CUT),
    (r#""\ud83ea""#, CUT),
    (r#""\ud83e\n""#, CUT),
    (r#"{"\ud83e":1}"#, CUT),
    // Characters that mean something elsewhere.
    (r#""\u0000""#, Decision::Read(|| "\0".into())),
    (r#""a\u0000b""#, Decision::Read(|| "a\0b".into())),
    (r#""\ufeff\ufffe\uffff\ufdd0""#, Decision::Read(|| "\u{feff}\u{fffe}\u{ffff}\u{fdd0}".into())),
    (r#""\ud83f\udffe""#, Decision::Read(|| "\u{1fffe}".into())),
    (r#""\u007f\u0080""#, Decision::Read(|| "\u{7f}\u{80}".into())),
];
