//! What a codec declares it cannot carry is refused, never changed.

use std::collections::BTreeMap;

use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
use bulla_core::value::{Map, Value};
use serde::de::{DeserializeSeed, IntoDeserializer};
use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct};
use serde::{Deserialize, Serialize, Serializer};

use crate::codecs::{Bincode, Declares, Json};
use crate::ways::{decode, encode};

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype<T>(T);

#[derive(Serialize)]
enum Choice<T> {
    Nothing,
    Something(T),
}

/// Refused by JSON for want of the capability, and taken by bincode.
fn refused<T: Serialize>(value: T, capability: Capability) {
    assert_eq!(encode(&Json, &value), Err(EncodeError::CannotCarry(capability)));
    // Deep inside, the failure keeps its name.
    let nested = BTreeMap::from([("a", vec![(1, &value)])]);
    assert_eq!(encode(&Json, &nested), Err(EncodeError::CannotCarry(capability)));
    assert!(encode(&Bincode, &value).is_ok());
}

#[test]
fn floats_that_are_no_numbers() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refused(value, Capability::NonFiniteFloats);
        refused(value as f32, Capability::NonFiniteFloats);
        refused(Value::from(value), Capability::NonFiniteFloats);
    }
    assert_eq!(decode(&Json, &encode(&Json, &f64::MAX).unwrap()), Ok(f64::MAX));
}

#[test]
fn nothing_inside_some() {
    refused(Some(None::<u8>), Capability::NestedOptions);
    refused(Some(()), Capability::NestedOptions);
    refused(Some(Unit), Capability::NestedOptions);
    refused(Some(Some(None::<u8>)), Capability::NestedOptions);
    refused(Some(Newtype(None::<u8>)), Capability::NestedOptions);
    refused(Some(Newtype(Newtype(()))), Capability::NestedOptions);
    refused(Some(Value::Null), Capability::NestedOptions);
    refused(Newtype(Some(Newtype(Value::Null))), Capability::NestedOptions);
}

