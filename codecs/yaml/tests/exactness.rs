//! Text and documents of the nastiest kind come back as they went in; an independent library agrees with what is written.

use std::marker::PhantomData;

use bulla_codec_yaml::YAML;
use bulla_core::codec::{Codec, DecodeError};
use proptest::{collection::vec, prelude::*, sample::select};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Pieces that mean something to some version of YAML.
const PIECES: [&str; 66] = [
    " ",
    "\n",
    "\t",
    "\r",
    "\r\n",
    "\n\n",
    "  ",
    "a",
    "é",
    "漢",
    "😀",
    "\u{301}",
    "-",
    ":",
    ": ",
    "#",
    " #",
    "'",
    "\"",
    "\\",
    ",",
    "[",
    "]",
    "{",
    "}",
    "&",
    "*",
    "!",
    "|",
    ">",
    "%",
    "@",
    "`",
    "?",
    "=",
    "<<",
    "~",
    "null",
    "true",
    "no",
    "y",
    "inf",
    "nan",
    "---",
    "...",
    "0o7",
    "0b1",
    "0X",
    "12:30",
    "1",
    "0",
    ".",
    "e",
    "_",
    "+",
    "\u{85}",
    "\u{a0}",
    "\u{feff}",
    "\u{2028}",
    "\u{2029}",
    "\0",
    "\u{7f}",
    "\u{1b}",
    "\u{fffe}",
    "\u{200b}",
    "\u{10ffff}",
];

fn text() -> impl Strategy<Value = String> + Clone {
    let piece =
        prop_oneof![9 => select(&PIECES[..]).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    prop_oneof![
        4 => vec(piece.clone(), 0..8).prop_map(|pieces| pieces.concat()),
        1 => vec(piece, 0..120).prop_map(|pieces| pieces.concat()),
        1 => "[-+]?(0[xobXOB])?[0-9_.]{0,5}(e[-+]?[0-9]{0,4})?",
        1 => "[0-9]{1,4}[-:/][0-9]{1,2}[-:][0-9]{1,2}",
        1 => "([a-z]{1,12}[ \n]{1,2}){0,40}",
    ]
}

/// Less what libyaml, and so half the world's readers, treats in its own way: line ends of YAML 1.1, a byte order mark, and blocks
/// that begin with a tab.
fn tame_text() -> impl Strategy<Value = String> + Clone {
    text().prop_map(|text| text.replace(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}', '\t'], "_"))
}

fn document<T: Strategy<Value = String> + Clone + 'static>(text: T) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        6 => text.clone().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text.clone(), inner), 0..4).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn through<T: Serialize + DeserializeOwned>(value: &T) -> Result<T, String> {
    let mut out = Vec::new();
    YAML.encode(value, &mut out).map_err(|error| error.to_string())?;
    let read: Result<T, DecodeError> = YAML.decode(&out, PhantomData);
    read.map_err(|error| format!("{error}: {:?}", String::from_utf8_lossy(&out)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn strings_come_back(text in text()) {
        prop_assert_eq!(through(&text), Ok(text.clone()));
        prop_assert_eq!(through(&Some((text.clone(), 1))), Ok(Some((text, 1))));
    }

    #[test]
    fn characters_come_back(character: char) {
        prop_assert_eq!(through(&character), Ok(character));
    }

    #[test]
    fn floats_come_back(double: f64, single: f32) {
        prop_assume!(!double.is_nan() && !single.is_nan());
        let (double_back, single_back) = through(&(double, single)).unwrap();
        prop_assert_eq!((double_back.to_bits(), single_back.to_bits()), (double.to_bits(), single.to_bits()));
    }

    #[test]
    fn wide_integers_come_back(signed: i128, unsigned: u128) {
        prop_assert_eq!(through(&(signed, unsigned)), Ok((signed, unsigned)));
    }

    #[test]
    fn documents_come_back(document in document(text())) {
        prop_assert_eq!(through(&document), Ok(document));
    }

    #[test]
    fn an_independent_reader_agrees(document in document(tame_text())) {
        let mut out = Vec::new();
        YAML.encode(&document, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let read: Value = serde_yaml::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text:?}")))?;
        prop_assert_eq!(read, document, "{:?}", text);
    }

    #[test]
    fn documents_of_an_independent_writer_are_read(numbers: Vec<i64>, text in "[ -~\n]{0,40}", flag: bool) {
        // What begins like a number may be one by the core schema although that writer leaves it unquoted.
        let document = serde_json::json!({"numbers": numbers, "text": format!("a{text}"), "flag": flag, "none": null});
        let written = serde_yaml::to_string(&document).unwrap();
        prop_assert_eq!(YAML.decode(written.as_bytes(), PhantomData::<Value>), Ok(document));
    }
}
