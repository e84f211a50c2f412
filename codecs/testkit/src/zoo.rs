//! One type for each shape that serde can give a value.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! float {
    ($(#[$doc:meta] $name:ident($float:ident))*) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) $float);

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.to_bits() == other.0.to_bits() || self.0.is_nan() && other.0.is_nan()
            }
        }
    )*};
}

float! {
    /// An `f32`, equal if the bits are.
    Single(f32)
    /// An `f64`, equal if the bits are.
    Double(f64)
}

/// Bytes that are no list of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blob(pub(crate) Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BlobVisitor)
    }
}

struct BlobVisitor;

impl<'de> de::Visitor<'de> for BlobVisitor {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
        Ok(Blob(bytes.to_vec()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut access: A) -> Result<Blob, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = access.next_element()? {
            bytes.push(byte);
        }
        Ok(Blob(bytes))
    }
}

/// Bytes of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BorrowedBlob<'a>(pub(crate) &'a [u8]);

impl Serialize for BorrowedBlob<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de> Deserialize<'de> for BorrowedBlob<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Self)
    }
}

/// A list whose length its writer does not know before it is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(crate) struct UnsizedList(pub(crate) Vec<u32>);

impl Serialize for UnsizedList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What is filtered has no exact size.
        serializer.collect_seq(self.0.iter().filter(|_| true))
    }
}

/// A map of that kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(crate) struct UnsizedMap(pub(crate) BTreeMap<String, u32>);

impl Serialize for UnsizedMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|_| true))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Unit;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Newtype<T>(pub(crate) T);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pair<A, B>(pub(crate) A, pub(crate) B);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NoFields {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Suit {
    Clubs,
    #[serde(rename = "no diamonds")]
    Diamonds,
    #[serde(rename = "null")]
    Hearts,
    #[serde(rename = "7")]
    Spades,
}

/// The four kinds of variant, with the contents that are hard to tell apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Shape {
    Unit,
    #[serde(rename = "unit with blanks")]
    Blanks,
    Number(i32),
    Text(String),
    Nothing(()),
    Maybe(Option<u8>),
    Many(Vec<Shape>),
    Named(BTreeMap<String, Shape>),
    Boxed(Box<Shape>),
    NoneAtAll(),
    Two(u8, String),
    Empty {},
    Fields {
        size: u64,
        name: String,
        inner: Option<Box<Shape>>,
    },
    #[serde(rename = "a:b <c>")]
    Odd(bool),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OddNames {
    #[serde(rename = "type")]
    pub(crate) keyword: u8,
    #[serde(rename = "first name")]
    pub(crate) blank: u8,
    #[serde(rename = "")]
    pub(crate) empty: u8,
    #[serde(rename = "1a")]
    pub(crate) digit: u8,
    #[serde(rename = "xml")]
    pub(crate) reserved: u8,
    #[serde(rename = "a:b")]
    pub(crate) colon: u8,
    #[serde(rename = "ключ")]
    pub(crate) cyrillic: u8,
    #[serde(rename = "null")]
    pub(crate) null: u8,
    #[serde(rename = "<&\"'>]]>")]
    pub(crate) markup: u8,
    #[serde(rename = "@id")]
    pub(crate) at: u8,
    #[serde(rename = "$text")]
    pub(crate) dollar: u8,
    #[serde(rename = " padded\n")]
    pub(crate) padded: u8,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Optional {
    pub(crate) present: Option<u8>,
    #[serde(default)]
    pub(crate) defaulted: String,
    #[serde(skip)]
    pub(crate) skipped: u8,
    pub(crate) last: Option<String>,
}

/// Knows every field there may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Strict<T> {
    pub(crate) first: u8,
    pub(crate) rest: T,
}

/// What map keys may be: text, number, and variants of each kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Key {
    Plain,
    Number(i32),
    Pair(u8, String),
    Fields { name: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    pub(crate) first: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) middle: Option<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) list: Vec<u8>,
    pub(crate) last: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flattened<T> {
    pub(crate) id: u32,
    #[serde(flatten)]
    pub(crate) inner: Inner,
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, T>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) amount: i64,
    pub(crate) ratio: Double,
    pub(crate) flag: Option<bool>,
    pub(crate) list: Vec<u16>,
    pub(crate) shape: Shape,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub(crate) enum Internal {
    Ping,
    Login { user: String, age: u8, ratio: Double, tags: Vec<String>, inner: Option<Box<Internal>> },
    Wrapped(Inner),
    Free(BTreeMap<String, i64>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "content")]
pub(crate) enum Adjacent {
    Ping,
    Number(i64),
    Maybe(Option<String>),
    Two(u8, String),
    Login { user: String, age: u8 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Untagged {
    Nothing,
    Flag(bool),
    Whole(i64),
    Large(u64),
    Real(Double),
    Text(String),
    List(Vec<Untagged>),
    Login { user: String, age: u8 },
    Free(BTreeMap<String, Untagged>),
}

/// What most messages look like. The last field is a bool: no format can take part of one for the whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) balance: i64,
    pub(crate) ratio: Double,
    pub(crate) email: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) scores: BTreeMap<String, u32>,
    pub(crate) suit: Suit,
    pub(crate) shape: Shape,
    pub(crate) place: (Single, Single),
    pub(crate) children: Vec<Child>,
    pub(crate) active: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Child {
    pub(crate) name: String,
    pub(crate) age: Option<u8>,
}

impl Record {
    pub(crate) fn example() -> Self {
        Self {
            id: 9_007_199_254_740_993,
            name: "Ada Lovelace <ada@example.org> & \"friends\"".into(),
            balance: -12_345,
            ratio: Double(0.1),
            email: None,
            tags: vec!["a".into(), String::new(), " b ".into()],
            scores: BTreeMap::from([("first".into(), 1), ("second".into(), u32::MAX)]),
            suit: Suit::Clubs,
            shape: Shape::Fields { size: 3, name: "box".into(), inner: Some(Box::new(Shape::Number(-1))) },
            place: (Single(52.52), Single(-0.0)),
            children: vec![Child { name: "Byron".into(), age: Some(8) }, Child { name: "Anne".into(), age: None }],
            active: true,
        }
    }
}
