//! Documents through codecs: alone, inside typed structs, and inside serde's own buffers.

use std::collections::BTreeMap;

use bulla_core::codec::{Codec, EncodeError};
use bulla_core::value::{Map, Value};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::codecs::{Bincode, Json};
use crate::ways::{decode, encode};

/// A document that JSON carries.
fn plain() -> Value {
    let map: Map = [
        ("null", Value::Null),
        ("truth", true.into()),
        ("numbers", Value::List(vec![u64::MAX.into(), i64::MIN.into(), 0.1.into(), (-0.0).into()])),
        ("text", "ö \"quoted\" \0".into()),
        ("empty", Value::List(vec![Map::new().into(), Value::List(vec![]), "".into()])),
    ]
    .into_iter()
    .collect();
    map.into()
}

/// A document with all that only some formats carry.
fn rich() -> Value {
    let map: Map = [
        (Value::from("plain"), plain()),
        (Value::from("plain"), "once more".into()),
        (Value::List(vec![1.into()]), b"bytes\xff".as_slice().into()),
        (Value::Null, Value::List(vec![u128::MAX.into(), i128::MIN.into(), f64::NAN.into()])),
    ]
    .into_iter()
    .collect();
    map.into()
}

fn round_trip<T>(codec: &impl Codec, value: &T)
where
    T: Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug,
{
    let bytes = encode(codec, value).unwrap();
    assert_eq!(decode::<T>(codec, &bytes).as_ref(), Ok(value));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nested {
    before: u8,
    document: Value,
    maybe: Option<Value>,
    many: Vec<Value>,
    by_name: BTreeMap<String, Value>,
    choice: Choice,
    map: Map,
    after: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    One(Value),
    Two(Value, u8),
    Named { value: Value },
}

fn nested(document: Value, choice: Choice) -> Nested {
    Nested {
        before: 1,
        maybe: Some("some".into()),
        many: vec![document.clone(), Value::Null],
        by_name: BTreeMap::from([("a".into(), document.clone())]),
        map: [("key", document.clone())].into_iter().collect(),
        document,
        choice,
        after: "end".into(),
    }
}

#[test]
fn alone() {
    round_trip(&Json, &plain());
    round_trip(&Bincode, &plain());
    round_trip(&Bincode, &rich());
}

#[test]
fn inside_a_typed_struct() {
    let choices = |value: Value| [Choice::One(value.clone()), Choice::Two(value.clone(), 2), Choice::Named { value }];
    for choice in choices(plain()) {
        round_trip(&Json, &nested(plain(), choice));
    }
    for choice in choices(rich()) {
        round_trip(&Bincode, &nested(rich(), choice));
    }
}

#[test]
fn in_its_natural_form_in_a_format_that_describes_itself() {
    let document: Map = [("a", Value::List(vec![1.into(), Value::Null])), ("b", "text".into())].into_iter().collect();
    let document = Value::from(document);
    assert_eq!(encode(&Json, &document).unwrap(), br#"{"a":[1,null],"b":"text"}"#);
    // Also where no adaptor is around.
    assert_eq!(serde_json::to_string(&document).unwrap(), r#"{"a":[1,null],"b":"text"}"#);
    assert_eq!(serde_json::from_str::<Value>(r#"{"a":[1,null],"b":"text"}"#).unwrap(), document);
}

/// The form is part of the wire format: other implementations read it.
#[test]
fn as_tag_and_content_in_a_format_that_does_not() {
    let document: Map = [
        (Value::Null, Value::from(true)),
        (5.into(), (-1).into()),
        (0.0.into(), "ab".into()),
        (b"c".as_slice().into(), Value::List(vec![Value::Null])),
        ((u128::from(u64::MAX) + 1).into(), (i128::from(i64::MIN) - 1).into()),
    ]
    .into_iter()
    .collect();
    let mut expected = vec![10, 5];
    expected.extend([0, 1, 1]);
    expected.extend([2, 5, 3, 1]);
    expected.extend([6, 0, 0, 0, 0, 0, 0, 0, 0, 7, 2, b'a', b'b']);
    expected.extend([8, 1, b'c', 9, 1, 0]);
    expected.extend([4, 254, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    // In bincode's zigzag a number n below zero is 2 × -n - 1: here 2 × (2^63 + 1) - 1 = 2^64 + 1.
    expected.extend([5, 254, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(encode(&Bincode, &Value::from(document)).unwrap(), expected);
}

#[test]
fn through_the_buffers_of_serde() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct FlatMap {
        one: u8,
        #[serde(flatten)]
        more: BTreeMap<String, Value>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct FlatValue {
        one: u8,
        #[serde(flatten)]
        extra: Value,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Typed { exact: u8 },
        Other(Value),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type")]
    enum Internal {
        Document(Value),
        Fields { value: Value },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type", content = "content")]
    enum Adjacent {
        Document(Value),
    }
    round_trip(&Json, &FlatMap { one: 1, more: BTreeMap::from([("a".into(), plain()), ("b".into(), Value::Null)]) });
    round_trip(&Json, &FlatValue { one: 1, extra: plain() });
    round_trip(&Json, &Untagged::Typed { exact: 7 });
    round_trip(&Json, &vec![Untagged::Other(plain()), Untagged::Other(Value::Null)]);
    round_trip(&Json, &vec![Internal::Document(plain()), Internal::Fields { value: plain() }]);
    round_trip(&Json, &Adjacent::Document(plain()));
}

#[test]
fn typed_and_document_meet_in_the_middle() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Person {
        name: String,
        age: u8,
    }
    let ada = Person { name: "Ada".into(), age: 36 };
    // Sent typed, received as a document, and back.
    let document: Value = decode(&Json, &encode(&Json, &ada).unwrap()).unwrap();
    assert_eq!(document, Value::from_serialize(&ada).unwrap());
    assert_eq!(document.deserialize::<Person>().unwrap(), ada);
    assert_eq!(decode(&Json, &encode(&Json, &document).unwrap()), Ok(ada));
}

#[test]
fn duplicate_keys_survive() {
    let document: Value = decode(&Json, br#"{"a":1,"b":2,"a":3}"#).unwrap();
    assert_eq!(document.to_string(), r#"{"a": 1, "b": 2, "a": 3}"#);
    assert_eq!(encode(&Json, &document).unwrap(), br#"{"a":1,"b":2,"a":3}"#);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u128>().prop_map(Value::from),
        any::<i128>().prop_map(Value::from),
        any::<u64>().prop_map(|bits| f64::from_bits(bits).into()),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<Vec<u8>>().prop_map(Value::from),
    ];
    nest(leaf.boxed(), |value| value)
}

/// What JSON carries.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    nest(leaf.boxed(), |key| key.to_string().into())
}

fn nest(leaf: BoxedStrategy<Value>, key: fn(Value) -> Value) -> impl Strategy<Value = Value> {
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let pair = (inner.clone().prop_map(key), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::List),
            prop::collection::vec(pair, 0..6).prop_map(|pairs| Value::Map(pairs.into_iter().collect())),
        ]
    })
}

/// Whether JSON would change it.
fn changes_in_json(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => false,
        Value::Integer(number) => u64::try_from(*number).is_err() && i64::try_from(*number).is_err(),
        Value::Float(number) => !number.is_finite(),
        Value::Bytes(_) => true,
        Value::List(items) => items.iter().any(changes_in_json),
        Value::Map(map) => map.iter().any(|(key, value)| key.as_str().is_none() || changes_in_json(value)),
    }
}

proptest! {
    #[test]
    fn any_document_is_exact_in_bincode(value in any_value()) {
        let bytes = encode(&Bincode, &value).unwrap();
        prop_assert_eq!(decode::<Value>(&Bincode, &bytes), Ok(value));
    }

    #[test]
    fn any_document_is_exact_or_refused_in_json(value in any_value()) {
        match encode(&Json, &value) {
            Ok(bytes) => {
                prop_assert!(!changes_in_json(&value));
                prop_assert_eq!(decode::<Value>(&Json, &bytes), Ok(value));
            }
            Err(EncodeError::CannotCarry(_)) => prop_assert!(changes_in_json(&value)),
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn what_json_carries_is_exact_in_json(value in json_value()) {
        let bytes = encode(&Json, &value).unwrap();
        prop_assert_eq!(decode::<Value>(&Json, &bytes), Ok(value));
    }

    #[test]
    fn any_document_is_its_own_document(value in any_value()) {
        prop_assert_eq!(Value::from_serialize(&value), Ok(value.clone()));
        prop_assert_eq!(value.deserialize::<Value>(), Ok(value.clone()));
    }

    #[test]
    fn any_bytes_decode_or_fail_but_never_panic(bytes: Vec<u8>) {
        let _ = decode::<Value>(&Bincode, &bytes);
        let _ = decode::<Value>(&Json, &bytes);
        let _ = decode::<Nested>(&Bincode, &bytes);
    }

    #[test]
    fn a_document_shows_on_one_line(value in any_value()) {
        prop_assert!(!value.to_string().chars().any(char::is_control));
    }
}
