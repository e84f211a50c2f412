//! Options, units, structs, variants and collections.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroU8, Wrapping};
use std::ops::Bound;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bulla_core::codec::{Capability, Codec};

use crate::Verdict;
use crate::properties::text::{ODD_STRINGS, STRINGS};
use crate::trial::Trial;
use crate::zoo::{Key, Newtype, NoFields, Pair, Shape, Suit, Unit, UnsizedList, UnsizedMap};

/// `Option`, alone and inside other things.
///
/// # Errors
/// What happened instead.
pub fn options<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry_each("option", [None, Some(0)])?;
    trial.carry_each("option of text", [None, Some(String::new()), Some("null".to_owned())])?;
    trial.carry("options in a list", vec![None, Some(1), None])?;
    trial.carry("options in a tuple", (None::<u8>, Some(true), None::<String>))?;
    trial.carry_each("option of a list", [None, Some(vec![]), Some(vec![None, Some(1)])])?;
    trial.carry_each("option of a variant", [None, Some(Shape::Unit), Some(Shape::Maybe(None))])?;
    trial.carry("options in a map", BTreeMap::from([("a".to_owned(), None), ("b".to_owned(), Some(1))]))?;
    trial.carry("options that are never empty", vec![Some(Some(1)), Some(Some(2))])?;
    trial.verdict()
}

/// `Some(None)` and `Some(())`, if declared.
///
/// # Errors
/// What happened instead.
pub fn nested_options<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let needed = Capability::NestedOptions;
    trial.carry_if(needed, "Some(None)", Some(None::<u8>))?;
    trial.carry_if(needed, "Some(())", Some(()))?;
    trial.carry_if(needed, "Some(Some(None))", Some(Some(None::<u8>)))?;
    trial.carry_if(needed, "Some of a unit struct", Some(Unit))?;
    trial.carry_if(needed, "Some of a newtype of None", Some(Newtype(None::<u8>)))?;
    trial.carry_if(needed, "in a list", vec![None, Some(None), Some(Some(1))])?;
    trial.carry_if(needed, "in a struct", Pair(Some(None::<u8>), 1))?;
    trial.verdict()
}

/// `()` and unit structs, where they take no room too.
///
/// # Errors
/// What happened instead.
pub fn units<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry("()", ())?;
    trial.carry("a unit struct", Unit)?;
    trial.carry_each("a list of ()", [vec![], vec![()], vec![(), (), ()]])?;
    trial.carry("a list of unit structs", vec![Unit; 3])?;
    trial.carry("a tuple of ()", ((), 1, ()))?;
    trial.carry("a map to ()", BTreeMap::from([("a".to_owned(), ()), ("b".to_owned(), ())]))?;
    trial.carry("a struct without fields", NoFields {})?;
    trial.carry("structs without fields", vec![NoFields {}, NoFields {}])?;
    trial.verdict()
}

/// Newtypes and tuple structs.
///
/// # Errors
/// What happened instead.
pub fn structs_without_names<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry("a newtype", Newtype(1))?;
    trial.carry("a newtype of a newtype", Newtype(Newtype("text".to_owned())))?;
    trial.carry_each("a newtype of an option", [Newtype(None), Newtype(Some(1))])?;
    trial.carry("a newtype of a list", Newtype(vec![Newtype(1)]))?;
    trial.carry("a tuple struct", Pair(1, "text".to_owned()))?;
    trial.carry("a tuple struct of tuple structs", Pair(Pair(1, vec![2]), Pair((), Newtype(true))))?;
    trial.verdict()
}

/// Unit, newtype, tuple and struct variants, alone and inside each other.
///
/// # Errors
/// What happened instead.
pub fn enum_variants<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry_each("a unit variant", [Suit::Clubs, Suit::Diamonds, Suit::Hearts, Suit::Spades])?;
    trial.carry_each("a variant", shapes())?;
    trial.carry("variants in a list", shapes())?;
    trial.carry("a variant of variants", Shape::Many(shapes()))?;
    trial.carry_each("a variant in a variant", shapes().into_iter().map(|shape| Shape::Boxed(Box::new(shape))))?;
    let named = shapes().into_iter().enumerate().map(|(at, shape)| (format!("n{at}"), shape)).collect();
    trial.carry("variants in a map", Shape::Named(named))?;
    trial.carry("variants in a tuple", (Shape::Unit, Suit::Clubs, Shape::Two(1, "b".into()), 7))?;
    trial.verdict()
}

