//! Types whose attributes change their shape.

use std::collections::BTreeMap;

use bulla_core::codec::{Capability, Codec};
use bulla_core::value::Value;

use crate::Verdict;
use crate::properties::documents::example;
use crate::properties::shapes::shapes;
use crate::trial::Trial;
use crate::zoo::{
    Adjacent, Blob, Double, Flattened, Inner, Internal, LeftOut, OddNames, Optional, Record, Shape, Strict, Untagged,
};

/// Fields renamed to what is no name.
///
/// # Errors
/// What happened instead.
pub fn odd_names<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let odd = OddNames {
        keyword: 1,
        blank: 2,
        empty: 3,
        digit: 4,
        reserved: 5,
        colon: 6,
        cyrillic: 7,
        null: 8,
        markup: 9,
        at: 10,
        dollar: 11,
        padded: 12,
    };
    trial.carry("odd field names", odd.clone())?;
    trial.carry("odd field names in a list", vec![odd.clone(), odd])?;
    trial.verdict()
}

/// Fields that are optional, defaulted or never written.
///
/// # Errors
/// What happened instead.
pub fn optional_fields<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let full = Optional { present: Some(1), defaulted: "x".into(), skipped: 0, last: Some("y".into()) };
    trial.carry_each("optional fields", [Optional::default(), full.clone()])?;
    trial.carry("optional fields in a list", vec![full, Optional::default()])?;
    trial.verdict()
}

/// Fields left out when they are empty (`skip_serializing_if`).
///
/// # Errors
/// What happened instead.
pub fn left_out_fields<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let none = LeftOut { first: 1, middle: None, list: vec![], last: 2 };
    let some = LeftOut { first: 1, middle: Some(3), list: vec![4], last: 2 };
    trial.carry("fields that are all there", some.clone())?;
    trial.carry_if(Capability::SelfDescribing, "fields left out", none.clone())?;
    trial.carry_if(Capability::SelfDescribing, "fields left out of one", vec![none, some])?;
    trial.verdict()
}

/// Fields that the reader's type does not have, whatever they hold: skipped, or refused by a type that wants to know them all.
///
/// A format that knows fields by their order must at least refuse what is left over.
///
/// # Errors
/// What happened instead.
pub fn unknown_fields<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.skip("a number", -1)?;
    trial.skip("a float", Double(0.1))?;
    trial.skip("text", "</last>,\"last\": \"x\"\nlast: x\0")?;
    trial.skip("no text", "")?;
    trial.skip("bytes", Blob(b"\0\xff</last>".to_vec()))?;
    trial.skip("an option", (None::<u8>, Some(1)))?;
    trial.skip("a unit", ())?;
    trial.skip("lists", vec![vec![], vec![1, 2], vec![]])?;
    trial.skip("a map", BTreeMap::from([("last", vec![("last", 1)])]))?;
    trial.skip("a map of other keys", BTreeMap::from([(-1, true)]))?;
    for shape in shapes() {
        trial.skip(&format!("{shape:?}"), shape)?;
    }
    trial.skip("a record", Record::example())?;
    trial.skip("documents", [example(), Value::Null])?;
    let strict = Strict { first: 1, rest: BTreeMap::from([("a".to_owned(), Some(shapes()))]) };
    trial.must_carry("a type without unknown fields", &strict)?;
    trial.must_carry("a list of them", &[strict.clone(), strict])?;
    trial.verdict()
}

/// `#[serde(flatten)]` of structs and maps.
///
/// # Errors
/// What happened instead.
pub fn flattened_fields<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let needed = Capability::SelfDescribing;
    let empty = Flattened::<i64> { id: 1, inner: inner(), rest: BTreeMap::new() };
    trial.carry_if(needed, "a flattened struct", empty)?;
    let rest = BTreeMap::from([("extra".to_owned(), i64::MIN), ("one more".to_owned(), 1)]);
    trial.carry_if(needed, "a flattened map", Flattened { id: 1, inner: inner(), rest })?;
    let rest = BTreeMap::from([("a".to_owned(), vec![]), ("b".to_owned(), vec![Some(String::new()), None])]);
    trial.carry_if(needed, "a flattened map to lists", Flattened { id: 1, inner: inner(), rest })?;
    let rest = BTreeMap::from([("a".to_owned(), Shape::Unit), ("b".to_owned(), Shape::Two(1, "1".into()))]);
    trial.carry_if(needed, "a flattened map to variants", Flattened { id: 1, inner: inner(), rest })?;
    trial.verdict()
}

fn inner() -> Inner {
    let shape = Shape::Fields { size: 1, name: "true".into(), inner: None };
    Inner { name: "12".into(), amount: -1, ratio: Double(-0.0), flag: Some(false), list: vec![1, 2], shape }
}

/// `#[serde(tag = "…")]`.
///
/// # Errors
/// What happened instead.
pub fn internally_tagged_enums<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let login = |inner| Internal::Login {
        user: "1.5".into(),
        age: 36,
        ratio: Double(1e300),
        tags: vec!["yes".into(), String::new()],
        inner,
    };
    let free = Internal::Free(BTreeMap::from([("a".to_owned(), 1), ("b c".to_owned(), -2)]));
    let all = || {
        [Internal::Ping, login(None), login(Some(Box::new(Internal::Ping))), Internal::Wrapped(inner()), free.clone()]
    };
    for value in all() {
        trial.carry_if(Capability::SelfDescribing, &format!("{value:?}"), value)?;
    }
    trial.carry_if(Capability::SelfDescribing, "a list of them", all().to_vec())?;
    trial.verdict()
}

/// `#[serde(tag = "…", content = "…")]`.
///
/// # Errors
/// What happened instead.
pub fn adjacently_tagged_enums<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let all = || {
        vec![
            Adjacent::Ping,
            Adjacent::Number(-1),
            Adjacent::Maybe(None),
            Adjacent::Maybe(Some(String::new())),
            Adjacent::Two(1, "2".into()),
            Adjacent::Login { user: "ada".into(), age: 36 },
        ]
    };
    trial.carry_each("an adjacently tagged variant", all())?;
    trial.carry("a list of them", all())?;
    trial.verdict()
}

/// `#[serde(untagged)]`: the bytes alone must tell a number from text that looks like one.
///
/// # Errors
/// What happened instead.
pub fn untagged_enums<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let all = || {
        vec![
            Untagged::Nothing,
            Untagged::Flag(true),
            Untagged::Whole(-1),
            Untagged::Large(u64::MAX),
            Untagged::Real(Double(1.0)),
            Untagged::Real(Double(-0.0)),
            Untagged::Real(Double(5e-324)),
            Untagged::Text(String::new()),
            Untagged::Text("1".into()),
            Untagged::Text("true".into()),
            Untagged::Text("null".into()),
            Untagged::List(vec![]),
            Untagged::Login { user: "ada".into(), age: 36 },
            Untagged::Free(BTreeMap::from([("user".to_owned(), Untagged::Text("ada".into()))])),
        ]
    };
    for value in all() {
        trial.carry_if(Capability::SelfDescribing, &format!("{value:?}"), value)?;
    }
    trial.carry_if(Capability::SelfDescribing, "a list of them", Untagged::List(all()))?;
    trial.verdict()
}