#[test]
fn something_inside_some_is_fine() {
    assert_eq!(encode(&Json, &None::<u8>).unwrap(), b"null");
    assert_eq!(encode(&Json, &Some(Some(1))).unwrap(), b"1");
    assert_eq!(encode(&Json, &Some(vec![None::<u8>])).unwrap(), b"[null]");
    assert_eq!(encode(&Json, &Some(Choice::<()>::Nothing)).unwrap(), br#""Nothing""#);
    assert_eq!(encode(&Json, &Some(Choice::Something(()))).unwrap(), br#"{"Something":null}"#);
    assert_eq!(encode(&Json, &Some(Value::List(vec![Value::Null]))).unwrap(), b"[null]");
}

#[test]
fn a_document_whose_format_would_change_it() {
    refused(Value::from(b"blob".as_slice()), Capability::ValueBytes);
    refused(Value::from(u128::MAX), Capability::ValueWideIntegers);
    refused(Value::from(i128::MIN), Capability::ValueWideIntegers);
    for key in [Value::from(1), Value::Null, true.into(), Value::List(vec![])] {
        refused(Value::Map([(key.clone(), 1)].into_iter().collect()), Capability::ValueKeys);
        refused([(key, 1)].into_iter().collect::<Map>(), Capability::ValueKeys);
    }
    assert_eq!(encode(&Json, &Value::from(u64::MAX)).unwrap(), b"18446744073709551615");
}

#[test]
fn a_flattened_document_is_looked_at_too() {
    #[derive(Serialize)]
    struct Flat {
        one: u8,
        #[serde(flatten)]
        more: Value,
    }
    let flat = |key: Value| Flat { one: 1, more: Value::Map([(key, 2)].into_iter().collect()) };
    assert_eq!(encode(&Json, &flat("two".into())).unwrap(), br#"{"one":1,"two":2}"#);
    assert_eq!(encode(&Json, &flat(2.into())), Err(EncodeError::CannotCarry(Capability::ValueKeys)));
}

#[test]
fn wide_integers() {
    let narrow = Declares(Json.capabilities().without(Capability::WideIntegers));
    for value in [Value::from(1_u8), Value::from(u64::MAX)] {
        assert!(encode(&narrow, &value).is_ok());
    }
    assert_eq!(encode(&narrow, &1_u128), Err(EncodeError::CannotCarry(Capability::WideIntegers)));
    assert_eq!(encode(&narrow, &(1, -1_i128)), Err(EncodeError::CannotCarry(Capability::WideIntegers)));
    // JSON has them, typed.
    assert_eq!(decode(&Json, &encode(&Json, &u128::MAX).unwrap()), Ok(u128::MAX));
    assert_eq!(decode(&Json, &encode(&Json, &i128::MIN).unwrap()), Ok(i128::MIN));
}

#[test]
fn capabilities_decide_and_nothing_else() {
    // The same format, declared to carry everything, gets everything.
    let generous = Declares(Capabilities::all());
    assert_eq!(encode(&generous, &f64::NAN).unwrap(), b"null");
    assert_eq!(encode(&generous, &Some(())).unwrap(), b"null");
    assert_eq!(encode(&generous, &Value::from(b"a".as_slice())).unwrap(), b"[97]");
    // Declared not to describe itself, it is written with tags, where an empty node can be told from none.
    let tagged = Declares(Json.capabilities().without(Capability::SelfDescribing));
    assert_eq!(encode(&tagged, &Some(Value::Null)).unwrap(), b"[0,null]");
    assert_eq!(decode(&tagged, b"[0,null]"), Ok(Some(Value::Null)));
}

#[test]
fn types_that_must_be_told_what_is_there_are_refused_where_nothing_tells() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u8),
        Text(String),
    }
    let bytes = encode(&Bincode, &Either::Number(7)).unwrap();
    assert_eq!(decode::<Either>(&Bincode, &bytes), Err(DecodeError::CannotCarry(Capability::SelfDescribing)));
    assert_eq!(decode(&Json, b"7"), Ok(Either::Number(7)));
    assert_eq!(
        DecodeError::CannotCarry(Capability::SelfDescribing).to_string(),
        "this codec cannot carry a value whose type the reader does not know"
    );
}

#[test]
fn a_field_that_is_left_out_where_fields_are_known_by_their_order() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sparse {
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
        age: u8,
    }
    let empty = Sparse { name: String::new(), age: 36 };
    let error = encode(&Bincode, &empty).unwrap_err();
    assert_eq!(error.to_string(), "this codec cannot leave out the field name: it knows fields by their order");
    assert_eq!(encode(&Json, &empty).unwrap(), br#"{"age":36}"#);
    let full = Sparse { name: "Ada".into(), age: 36 };
    assert_eq!(decode(&Bincode, &encode(&Bincode, &full).unwrap()), Ok(full));
}

#[test]
fn an_integer_that_the_parser_would_round() {
    struct Rounding;
    impl Codec for Rounding {
        const NAME: CodecName = CodecName::new("rounding");
        const MEDIA_TYPE: &'static str = "application/json";
        fn capabilities(&self) -> Capabilities {
            Json.capabilities()
        }
        fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
            Json.encode(value, out)
        }
        fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
            Json.decode(input, seed)
        }
        fn rounded_integers(&self, input: &[u8]) -> Vec<f64> {
            let text = std::str::from_utf8(input).unwrap();
            let digits = |word: &&str| word.len() > 18 && word.bytes().all(|byte| byte.is_ascii_digit());
            text.split([' ', ',', '[', ']']).filter(digits).map(|word| word.parse().unwrap()).collect()
        }
    }
    let beyond = b"[1.5, 36893488147419103233, 1e300]";
    assert_eq!(decode::<Value>(&Rounding, beyond), Err(DecodeError::CannotCarry(Capability::ValueWideIntegers)));
    assert!(decode::<Value>(&Rounding, b"[1.5, 18446744073709551615, 1e300]").is_ok());
    // A type that asked for floats gets them.
    assert!(decode::<Vec<f64>>(&Rounding, beyond).is_ok());
}

