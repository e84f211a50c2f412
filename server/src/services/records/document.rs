//! Documents as text: JSON where JSON can say it, and one-entry objects whose key begins with `$` where it cannot.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulla_core::value::{Integer, Map, Value};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};

/// How deep stored text may nest: several times what a request may, since a tag is up to three levels.
const MAX_DEPTH: usize = 512;

/// The text of a document. [`from_text`] gives exactly the document back.
///
/// | document | text |
/// |---|---|
/// | null, true, false, text, list | as in JSON |
/// | whole number of up to 64 bits | as in JSON, without a point |
/// | any other whole number | `{"$integer": "170141183460469231731687303715884105728"}` |
/// | finite float | as in JSON, with a point or an exponent |
/// | NaN, infinities | `{"$float": "NaN"}`, `"inf"`, `"-inf"`; another NaN by its bits, `"0x7ff8000000000001"` |
/// | bytes | `{"$bytes": "AAEC"}`, base64 |
/// | map with different texts as keys | a JSON object, in order |
/// | any other map, and one whose only key begins with `$` | `{"$map": [[key, value], …]}` |
#[must_use]
pub fn to_text(document: &Value) -> String {
    serde_json::to_string(&Tagged(document)).expect("keys are texts, and writing to memory does not fail")
}

/// Text that [`to_text`] did not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a stored document is damaged: {0}")]
pub struct DocumentError(String);

/// The document of a text.
///
/// # Errors
/// If the text is not what [`to_text`] writes.
pub fn from_text(text: &str) -> Result<Value, DocumentError> {
    if depth(text) > MAX_DEPTH {
        return Err(DocumentError(format!("nested deeper than {MAX_DEPTH} levels")));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    let plain =
        <Value as Deserialize>::deserialize(&mut deserializer).map_err(|error| DocumentError(error.to_string()))?;
    deserializer.end().map_err(|error| DocumentError(error.to_string()))?;
    untag(plain)
}

/// How deep JSON nests, counted before anything recurses into it.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A document that serializes as described at [`to_text`].
pub(super) struct Tagged<'a>(pub(super) &'a Value);

impl Serialize for Tagged<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(number) => serialize_integer(*number, serializer),
            Value::Float(number) if number.is_finite() => serializer.serialize_f64(*number),
            Value::Float(number) => tag(serializer, "$float", &float_name(*number)),
            Value::String(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => tag(serializer, "$bytes", &STANDARD.encode(bytes)),
            Value::List(items) => serializer.collect_seq(items.iter().map(Tagged)),
            Value::Map(map) => match plain_keys(map) {
                Some(keys) => serializer.collect_map(keys.into_iter().zip(map.iter().map(|(_, value)| Tagged(value)))),
                None => tag(serializer, "$map", &Pairs(map)),
            },
        }
    }
}

struct Pairs<'a>(&'a Map);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs = serializer.serialize_seq(Some(self.0.len()))?;
        for (key, value) in self.0 {
            pairs.serialize_element(&[Tagged(key), Tagged(value)])?;
        }
        pairs.end()
    }
}

fn tag<S: Serializer>(serializer: S, name: &str, content: &(impl Serialize + ?Sized)) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(name, content)?;
    map.end()
}

fn serialize_integer<S: Serializer>(number: Integer, serializer: S) -> Result<S::Ok, S::Error> {
    match (u64::try_from(number), i64::try_from(number)) {
        (Ok(number), _) => serializer.serialize_u64(number),
        (_, Ok(number)) => serializer.serialize_i64(number),
        _ => tag(serializer, "$integer", &number.to_string()),
    }
}

fn float_name(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if number.to_bits() == f64::NAN.to_bits() { "NaN".to_owned() } else { format!("{:#018x}", number.to_bits()) }
}

/// The keys, if a JSON object can have them: texts, all different, and not to be mistaken for a tag.
fn plain_keys(map: &Map) -> Option<Vec<&str>> {
    let keys: Vec<&str> = map.iter().map(|(key, _)| key.as_str()).collect::<Option<_>>()?;
    if let [only] = keys[..]
        && only.starts_with('$')
    {
        return None;
    }
    let mut seen = HashSet::with_capacity(keys.len());
    keys.iter().all(|key| seen.insert(*key)).then_some(keys)
}

fn untag(plain: Value) -> Result<Value, DocumentError> {
    match plain {
        Value::List(items) => items.into_iter().map(untag).collect::<Result<Vec<_>, _>>().map(Value::List),
        Value::Map(map) if is_tag(&map) => {
            let (name, content) = map.into_iter().next().expect("a tag is one pair");
            parse_tag(name.as_str().expect("a tag's key is a text"), content)
        }
        Value::Map(map) => {
            let pairs = map.into_iter().map(|(key, value)| Ok((key, untag(value)?)));
            pairs.collect::<Result<Map, _>>().map(Value::Map)
        }
        plain => Ok(plain),
    }
}

