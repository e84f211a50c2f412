//! Documents: `Value`, alone and inside typed values.

use std::collections::BTreeMap;

use bulla_core::codec::{Capability, Codec};
use bulla_core::value::{Map, Value};
use serde::{Deserialize, Serialize};

use crate::Verdict;
use crate::properties::random::{document, for_random, plain_document};
use crate::properties::text::{ODD_STRINGS, STRINGS};
use crate::trial::{Trial, round_trip};
use crate::zoo::{Flattened, Inner, Record};

/// Documents of nulls, truth values, numbers of up to 64 bits, text, lists and maps with keys of text.
///
/// # Errors
/// What happened instead.
pub fn plain_documents<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry_each("a scalar document", scalars())?;
    trial.carry_each("a document of text", texts())?;
    trial.carry("a document of a list", Value::List(scalars()))?;
    trial.carry_each(
        "a document of a list",
        [vec![], vec![Value::Null], vec![list([]), list([list([])])]].map(Value::List),
    )?;
    trial.carry("a document of a map", map(texts().into_iter().zip(scalars())))?;
    trial.carry_each(
        "an empty document",
        [map([]), list([map([])]), map([(text("a"), map([])), (text("b"), list([]))])],
    )?;
    trial.carry_each("a map of one key", texts().into_iter().map(|key| map([(key, Value::from(1))])))?;
    trial.must_carry("a document", &example())?;
    for_random(128, plain_document(), |value| round_trip(codec, "a random plain document", &value))?;
    trial.verdict()
}

/// Documents as fields and elements of typed values.
///
/// # Errors
/// What happened instead.
pub fn documents_in_structs<C: Codec>(codec: &C) -> Verdict {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Holder {
        One(Value),
        Two(Value, u8),
        Fields { first: u8, value: Value, map: Map, last: bool },
    }
    let mut trial = Trial::new(codec);
    trial.carry("documents in a list", scalars())?;
    trial.carry("documents in a tuple", (1_u8, example(), true, Value::Null))?;
    trial
        .carry("documents in a map", BTreeMap::from([("a".to_owned(), example()), ("b".to_owned(), Value::from(1))]))?;
    trial.carry("a document in Some", Some(example()))?;
    trial.carry("no document", None::<Value>)?;
    trial.carry("a document in a variant", Holder::One(example()))?;
    trial.carry("a document in a tuple variant", Holder::Two(example(), 1))?;
    let entries: Map = [("a", Value::Null), ("b", example())].into_iter().collect();
    trial.carry(
        "a document in a struct variant",
        Holder::Fields { first: 1, value: example(), map: entries, last: true },
    )?;
    trial.carry("a typed record beside a document", (Record::example(), example()))?;
    trial.carry_if(Capability::NestedOptions, "an empty document in Some", Some(Value::Null))?;
    trial.verdict()
}

/// Documents that take what a struct has no field for.
///
/// # Errors
/// What happened instead.
pub fn flattened_documents<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let inner: Inner = Inner {
        name: String::new(),
        amount: 1,
        ratio: crate::zoo::Double(0.5),
        flag: None,
        list: vec![],
        shape: crate::zoo::Shape::Unit,
    };
    let rest = BTreeMap::from([
        ("scalars".to_owned(), Value::List(scalars())),
        ("map".to_owned(), example()),
        ("null".to_owned(), Value::Null),
    ]);
    trial.carry_if(Capability::SelfDescribing, "flattened documents", Flattened { id: 1, inner, rest })?;
    trial.verdict()
}

/// Bytes in documents, if declared.
///
/// # Errors
/// What happened instead.
pub fn document_bytes<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    for bytes in [vec![], vec![0, 255], b"text".to_vec()] {
        let value = Value::Bytes(bytes);
        trial.carry_if(Capability::ValueBytes, &format!("{value:?}"), value.clone())?;
        trial.carry_if(Capability::ValueBytes, &format!("{value:?} in a list"), list([value.clone(), text("text")]))?;
        trial.carry_if(Capability::ValueBytes, &format!("{value:?} in a map"), map([(text("key"), value)]))?;
    }
    trial.verdict()
}

/// Integers beyond 64 bits in documents, if declared.
///
/// # Errors
/// What happened instead.
pub fn document_wide_integers<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let unsigned = [u128::from(u64::MAX) + 1, 1 << 100, u128::MAX].map(Value::from);
    let signed = [i128::from(i64::MIN) - 1, i128::MIN].map(Value::from);
    for value in unsigned.into_iter().chain(signed) {
        trial.carry_if(Capability::ValueWideIntegers, &format!("{value:?}"), value.clone())?;
        trial.carry_if(Capability::ValueWideIntegers, &format!("{value:?} in a map"), map([(text("key"), value)]))?;
    }
    trial.verdict()
}

/// Keys that are no text in documents, if declared.
///
/// # Errors
/// What happened instead.
pub fn document_keys<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let collections = [list([]), list([Value::from(1), text("a")]), map([]), map([(Value::from(true), text("a"))])];
    let no_text = |value: &Value| value.as_str().is_none();
    for key in scalars().into_iter().filter(no_text).chain(collections) {
        let case = format!("the key {key:?}");
        trial.carry_if(Capability::ValueKeys, &case, map([(text("a"), Value::Null), (key, text("value"))]))?;
    }
    trial.verdict()
}

/// Entries in order, repeated keys included.
///
/// # Errors
/// What happened instead.
pub fn document_order<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let unsorted = || ["b", "a", "c", "B", "", "10", "9"].map(|key| (text(key), Value::from(1)));
    trial.must_carry("entries in no order", &map(unsorted()))?;
    trial.carry("a key that comes twice", map([(text("a"), Value::from(1)), (text("a"), Value::from(2))]))?;
    let apart = [(text("a"), Value::from(1)), (text("b"), Value::Null), (text("a"), Value::from(1))];
    trial.carry("a key that comes back later", map(apart))?;
    trial.verdict()
}

/// Documents at random: anything may be in them.
///
/// # Errors
/// What happened instead.
pub fn random_documents<C: Codec>(codec: &C) -> Verdict {
    for_random(256, document(), |value| round_trip(codec, "a random document", &value))
}

/// A document as handlers meet it.
pub(crate) fn example() -> Value {
    let inner = list([Value::from(1), Value::from(-1.5), Value::from(true), text(" <b> "), list([]), Value::Null]);
    map([
        (text("first name"), text("Ada")),
        (text("age"), Value::from(36)),
        (text("more"), inner),
        (text("none"), map([])),
    ])
}

fn scalars() -> Vec<Value> {
    let integers = [0, 1, -1, i64::MIN, i64::MAX].map(Value::from);
    let floats = [0.0, -0.0, 1.0, 0.1, 1e300, 5e-324, (1_u64 << 63) as f64, -1e20].map(Value::from);
    let rest = [Value::Null, Value::from(true), Value::from(false), Value::from(u64::MAX), text("text")];
    integers.into_iter().chain(floats).chain(rest).collect()
}

fn texts() -> Vec<Value> {
    STRINGS.into_iter().chain(ODD_STRINGS).map(text).collect()
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::List(items.into_iter().collect())
}

fn map(entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
    Value::Map(entries.into_iter().collect())
}
