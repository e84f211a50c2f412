//! Every shape of serde's data model: through a document and through both codecs, exactly or refused.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;
use std::time::{Duration, UNIX_EPOCH};

use bulla_core::codec::{Capability, Codec, DecodeError, EncodeError};
use bulla_core::value::Value;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codecs::{Bincode, Json};
use crate::ways::{decode, encode};

trait Zoo: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug {}
impl<T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug> Zoo for T {}

/// Through a document, through JSON and through bincode; each exact, but JSON may refuse what it declares it cannot carry.
fn exact<T: Zoo>(value: T) {
    let document = Value::from_serialize(&value).unwrap();
    assert_eq!(document.deserialize::<T>().as_ref(), Ok(&value), "{document}");
    exact_in(&Bincode, &value);
    exact_in(&Bincode, &document);
    for result in [encode(&Json, &value), encode(&Json, &document)] {
        match result {
            Err(EncodeError::CannotCarry(_)) => continue,
            Err(other) => {
                assert!(matches!(other, EncodeError::Refused(_)) && document_has_odd_keys(&document), "{other:?}")
            }
            Ok(bytes) => assert_eq!(decode::<T>(&Json, &bytes).as_ref(), Ok(&value)),
        }
    }
}

fn exact_in<T: Zoo>(codec: &impl Codec, value: &T) {
    assert_eq!(decode::<T>(codec, &encode(codec, value).unwrap()).as_ref(), Ok(value));
}

/// JSON itself refuses keys that are neither text nor number.
fn document_has_odd_keys(document: &Value) -> bool {
    match document {
        Value::List(items) => items.iter().any(document_has_odd_keys),
        Value::Map(map) => map.iter().any(|(key, value)| key.as_str().is_none() || document_has_odd_keys(value)),
        _ => false,
    }
}