fn is_tag(map: &Map) -> bool {
    map.len() == 1 && map.iter().all(|(key, _)| key.as_str().is_some_and(|key| key.starts_with('$')))
}

fn parse_tag(name: &str, content: Value) -> Result<Value, DocumentError> {
    let parsed = match (name, content) {
        ("$integer", Value::String(text)) => text.parse().ok().map(Value::Integer),
        ("$float", Value::String(text)) => parse_float(&text).map(Value::Float),
        ("$bytes", Value::String(text)) => STANDARD.decode(text).ok().map(Value::Bytes),
        ("$map", Value::List(pairs)) => {
            return pairs.into_iter().map(parse_pair).collect::<Result<Map, _>>().map(Value::Map);
        }
        _ => None,
    };
    parsed.ok_or_else(|| DocumentError(format!("bad content of {name:?}")))
}

fn parse_pair(pair: Value) -> Result<(Value, Value), DocumentError> {
    if let Value::List(items) = pair
        && let Ok([key, value]) = <[Value; 2]>::try_from(items)
    {
        return Ok((untag(key)?, untag(value)?));
    }
    Err(DocumentError("a pair that is none".to_owned()))
}

fn parse_float(text: &str) -> Option<f64> {
    match text {
        "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        bits => u64::from_str_radix(bits.strip_prefix("0x")?, 16).ok().map(f64::from_bits),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_as_json_where_json_can_say_it() {
        let document: Map = [
            ("name", Value::from("Ada \u{0} ö")),
            ("age", 36.into()),
            ("big", u64::MAX.into()),
            ("height", 1.0.into()),
            ("tags", Value::List(vec![Value::Null, true.into()])),
        ]
        .into_iter()
        .collect();
        let text = to_text(&document.into());
        let expected = r#"{"name":"Ada \u0000 ö","age":36,"big":18446744073709551615,"height":1.0,"tags":[null,true]}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn says_in_its_own_way_what_json_cannot() {
        let map = |pairs: Vec<(Value, Value)>| Value::Map(pairs.into_iter().collect());
        for (document, text) in [
            (Value::from(u128::MAX), r#"{"$integer":"340282366920938463463374607431768211455"}"#),
            (Value::from(f64::NAN), r#"{"$float":"NaN"}"#),
            (Value::from(f64::from_bits(0xfff8_0000_0000_0002)), r#"{"$float":"0xfff8000000000002"}"#),
            (Value::from(f64::NEG_INFINITY), r#"{"$float":"-inf"}"#),
            (Value::from(-0.0), "-0.0"),
            (Value::from(vec![0_u8, 1, 2]), r#"{"$bytes":"AAEC"}"#),
            (map(vec![(1.into(), 2.into())]), r#"{"$map":[[1,2]]}"#),
            (map(vec![("a".into(), 1.into()), ("a".into(), 2.into())]), r#"{"$map":[["a",1],["a",2]]}"#),
            (map(vec![("$bytes".into(), "AAEC".into())]), r#"{"$map":[["$bytes","AAEC"]]}"#),
            (map(vec![("$a".into(), 1.into()), ("b".into(), 2.into())]), r#"{"$a":1,"b":2}"#),
        ] {
            assert_eq!(to_text(&document), text);
            assert_eq!(from_text(text), Ok(document));
        }
    }

    #[test]
    fn damaged_text_is_an_error() {
        for text in ["", "{", "1 2", r#"{"$bytes":"?"}"#, r#"{"$what":1}"#, r#"{"$map":[[1]]}"#, &"[".repeat(100_000)] {
            assert!(from_text(text).is_err(), "{text:.20}");
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i128>().prop_map(Value::from),
            any::<u128>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(|bits| Value::from(f64::from_bits(bits))),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,8}|\\$[a-z]{0,5}".prop_map(Value::from),
            any::<Vec<u8>>().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            let pairs = prop::collection::vec((inner.clone(), inner.clone()), 0..5);
            let named = prop::collection::vec(("\\$?[a-c]{0,2}".prop_map(Value::from), inner.clone()), 0..5);
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(Value::from),
                pairs.prop_map(|pairs| Value::Map(pairs.into_iter().collect())),
                named.prop_map(|pairs| Value::Map(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_document_comes_back_as_it_was(document in documents()) {
            prop_assert_eq!(from_text(&to_text(&document)), Ok(document));
        }
    }
}