/// A number that is read as a narrower float is rounded to the nearest; there is none near it beyond the largest.
#[test]
fn a_float_beyond_the_range_of_the_type_asked_for() {
    let read = |text: &'static [u8]| decode::<(u8, f32)>(&Wide, text);
    for beyond in [&b"[1,1e39]"[..], b"[1,-1e300]", b"[1,3.4028236e38]"] {
        let error = read(beyond).unwrap_err().to_string();
        assert!(error.starts_with("a number beyond the range of a float of 32 bits"), "{error}");
    }
    assert_eq!(read(b"[1,3.4028235e38]"), Ok((1, f32::MAX)));
    assert_eq!(read(b"[1,0.1]"), Ok((1, 0.1)));
    assert_eq!(read(b"[1,1e-300]"), Ok((1, 0.0)));
    let infinite = decode::<f32>(&Wide, b"\"inf\"").unwrap();
    assert_eq!(infinite, f32::INFINITY);
}

/// JSON, read by a parser that knows floats of 64 bits only, and infinity as text.
struct Wide;

impl Codec for Wide {
    const NAME: CodecName = CodecName::new("wide");
    const MEDIA_TYPE: &'static str = "application/json";
    fn capabilities(&self) -> Capabilities {
        Json.capabilities()
    }
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Json.encode(value, out)
    }
    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let read: serde_json::Value = serde_json::from_slice(input).map_err(DecodeError::new)?;
        if read == "inf" {
            return seed.deserialize(f64::INFINITY.into_deserializer());
        }
        seed.deserialize(read).map_err(DecodeError::new)
    }
}

/// A length comes before the parts of a list or map in many formats: who says the wrong one moves the border to what follows.
#[test]
fn a_value_that_miscounts_its_parts() {
    struct Miscounted<const SAID: usize, const WRITTEN: u8>;
    impl<const SAID: usize, const WRITTEN: u8> Serialize for Miscounted<SAID, WRITTEN> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut list = serializer.serialize_seq(Some(SAID))?;
            (0..WRITTEN).try_for_each(|part| list.serialize_element(&part))?;
            list.end()
        }
    }
    struct Entries(usize);
    impl Serialize for Entries {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.0))?;
            map.serialize_entry("a", &1)?;
            map.serialize_key("b")?;
            map.serialize_value(&2)?;
            map.end()
        }
    }
    struct Fields(usize);
    impl Serialize for Fields {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut fields = serializer.serialize_struct("Fields", self.0)?;
            fields.serialize_field("a", &1)?;
            fields.end()
        }
    }
    fn refused<T: Serialize>(value: T, words: &str) {
        for result in [encode(&Json, &(&value, [9])), encode(&Bincode, &(&value, [9]))] {
            assert_eq!(result, Err(EncodeError::Refused(words.into())));
        }
    }
    refused(Miscounted::<1, 2>, "a value said that it has 1 parts, but has more");
    refused(Miscounted::<3, 2>, "a value said that it has 3 parts, but has 2");
    refused(Entries(1), "a value said that it has 1 parts, but has more");
    refused(Fields(2), "a value said that it has 2 parts, but has 1");
    let right = (Miscounted::<2, 2>, Entries(2), Fields(1));
    assert_eq!(encode(&Json, &right).unwrap(), br#"[[0,1],{"a":1,"b":2},{"a":1}]"#);
    assert!(encode(&Bincode, &right).is_ok());
}

/// A codec that goes on after an error, as one that writes what it can would.
#[test]
fn a_codec_that_swallows_errors_does_not_swallow_a_refusal() {
    struct Careless;
    impl Codec for Careless {
        const NAME: CodecName = CodecName::new("careless");
        const MEDIA_TYPE: &'static str = "application/json";
        fn capabilities(&self) -> Capabilities {
            Json.capabilities()
        }
        fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
            Json.encode(value, out).or(Ok(()))
        }
        fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
            Json.decode(input, seed)
        }
    }
    assert_eq!(encode(&Careless, &[1.0, f64::NAN]), Err(EncodeError::CannotCarry(Capability::NonFiniteFloats)));
}