/// A variant of each kind.
pub(crate) fn shapes() -> Vec<Shape> {
    let inner = Some(Box::new(Shape::Boxed(Box::new(Shape::Unit))));
    vec![
        Shape::Unit,
        Shape::Blanks,
        Shape::Number(-1),
        Shape::Text(String::new()),
        Shape::Text("Unit".into()),
        Shape::Nothing(()),
        Shape::Maybe(None),
        Shape::Maybe(Some(0)),
        Shape::Many(vec![]),
        Shape::Named(BTreeMap::new()),
        Shape::Named(BTreeMap::from([("Unit".into(), Shape::Unit)])),
        Shape::NoneAtAll(),
        Shape::Two(1, "<two>".into()),
        Shape::Empty {},
        Shape::Fields { size: u64::MAX, name: " ".into(), inner },
        Shape::Fields { size: 0, name: String::new(), inner: None },
        Shape::Odd(true),
    ]
}

/// Lists: empty, of one, nested.
///
/// # Errors
/// What happened instead.
pub fn sequences<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry_each("a list", [vec![], vec![1], vec![1, 2, 3]])?;
    trial.carry_each("a list of text", [vec![String::new()], vec![" ".to_owned(), "a".to_owned()]])?;
    trial.carry_each("a list of lists", [vec![vec![]], vec![vec![], vec![1]], vec![vec![1], vec![], vec![2, 3]]])?;
    trial.carry("lists three deep", vec![vec![vec![1, 2], vec![]], vec![], vec![vec![]]])?;
    trial.carry("a list of 10,000", (0..10_000).collect::<Vec<u32>>())?;
    trial.carry("a list of maps", vec![BTreeMap::new(), BTreeMap::from([("a".to_owned(), 1)])])?;
    trial.verdict()
}

/// Tuples and arrays.
///
/// # Errors
/// What happened instead.
pub fn tuples<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry("a tuple of one", (1,))?;
    trial.carry("a tuple of many kinds", (1_u8, -1_i64, 'c', "text".to_owned(), true, vec![1]))?;
    trial.carry("tuples in tuples", ((1, 2), ((3,), "x".to_owned()), [4, 5]))?;
    trial.carry("a list of tuples", vec![(1, "a".to_owned()), (2, String::new())])?;
    trial.carry("an array", [[1, 2], [3, 4]])?;
    trial.carry("an array of none", [0_u8; 0])?;
    trial.verdict()
}

/// Maps with keys of text, also of text that is no name.
///
/// # Errors
/// What happened instead.
pub fn maps<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry("an empty map", BTreeMap::<String, u8>::new())?;
    trial.carry("a map", BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]))?;
    let all = || STRINGS.into_iter().chain(ODD_STRINGS).map(str::to_owned);
    trial.carry_each("a map of one key", all().map(|key| BTreeMap::from([(key, 1)])))?;
    trial.carry("a map of odd keys", all().enumerate().map(|(at, key)| (key, at)).collect::<BTreeMap<_, _>>())?;
    let nested =
        BTreeMap::from([("a".to_owned(), BTreeMap::from([(String::new(), 1)])), ("b".to_owned(), BTreeMap::new())]);
    trial.carry("maps in a map", nested)?;
    trial.carry("a map to lists", BTreeMap::from([("a".to_owned(), vec![]), ("b".to_owned(), vec![1])]))?;
    let long = "key ".repeat(1_000);
    trial.carry("a map with a long key", BTreeMap::from([(long, 1)]))?;
    trial.verdict()
}