/// Bytes as bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Blob(Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Blob;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes.into()))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut access: A) -> Result<Blob, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = access.next_element()? {
                    bytes.push(byte);
                }
                Ok(Blob(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Empty {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct EmptyTuple();

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pair<A, B>(A, B);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Shape<T> {
    Unit,
    Newtype(T),
    Tuple(T, u8),
    Fields { value: T, more: String },
    EmptyTuple(),
    EmptyFields {},
}

impl<T> Shape<T> {
    fn all(value: T) -> [Self; 6]
    where
        T: Clone,
    {
        [
            Self::Unit,
            Self::Newtype(value.clone()),
            Self::Tuple(value.clone(), 2),
            Self::Fields { value, more: "more".into() },
            Self::EmptyTuple(),
            Self::EmptyFields {},
        ]
    }
}

#[test]
fn numbers() {
    exact((u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX, usize::MAX));
    exact((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, isize::MIN));
    exact((i64::MAX, i128::MAX, i128::from(i64::MIN) - 1, u128::from(u64::MAX) + 1));
    exact((f32::MIN_POSITIVE, f32::MAX, 0.1_f32, -0.0_f32, 1.0_f64, 0.1_f64, 5e-324_f64));
    exact((f32::INFINITY, f64::NEG_INFINITY));
    exact(NonZeroU8::MIN);
}

#[test]
fn text_and_bytes() {
    exact((true, 'ö', '\0', String::from("a\u{0}\u{202e}\"\\"), String::new()));
    exact((Blob(vec![]), Blob(vec![0, 255])));
    exact(vec![1_u8, 2]);
}

#[test]
fn nothing_in_many_forms() {
    exact(((), Unit, PhantomData::<u8>, Empty {}, EmptyTuple(), [(); 0]));
    exact(vec![(); 3]);
    exact((None::<u8>, Some(1), Some(Some(1)), Some(Empty {}), Some(EmptyTuple())));
}

#[test]
fn lists_and_maps() {
    exact((vec![vec![1], vec![]], [1, 2], (1, "two".to_owned()), Newtype(Newtype(1)), Pair(1, 'x')));
    exact((BTreeSet::from([1, 2]), VecDeque::from([3])));
    exact(BTreeMap::from([("a".to_owned(), 1), (String::new(), 2)]));
    exact((BTreeMap::from([(1_u64, 1), (u64::MAX, 2)]), BTreeMap::from([(-1_i8, 1)]), BTreeMap::from([(true, 1)])));
    exact((BTreeMap::from([('x', 1)]), BTreeMap::from([(Newtype("n".to_owned()), 1)])));
    exact(BTreeMap::from([(Shape::<u8>::Unit, 1)]));
    exact(BTreeMap::from([((1, 2), 3)]));
    exact(BTreeMap::from([(Some(1), 1), (None, 2)]));
    exact(BTreeMap::from([(Shape::Newtype(1), 1), (Shape::Unit, 2)]));
    exact(BTreeMap::from([(Blob(vec![1]), BTreeMap::from([(Unit, ())]))]));
}

#[test]
fn enums() {
    exact(Shape::all(1_u8).to_vec());
    exact(Shape::all(None::<u8>).to_vec());
    exact(Shape::all(()).to_vec());
    exact(Shape::all(Shape::Newtype(Shape::<u8>::Unit)).to_vec());
    exact(Shape::all(Some(Shape::<u8>::Unit)).to_vec());
    exact(vec![Ok::<_, String>(1), Err("no".into())]);
    exact(Shape::all(Blob(vec![7])).to_vec());
}

#[test]
fn types_of_the_standard_library() {
    exact((Duration::new(1, 2), UNIX_EPOCH + Duration::new(3, 4), 1..2, 1..=2));
    exact(("::1".parse::<IpAddr>().unwrap(), "127.0.0.1:80".parse::<SocketAddr>().unwrap()).1);
    exact((Box::new(1), std::path::PathBuf::from("/a/b"), std::ops::Bound::Included(1)));
}

#[test]
fn a_document_takes_the_readable_form() {
    let address: IpAddr = "::1".parse().unwrap();
    assert_eq!(Value::from_serialize(&address), Ok("::1".into()));
}

#[test]
fn an_empty_some_has_no_document() {
    fn refused<T: Zoo>(value: T) {
        assert_eq!(
            Value::from_serialize(&value),
            Err(EncodeError::CannotCarry(Capability::NestedOptions)),
            "{value:?}"
        );
        assert_eq!(Value::from_serialize(&[Shape::Newtype(&value)]).err(), Value::from_serialize(&value).err());
        exact_in(&Bincode, &value);
    }
    refused(Some(()));
    refused(Some(Unit));
    refused(Some(None::<u8>));
    refused(Some(Newtype(None::<u8>)));
    refused(Some(Some(Newtype(()))));
    refused(Some(Value::Null));
    refused(Some(PhantomData::<u8>));
}

#[test]
fn a_document_that_does_not_fit_says_why() {
    fn error<T: Debug + for<'de> Deserialize<'de>>(value: impl Into<Value>) -> String {
        value.into().deserialize::<T>().unwrap_err().to_string()
    }
    let list = |items: &[u8]| items.iter().map(|item| Value::from(*item)).collect::<Value>();
    assert_eq!(error::<u8>(256), "invalid value: integer `256`, expected u8");
    assert_eq!(error::<u8>("1"), "invalid type: string \"1\", expected u8");
    assert_eq!(error::<String>(1.5), "invalid type: floating point `1.5`, expected a string");
    assert_eq!(error::<(u8, u8)>(list(&[1, 2, 3])), "invalid length 3, expected fewer elements");
    assert_eq!(error::<(u8, u8)>(list(&[1])), "invalid length 1, expected a tuple of size 2");
    assert_eq!(
        error::<u64>(u128::MAX),
        "integer `340282366920938463463374607431768211455` as u128".replacen("integer", "invalid type: integer", 1)
            + ", expected u64"
    );
    assert!(error::<Shape<u8>>("Other").starts_with("unknown variant `Other`, expected one of `Unit`"));
    assert_eq!(error::<Shape<u8>>("Newtype"), "invalid type: unit variant, expected a variant with content");
    assert_eq!(
        error::<Shape<u8>>(1),
        "invalid type: integer `1`, expected the name of a variant, or a map of one entry: its name and content"
    );
    let unit_with_content: bulla_core::value::Map = [("Unit", 1)].into_iter().collect();
    assert_eq!(error::<Shape<u8>>(unit_with_content), "invalid type: integer `1`, expected a variant without content");
}

#[test]
fn error_texts_are_escaped_and_short() {
    let hostile = Value::from(format!("\x1b[2J{}", "x".repeat(1000)));
    let DecodeError::Malformed(text) = hostile.deserialize::<u8>().unwrap_err() else { panic!("another error") };
    assert!(text.chars().count() <= 200 && !text.contains('\x1b'), "{text}");
}

#[test]
fn a_document_lends_its_text_and_bytes() {
    let value = Value::List(vec!["lent".into(), b"lent".as_slice().into()]);
    let (text, bytes): (&str, &[u8]) = value.deserialize().unwrap();
    assert_eq!((text, bytes), ("lent", b"lent".as_slice()));
}

proptest! {
    #[test]
    fn anything_is_exact(
        numbers: (u64, i64, u128, i128),
        text in (any::<String>(), any::<char>(), vec(any::<String>(), 0..4)),
        maybe: Option<Option<bool>>,
        map in btree_map(any::<String>(), any::<(u8, i16)>(), 0..4),
        by_number in btree_map(any::<i32>(), vec(Just(()), 0..4), 0..4),
        result: Result<u32, String>,
        blob: Vec<u8>,
    ) {
        prop_assume!(maybe != Some(None));
        exact((numbers, text, maybe, map, by_number, result, Blob(blob)));
    }

    #[test]
    fn floats_keep_their_bits(single: f32, double in any::<u64>().prop_map(f64::from_bits)) {
        let back: f32 = Value::from_serialize(&single).unwrap().deserialize().unwrap();
        prop_assert_eq!(back.to_bits(), single.to_bits());
        let back: f64 = Value::from_serialize(&double).unwrap().deserialize().unwrap();
        prop_assert_eq!(back.to_bits(), double.to_bits());
        let back: f64 = decode(&Bincode, &encode(&Bincode, &double).unwrap()).unwrap();
        prop_assert_eq!(back.to_bits(), double.to_bits());
    }
}
