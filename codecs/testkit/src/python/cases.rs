//! What both sides hold: documents of ours, and the same in Python.

use std::collections::BTreeMap;
use std::fmt::Write;

use bulla_core::codec::Capability;
use bulla_core::value::{Map, Value};
use serde::{Deserialize, Serialize};

use crate::properties::text::{ODD_STRINGS, STRINGS};

/// A document and the Python expression of it.
pub(super) struct Case {
    pub(super) document: Value,
    pub(super) python: String,
    /// What a codec must be able to carry for it.
    pub(super) needs: Option<Capability>,
}

/// The documents, from the simplest on.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        case(Value::Null, "None"),
        case(list([true.into(), false.into()]), "[True, False]"),
        case(integers(), INTEGERS),
        case(floats(), FLOATS),
        case(list(texts().map(Value::from)), format!("[{}]", python_texts().join(", "))),
        case(odd_keys(), python_odd_keys()),
        case("long ".repeat(20_000), "'long ' * 20_000"),
        case(list((0..1_000).map(Value::from)), "list(range(1_000))"),
        case(list([list([]), list([list([])]), list([1.into(), list([2.into()])])]), "[[], [[]], [1, [2]]]"),
        case(
            list([map([]), map([("a", map([]))]), map([("b", 1.into()), ("a", 2.into())])]),
            "[{}, {'a': {}}, {'b': 1, 'a': 2}]",
        ),
        case(example(), EXAMPLE),
    ];
    let wide =
        [Value::from(u128::from(u64::MAX) + 1), u128::MAX.into(), (i128::from(i64::MIN) - 1).into(), i128::MIN.into()];
    let wide = case(list(wide), "[2**64, 2**128 - 1, -2**63 - 1, -2**127]");
    let infinite = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(Value::from);
    let infinite = case(list(infinite), "[float('inf'), float('-inf'), float('nan')]");
    let bytes = [vec![], vec![0, 255], b"text".to_vec(), (0..=255).collect()].map(Value::Bytes);
    let bytes = case(list(bytes), "[b'', b'\\0\\xff', b'text', bytes(range(256))]");
    let keys = [(Value::from(0), "a"), ((-1).into(), "b"), (1.5.into(), "c"), (Value::Null, "d"), ("text".into(), "e")];
    let keys = case(keys.into_iter().collect::<Map>(), "{0: 'a', -1: 'b', 1.5: 'c', None: 'd', 'text': 'e'}");
    cases.extend([
        needs(Capability::ValueWideIntegers, wide),
        needs(Capability::NonFiniteFloats, infinite),
        needs(Capability::ValueBytes, bytes),
        needs(Capability::ValueKeys, keys),
    ]);
    cases
}

fn case(document: impl Into<Value>, python: impl Into<String>) -> Case {
    Case { document: document.into(), python: python.into(), needs: None }
}

fn needs(capability: Capability, case: Case) -> Case {
    Case { needs: Some(capability), ..case }
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    items.into_iter().collect()
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    entries.into_iter().collect::<Map>().into()
}

/// Where formats change from one length to another.
const INTEGERS: &str =
    "[0, 1, -1, 23, 24, -24, -25, 127, 128, -32, -33, -128, -129, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -2**31,
    -2**31 - 1, 2**32, 2**53 + 1, 2**63 - 1, -2**63, 2**64 - 1]";

fn integers() -> Value {
    let small = [0, 1, -1, 23, 24, -24, -25, 127, 128, -32, -33, -128, -129, 255, 256, 65_535, 65_536];
    let large = [(1 << 31) - 1, 1 << 31, -(1 << 31), -(1 << 31) - 1, 1 << 32, (1 << 53) + 1, i64::MAX, i64::MIN];
    list(small.into_iter().chain(large).map(Value::from).chain([u64::MAX.into()]))
}

const FLOATS: &str =
    "[0.0, -0.0, 1.0, 1.5, -2.25, 0.1, 1/3, 100.0, 1e15, 1e16, 1e22, -1e-7, 123456789.125, 1e300, 5e-324,
    1.7976931348623157e308, 2.0**63]";

fn floats() -> Value {
    let all =
        [0.0, -0.0, 1.0, 1.5, -2.25, 0.1, 1.0 / 3.0, 100.0, 1e15, 1e16, 1e22, -1e-7, 123_456_789.125, 1e300, 5e-324];
    list(all.into_iter().chain([f64::MAX, (1_u64 << 63) as f64]).map(Value::from))
}

const EXAMPLE: &str = "{'first name': 'Ada', 'age': 36, 'more': [1, -1.5, True, ' <b> ', [], None], 'none': {}}";

fn example() -> Value {
    crate::properties::documents::example()
}

/// Every text of the suite.
fn texts() -> impl Iterator<Item = &'static str> {
    STRINGS.into_iter().chain(ODD_STRINGS)
}

fn python_texts() -> Vec<String> {
    texts().map(python_text).collect()
}

/// A literal, each character by its number.
fn python_text(text: &str) -> String {
    let mut literal = "'".to_owned();
    for character in text.chars() {
        write!(literal, "\\U{:08x}", u32::from(character)).expect("a string takes all");
    }
    literal + "'"
}

/// A map with every text as a key.
fn odd_keys() -> Value {
    texts().enumerate().map(|(at, key)| (key, at)).collect::<Map>().into()
}

fn python_odd_keys() -> String {
    let entries: Vec<_> = python_texts().iter().enumerate().map(|(at, key)| format!("{key}: {at}")).collect();
    format!("{{{}}}", entries.join(", "))
}

/// A typed value.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Order {
    id: u64,
    name: String,
    note: Option<String>,
    paid: bool,
    place: (i16, char),
    ratio: f64,
    shapes: Vec<Shape>,
    stock: BTreeMap<String, i64>,
    many: Vec<u32>,
    more: Value,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Dot(i32),
    Line(f32, f64),
    Circle { radius: u64 },
}

/// What Python makes of it; a tuple stands for a list.
pub(super) const ORDER: &str = "{
    'id': 2**64 - 1, 'name': 'gr\\u00fc\\u00dfe \\U0001f980', 'note': None, 'paid': True, 'place': [-300, '\\u00f6'], 'ratio': 0.1,
    'shapes': ['Empty', {'Dot': -1}, {'Line': [0.5, 1e100]}, {'Circle': {'radius': 2**40}}],
    'stock': {'a': -2**63, 'b b': 0}, 'many': [1, 2, 3], 'more': {'x': [None]},
}";

pub(super) fn order() -> Order {
    Order {
        id: u64::MAX,
        name: "grüße 🦀".into(),
        note: None,
        paid: true,
        place: (-300, 'ö'),
        ratio: 0.1,
        shapes: vec![Shape::Empty, Shape::Dot(-1), Shape::Line(0.5, 1e100), Shape::Circle { radius: 1 << 40 }],
        stock: BTreeMap::from([("a".into(), i64::MIN), ("b b".into(), 0)]),
        many: vec![1, 2, 3],
        more: map([("x", list([Value::Null]))]),
    }
}