/// Maps with keys of other kinds.
///
/// # Errors
/// What happened instead.
pub fn maps_with_other_keys<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry("integer keys", BTreeMap::from([(i64::MIN, 1), (0, 2), (i64::MAX, 3)]))?;
    trial.carry("byte keys", BTreeMap::from([(0_u8, 1), (255, 2)]))?;
    trial.carry("wide integer keys", BTreeMap::from([(u128::MAX, 1)]))?;
    trial.carry("bool keys", BTreeMap::from([(false, 1), (true, 2)]))?;
    trial.carry("char keys", BTreeMap::from([('a', 1), (' ', 2), ('<', 3), ('1', 4), ('\n', 5)]))?;
    trial.carry(
        "variant keys",
        BTreeMap::from([(Suit::Clubs, 1), (Suit::Diamonds, 2), (Suit::Hearts, 3), (Suit::Spades, 4)]),
    )?;
    trial.carry("newtype keys", BTreeMap::from([(Newtype("a b".to_owned()), 1)]))?;
    trial.carry("newtype integer keys", BTreeMap::from([(Newtype(-1), 1), (Newtype(7), 2)]))?;
    let keys = [Key::Plain, Key::Number(-1), Key::Pair(1, "a".into()), Key::Fields { name: " ".into() }];
    trial.carry_each("a variant with content as key", keys.map(|key| BTreeMap::from([(key, 1)])))?;
    trial.carry("option keys", BTreeMap::from([(None, 1), (Some(1), 2)]))?;
    trial.carry("unit keys", BTreeMap::from([((), 1)]))?;
    trial.carry("unit struct keys", BTreeMap::from([(Unit, 1)]))?;
    trial.carry("tuple keys", BTreeMap::from([((1, "a".to_owned()), 1), ((1, "b".to_owned()), 2)]))?;
    trial.carry("list keys", BTreeMap::from([(vec![], 1), (vec![1, 2], 2)]))?;
    trial.carry("map keys", BTreeMap::from([(BTreeMap::from([(1, 2)]), BTreeMap::from([(3, 4)]))]))?;
    trial.verdict()
}

/// Lists and maps whose lengths their writer does not know beforehand.
///
/// # Errors
/// What happened instead.
pub fn unknown_lengths<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry_each("a list", [vec![], vec![1], vec![1, 2, 3]].map(UnsizedList))?;
    let maps = [BTreeMap::new(), BTreeMap::from([("a".to_owned(), 1), (String::new(), 2)])];
    trial.carry_each("a map", maps.map(UnsizedMap))?;
    trial.carry("lists", vec![UnsizedList(vec![]), UnsizedList(vec![1])])?;
    trial.verdict()
}

/// Types of the standard library, also such as look different to people and to machines (`is_human_readable`): writer and reader must be
/// of one mind about that.
///
/// # Errors
/// What happened instead.
pub fn standard_types<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let (v4, v6) = (Ipv4Addr::new(127, 0, 0, 1), Ipv6Addr::from(1 << 127));
    trial.must_carry("addresses", &(v4, v6, IpAddr::from(v4), IpAddr::from(v6)))?;
    trial.must_carry("addresses with ports", &[SocketAddr::from((v4, 7411)), SocketAddr::from((v6, 0))])?;
    let age = Duration::new(1_700_000_000, 999_999_999);
    trial.must_carry("times", &(age, Duration::ZERO, SystemTime::UNIX_EPOCH + age))?;
    trial.must_carry("results", &vec![Ok(1), Err("no".to_owned()), Ok(-1)])?;
    trial.must_carry("ranges", &(1..3, 1..=3, Bound::Included(1), Bound::Excluded(2), Bound::<u8>::Unbounded))?;
    trial.must_carry("numbers", &(NonZeroU8::MAX, Wrapping(-1), Some(NonZeroU8::MIN), None::<NonZeroU8>))?;
    trial.must_carry("collections", &(BTreeSet::from(["b".to_owned(), "a".to_owned()]), VecDeque::from([1, 2])))?;
    trial.must_carry("what is boxed", &(Box::<str>::from("a"), Box::<[u8]>::from([1, 2]), Box::new(Some(1))))?;
    trial.must_carry("a path", &PathBuf::from("/tmp/ö.txt"))?;
    trial.carry("a C string", CString::from(c"text"))?;
    trial.verdict()
}
