//! What a peer sends costs no more than the limits say.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use bulla_core::codec::{DecodeError, DecodeLimits, EncodeError, guard};
use bulla_core::value::Value;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::codecs::{Bincode, Json};
use crate::ways::{decode, decode_within, encode};

const LIMITS: DecodeLimits = DecodeLimits::DEFAULT;

/// A list whose head says 2^34 elements, in bincode's variable-length integers.
const BILLIONS: [u8; 9] = [253, 0, 0, 0, 0, 4, 0, 0, 0];

/// A length of nearly 2^64.
const HUGE: [u8; 9] = [253, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nest(Vec<Nest>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Chain {
    next: Option<Box<Chain>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Link {
    End,
    To(Box<Link>),
    Fields { to: Box<Link> },
}

/// A list in a list in a list …
fn nested(levels: usize) -> Value {
    (1..levels).fold(Value::List(vec![]), |inner, _| Value::List(vec![inner]))
}

#[test]
fn a_hundred_thousand_brackets_do_not_overflow_the_stack() {
    let deep = "[".repeat(100_000);
    assert_eq!(decode::<Value>(&Json, deep.as_bytes()), Err(DecodeError::TooDeep(64)));
    assert_eq!(decode::<Nest>(&Json, deep.as_bytes()), Err(DecodeError::TooDeep(64)));
    let objects = r#"{"a":"#.repeat(100_000);
    assert_eq!(decode::<Value>(&Json, objects.as_bytes()), Err(DecodeError::TooDeep(64)));
}

#[test]
fn a_hundred_thousand_levels_of_bincode_do_not_overflow_the_stack() {
    // Lists of one element; Some; variants with content.
    assert_eq!(decode::<Nest>(&Bincode, &[1; 100_000]), Err(DecodeError::TooDeep(64)));
    assert_eq!(decode::<Chain>(&Bincode, &[1; 100_000]), Err(DecodeError::TooDeep(64)));
    assert_eq!(decode::<Link>(&Bincode, &[1; 100_000]), Err(DecodeError::TooDeep(64)));
    assert_eq!(decode::<Link>(&Bincode, &[2; 100_000]), Err(DecodeError::TooDeep(64)));
    // Document nodes: a list of one element, by its tag.
    assert_eq!(decode::<Value>(&Bincode, &[9, 1].repeat(100_000)), Err(DecodeError::TooDeep(64)));
}

/// bincode prints an error as quoted text. Wrapped once more at each level, 64 levels of quotes quoted would fill any memory.
#[test]
fn an_error_deep_inside_does_not_grow_on_its_way_out() {
    // 30 lists of one element, each inside a newtype, then a list that says 5 and has none.
    let bytes = [&[1; 30][..], &[5]].concat();
    let DecodeError::Malformed(text) = decode::<Nest>(&Bincode, &bytes).unwrap_err() else { panic!("another error") };
    assert_eq!(text, "UnexpectedEnd { additional: 1 }");
    // A tag that is none, inside 60 lists: the codec's words around ours, once.
    let document = [&[9, 1].repeat(60)[..], &[77]].concat();
    let error = decode::<Value>(&Bincode, &document).unwrap_err();
    let expected = r#"OtherString("invalid value: integer `77`, expected the tag of a document node")"#;
    assert_eq!(error, DecodeError::Malformed(expected.into()));
    // And JSON says where.
    let error = decode::<Vec<Vec<u8>>>(&Json, b"[[1],\n[2, true]]").unwrap_err();
    assert_eq!(error.to_string(), "invalid type: boolean `true`, expected u8 at line 2 column 8");
}

#[test]
fn a_type_that_recurses_without_reading_is_stopped() {
    // In JSON any value but null is Some of itself.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Endless(Option<Box<Endless>>);
    assert_eq!(decode::<Endless>(&Json, b"1"), Err(DecodeError::TooDeep(64)));
}

#[test]
fn the_last_level_is_good_and_the_next_is_not_on_both_sides() {
    for levels in [63, 64] {
        assert_eq!(decode(&Json, &encode(&Json, &nested(levels)).unwrap()), Ok(nested(levels)));
        assert_eq!(decode(&Bincode, &encode(&Bincode, &nested(levels)).unwrap()), Ok(nested(levels)));
    }
    assert_eq!(encode(&Json, &nested(65)), Err(EncodeError::TooDeep(64)));
    assert_eq!(encode(&Bincode, &nested(65)), Err(EncodeError::TooDeep(64)));
    let (open, close) = ("[".repeat(65), "]".repeat(65));
    assert_eq!(decode::<Value>(&Json, (open + &close).as_bytes()), Err(DecodeError::TooDeep(64)));
}

#[test]
fn sender_and_receiver_count_typed_levels_alike() {
    fn link(levels: u32) -> Link {
        (0..levels).fold(Link::End, |inner, at| match at % 2 {
            0 => Link::To(Box::new(inner)),
            _ => Link::Fields { to: Box::new(inner) },
        })
    }
    fn chain(links: u32) -> Chain {
        (0..links).fold(Chain { next: None }, |inner, _| Chain { next: Some(Box::new(inner)) })
    }
    fn deepest<T: Serialize>(make: impl Fn(u32) -> T) -> u32 {
        (0..100).rfind(|levels| encode(&Bincode, &make(*levels)).is_ok()).unwrap()
    }
    let links = deepest(link);
    let chains = deepest(chain);
    assert_eq!((links, chains), (43, 31));
    // One level less is too little for the receiver, too.
    let tight = DecodeLimits { depth: 63, ..LIMITS };
    let bytes = encode(&Bincode, &link(links)).unwrap();
    assert_eq!(decode_within::<Link>(&Bincode, &bytes, tight), Err(DecodeError::TooDeep(63)));
    assert_eq!(decode(&Bincode, &encode(&Bincode, &link(links)).unwrap()), Ok(link(links)));
    assert_eq!(decode(&Json, &encode(&Json, &link(links)).unwrap()), Ok(link(links)));
    assert_eq!(decode(&Bincode, &encode(&Bincode, &chain(chains)).unwrap()), Ok(chain(chains)));
    assert_eq!(decode(&Json, &encode(&Json, &chain(chains)).unwrap()), Ok(chain(chains)));
    // A receiver that takes it as a document needs no more levels than the sender counted.
    assert!(decode::<Value>(&Json, &encode(&Json, &link(links)).unwrap()).is_ok());
}

#[test]
fn elements_of_no_size_count() {
    assert_eq!(decode::<Vec<()>>(&Bincode, &BILLIONS), Err(DecodeError::TooManyElements(1_000_000)));
    let few = DecodeLimits { elements: 1000, ..LIMITS };
    let expected = DecodeError::TooManyElements(1000);
    assert_eq!(decode_within::<Vec<[u8; 0]>>(&Bincode, &BILLIONS, few), Err(expected.clone()));
    assert_eq!(decode_within::<BTreeMap<(), ()>>(&Bincode, &BILLIONS, few), Err(expected));
    // As a document: the tag of a list, then its length.
    let document = [&[9][..], &BILLIONS].concat();
    assert_eq!(decode::<Value>(&Bincode, &document), Err(DecodeError::TooManyElements(1_000_000)));
}

/// A million elements of no size take the erased way long enough to be worth a peer's nine bytes.
#[test]
fn a_count_beyond_the_budget_is_refused_before_the_first_element() {
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    struct Untouched;
    impl<'de> Deserialize<'de> for Untouched {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("an element was read")
        }
    }
    let refusal = DecodeError::TooManyElements(1_000_000);
    assert_eq!(decode::<Vec<Untouched>>(&Bincode, &BILLIONS), Err(refusal.clone()));
    assert_eq!(decode::<BTreeMap<Untouched, u8>>(&Bincode, &BILLIONS), Err(refusal));
    // What is left counts, not what there was: three of five are spent on the two lists and the first one's element.
    let limits = DecodeLimits { elements: 5, ..LIMITS };
    let lists = |second: u8| decode_within::<Vec<Vec<u8>>>(&Bincode, &[2, 1, 7, second, 1, 2, 3], limits);
    assert_eq!(lists(3), Err(DecodeError::TooManyElements(5)));
    assert_eq!(lists(2), Err(DecodeError::Trailing(1)));
}

#[test]
fn lengths_without_bytes_allocate_nothing() {
    assert_eq!(decode::<Vec<u64>>(&Bincode, &HUGE), Err(DecodeError::TooManyElements(1_000_000)));
    assert!(matches!(decode::<&str>(&Bincode, &HUGE), Err(DecodeError::Malformed(_))));
    for tag in [7, 8] {
        let document = [&[tag][..], &HUGE].concat();
        assert!(matches!(decode::<Value>(&Bincode, &document), Err(DecodeError::Malformed(_))), "tag {tag}");
    }
    for tag in [9, 10] {
        let document = [&[tag][..], &HUGE].concat();
        let refusal = Err(DecodeError::TooManyElements(1_000_000));
        assert_eq!(decode::<Value>(&Bincode, &document), refusal, "tag {tag}");
    }
}

/// Lists in lists, each of which claims all that is left: together they reserve no more than one of them could.
#[test]
fn claims_do_not_add_up() {
    thread_local! {
        static RESERVED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }
    #[derive(Debug, PartialEq, Serialize)]
    struct Claims(Vec<Claims>);
    impl<'de> Deserialize<'de> for Claims {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(Claims(vec![]))
        }
    }
    impl<'de> serde::de::Visitor<'de> for Claims {
        type Value = Self;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("lists")
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(mut self, mut access: A) -> Result<Self, A::Error> {
            RESERVED.set(RESERVED.get() + access.size_hint().unwrap_or_default());
            while let Some(inner) = access.next_element()? {
                self.0.push(inner);
            }
            Ok(self)
        }
    }
    let reserved = |bytes: &[u8]| {
        RESERVED.set(0);
        let result = guard::decode(&Bincode, bytes, PhantomData::<Claims>, LIMITS);
        (result, RESERVED.get())
    };
    let claim = [&[252][..], &900_000_u32.to_le_bytes()].concat();
    let (result, count) = reserved(&claim.repeat(60));
    assert!(matches!(result, Err(DecodeError::Malformed(_))));
    assert_eq!(count, LIMITS.elements as usize);
    // What is true is granted.
    let honest = encode(&Bincode, &Claims(vec![Claims(vec![Claims(vec![]), Claims(vec![])]), Claims(vec![])])).unwrap();
    assert_eq!(reserved(&honest).1, 4);
}

/// bincode allocates the whole length of an owned string before it looks for the bytes.
#[test]
fn a_huge_length_of_an_owned_string_does_not_panic() {
    assert!(matches!(decode::<String>(&Bincode, &HUGE), Err(DecodeError::Malformed(_))));
    assert!(matches!(decode::<Box<str>>(&Bincode, &HUGE), Err(DecodeError::Malformed(_))));
}

#[test]
fn the_last_element_is_good_and_the_next_is_not() {
    let limits = DecodeLimits { elements: 4, ..LIMITS };
    // Two pairs in a list: 2 + 2 entries.
    assert!(decode_within::<Value>(&Json, br#"[{"a":1}, {"b":2}]"#, limits).is_ok());
    assert_eq!(decode_within::<Value>(&Json, b"[1,[2,3,4]]", limits), Err(DecodeError::TooManyElements(4)));
    assert_eq!(decode_within::<[u8; 4]>(&Bincode, &[1, 2, 3, 4], limits), Ok([1, 2, 3, 4]));
    assert_eq!(decode_within::<[u8; 5]>(&Bincode, &[1, 2, 3, 4, 5], limits), Err(DecodeError::TooManyElements(4)));
    let document = encode(&Bincode, &Value::List(vec![1.into(); 4])).unwrap();
    assert!(decode_within::<Value>(&Bincode, &document, limits).is_ok());
    let document = encode(&Bincode, &Value::List(vec![1.into(); 5])).unwrap();
    assert_eq!(decode_within::<Value>(&Bincode, &document, limits), Err(DecodeError::TooManyElements(4)));
}

#[test]
fn the_last_byte_is_good_and_the_next_is_not() {
    let limits = DecodeLimits { bytes: 6, ..LIMITS };
    assert!(decode_within::<Value>(&Json, br#"{"abc":"def"}"#, limits).is_ok());
    assert_eq!(decode_within::<Value>(&Json, br#"{"abc":"defg"}"#, limits), Err(DecodeError::TooManyBytes(6)));
    assert_eq!(decode_within::<Value>(&Json, br#"{"abcdefg":1}"#, limits), Err(DecodeError::TooManyBytes(6)));
    // Escaped text arrives as a copy of the codec's.
    assert_eq!(decode_within::<Value>(&Json, br#""\u0061bcdefg""#, limits), Err(DecodeError::TooManyBytes(6)));
    for blob in [Value::from("123456"), Value::from(b"123456".as_slice())] {
        assert_eq!(decode_within(&Bincode, &encode(&Bincode, &blob).unwrap(), limits), Ok(blob));
    }
    for blob in [Value::from("1234567"), Value::from(b"1234567".as_slice())] {
        let bytes = encode(&Bincode, &blob).unwrap();
        assert_eq!(decode_within::<Value>(&Bincode, &bytes, limits), Err(DecodeError::TooManyBytes(6)));
    }
}

/// A type that makes the best of whatever fails.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Lenient(Value);

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Deserialize::deserialize(deserializer).unwrap_or_default()))
    }
}

#[test]
fn a_type_that_swallows_errors_does_not_swallow_a_budget() {
    let limits = DecodeLimits { elements: 2, ..LIMITS };
    let document = encode(&Bincode, &Value::List(vec![1.into(), 2.into(), Value::Null])).unwrap();
    assert_eq!(decode_within::<Lenient>(&Bincode, &document, limits), Err(DecodeError::TooManyElements(2)));
    // While what is merely malformed is the type's to judge: 77 is no tag.
    assert_eq!(decode::<Lenient>(&Bincode, &[77]), Ok(Lenient(Value::Null)));
}

#[test]
fn an_untagged_enum_does_not_swallow_a_budget() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Numbers(Vec<u8>),
        Anything(Value),
    }
    let limits = DecodeLimits { elements: 3, ..LIMITS };
    assert_eq!(decode_within(&Json, b"[1,2,3]", limits), Ok(Either::Numbers(vec![1, 2, 3])));
    assert!(matches!(decode_within(&Json, b"[1,2,300]", limits), Ok(Either::Anything(_))));
    assert_eq!(decode_within::<Either>(&Json, b"[1,2,3,4]", limits), Err(DecodeError::TooManyElements(3)));
}

/// Serde buffers what such types hold, and copies from buffer to buffer at every level of a type that holds itself: sixty times at sixty.
#[test]
fn what_is_buffered_deep_inside_costs_more() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Guess {
        Number(u8),
        Text(String),
        List(Vec<Guess>),
    }
    let nested = |levels: usize, inner: &str| format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels));
    let numbers = ["1"; 100].join(",");
    let limits = DecodeLimits { elements: 1_000, bytes: 1_000, ..LIMITS };
    // Up to eight levels an element is one element; at the twentieth it is twelve more.
    assert!(decode_within::<Guess>(&Json, nested(8, &numbers).as_bytes(), limits).is_ok());
    let deep = nested(20, &numbers);
    assert_eq!(decode_within::<Guess>(&Json, deep.as_bytes(), limits), Err(DecodeError::TooManyElements(1_000)));
    let text = format!("\"{}\"", "x".repeat(100));
    assert!(decode_within::<Guess>(&Json, nested(8, &text).as_bytes(), limits).is_ok());
    let refused = decode_within::<Guess>(&Json, nested(20, &text).as_bytes(), limits);
    assert_eq!(refused, Err(DecodeError::TooManyBytes(1_000)));
    // A document is not buffered, nor is a type that says what it wants.
    assert!(decode_within::<Value>(&Json, deep.as_bytes(), limits).is_ok());
    assert!(decode_within::<Nest>(&Json, nested(20, &["[]"; 100].join(",")).as_bytes(), limits).is_ok());
}

#[test]
fn skipping_what_nobody_asked_for_is_no_way_into_recursion() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct One {
        one: u8,
    }
    let skipped = format!(r#"{{"one":1,"more":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(decode(&Json, skipped.as_bytes()), Ok(One { one: 1 }));
    #[derive(Deserialize)]
    struct Skipped(#[allow(dead_code, reason = "what is skipped is not read")] IgnoredAny);
    impl Serialize for Skipped {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_unit()
        }
    }
    assert!(decode::<Skipped>(&Json, skipped.as_bytes()).is_ok());
}

#[test]
fn a_bad_tag_is_an_error() {
    for tag in [11, 250] {
        let error = decode::<Value>(&Bincode, &[tag]).unwrap_err();
        assert!(matches!(error, DecodeError::Malformed(_)), "{error:?}");
    }
    assert!(matches!(decode::<Value>(&Bincode, &[]), Err(DecodeError::Malformed(_))));
    assert!(matches!(decode::<Value>(&Bincode, &[1, 2]), Err(DecodeError::Malformed(_))));
}
