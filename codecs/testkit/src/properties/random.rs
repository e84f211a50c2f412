//! Random text, documents and records.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bulla_core::value::{Map, Value};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};

use crate::properties::text::{ODD_STRINGS, STRINGS};
use crate::zoo::{Child, Double, Record, Shape, Single, Suit};
use crate::{Outcome, Refusal, Verdict};

/// Checks a property for random values; `PROPTEST_CASES` sets how many. A fault names the smallest value that shows it.
///
/// Of the refusals, each reason is kept once.
pub(crate) fn for_random<T: Debug + Clone>(
    cases: u32,
    values: impl Strategy<Value = T>,
    check: impl Fn(T) -> Result<Option<Refusal>, String>,
) -> Verdict {
    let refusals = std::cell::RefCell::new(BTreeMap::new());
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { cases };
    let config = ProptestConfig { cases, failure_persistence: None, ..default };
    let result = TestRunner::new(config).run(&values, |value| match check(value) {
        Ok(refusal) => {
            refusals.borrow_mut().extend(refusal.map(|refusal| (refusal.reason.clone(), refusal)));
            Ok(())
        }
        Err(fault) => Err(TestCaseError::fail(fault)),
    });
    match result {
        Err(TestError::Fail(fault, _)) => Err(fault.to_string()),
        Err(TestError::Abort(reason)) => Err(format!("gave up: {reason}")),
        Ok(()) if refusals.borrow().is_empty() => Ok(Outcome::Exact),
        Ok(()) => Ok(Outcome::Refused(refusals.take().into_values().collect())),
    }
}

/// Text of pieces that mean something to some format.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => select(&STRINGS[..]).prop_map(str::to_owned),
        1 => select(&ODD_STRINGS[..]).prop_map(str::to_owned),
        2 => any::<char>().prop_map(String::from),
        2 => "[ -~]{1,4}",
    ];
    prop_oneof![
        3 => vec(piece, 0..6).prop_map(|pieces| pieces.concat()),
        1 => "[-+]?(0[xobXOB])?[0-9_.]{0,5}(e[-+]?[0-9]{0,4})?",
    ]
}

/// Documents of any shape. The only NaN is the usual one, since documents are compared bit for bit.
pub(crate) fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<i128>().prop_map(Value::from),
        1 => any::<u128>().prop_map(Value::from),
        2 => any::<f64>().prop_map(usual_nan).prop_map(Value::from),
        6 => text().prop_map(Value::from),
        1 => vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(5, 48, 5, |inner| {
        let named = vec((text().prop_map(Value::from), inner.clone()), 0..5);
        let free = vec((inner.clone(), inner.clone()), 0..3);
        prop_oneof![
            2 => vec(inner, 0..5).prop_map(Value::List),
            2 => named.prop_map(|entries| Value::Map(Map::from_iter(entries))),
            1 => free.prop_map(|entries| Value::Map(Map::from_iter(entries))),
        ]
    })
}

/// Documents without what not every format carries: NaN, bytes, wide integers, and keys that are no text.
pub(crate) fn plain_document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        2 => any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Value::from),
        5 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::List),
            vec((text().prop_map(Value::from), inner), 0..5).prop_map(|entries| Value::Map(Map::from_iter(entries))),
        ]
    })
}

fn usual_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

/// Typed values of many fields.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    let numbers = (any::<u64>(), any::<i64>(), finite(), (single(), single()), any::<bool>());
    let texts = (text(), proptest::option::of(text()), vec(text(), 0..4));
    let suit = select(&[Suit::Clubs, Suit::Diamonds, Suit::Hearts, Suit::Spades][..]);
    let child = (text(), proptest::option::of(any::<u8>())).prop_map(|(name, age)| Child { name, age });
    let nested = (btree_map(text(), any::<u32>(), 0..4), suit, shape(), vec(child, 0..4));
    (numbers, texts, nested).prop_map(|(numbers, (name, email, tags), (scores, suit, shape, children))| {
        let (id, balance, ratio, place, active) = numbers;
        Record { id, name, balance, ratio, email, tags, scores, suit, shape, place, children, active }
    })
}

fn finite() -> impl Strategy<Value = Double> {
    any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Double)
}

fn single() -> impl Strategy<Value = Single> {
    any::<f32>().prop_filter("finite", |value| value.is_finite()).prop_map(Single)
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Unit),
        Just(Shape::Blanks),
        Just(Shape::Nothing(())),
        Just(Shape::NoneAtAll()),
        Just(Shape::Empty {}),
        any::<i32>().prop_map(Shape::Number),
        text().prop_map(Shape::Text),
        any::<Option<u8>>().prop_map(Shape::Maybe),
        any::<bool>().prop_map(Shape::Odd),
        (any::<u8>(), text()).prop_map(|(number, text)| Shape::Two(number, text)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let fields = (any::<u64>(), text(), proptest::option::of(boxed()));
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Shape::Many),
            btree_map(text(), inner.clone(), 0..4).prop_map(Shape::Named),
            boxed().prop_map(Shape::Boxed),
            fields.prop_map(|(size, name, inner)| Shape::Fields { size, name, inner }),
        ]
    })
}
