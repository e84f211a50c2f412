//! Documents made to hurt: each is refused, or costs no more than its length.

use std::marker::PhantomData;

use bulla_codec_yaml::YAML;
use bulla_core::codec::{Codec, DecodeError};
use serde::de::{DeserializeOwned, IgnoredAny};

fn decode<T: DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    YAML.decode(text.as_bytes(), PhantomData::<T>)
}

fn refusal(text: &str) -> String {
    let dynamic = decode::<serde_json::Value>(text).expect_err("a document made to hurt was decoded");
    decode::<IgnoredAny>(text).expect_err("a document made to hurt was skipped");
    dynamic.to_string()
}

#[test]
fn refuses_the_billion_laughs() {
    let mut bomb = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", "));
    }
    assert!(refusal(&bomb).contains("alias"), "{}", refusal(&bomb));
}

#[test]
fn refuses_a_quadratic_bomb() {
    let text = "x".repeat(50_000);
    let bomb = format!("a: &a {text}\nb: [{}]\n", ["*a"; 10_000].join(", "));
    assert!(refusal(&bomb).contains("alias"), "{}", refusal(&bomb));
}

#[test]
fn refuses_self_reference_and_survives_anchors() {
    assert!(refusal("&a [*a]").contains("alias"));
    assert!(refusal("&a {b: *a}").contains("alias"));
    let anchors: String = (0..10_000).map(|n| format!("- &a{n} x\n")).collect();
    assert_eq!(decode::<Vec<String>>(&anchors).unwrap().len(), 10_000);
}

#[test]
fn refuses_deep_nesting() {
    refusal(&"[".repeat(56 * 1024));
    refusal(&"{".repeat(56 * 1024));
    refusal(&"{a: ".repeat(56 * 1024));
    refusal(&"[{a: ".repeat(28 * 1024));
    refusal(&"- ".repeat(56 * 1024));
    refusal(&"? ".repeat(56 * 1024));
    refusal(&"!!map {? ".repeat(5_000));
    refusal(&format!("{}{}", "[".repeat(200), "]".repeat(200)));
    let block: String = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    refusal(&block);
}

#[test]
fn merge_keys_are_ordinary_keys() {
    let text = "base: {x: 1}\nuse:\n  <<: {y: 2}\n  z: 3\n";
    let value = decode::<serde_json::Value>(text).unwrap();
    assert_eq!(value["use"], serde_json::json!({"<<": {"y": 2}, "z": 3}));
}

#[test]
fn refuses_tags_that_are_not_core() {
    for text in
        ["!include /etc/passwd", "!!python/object/apply:os.system [ls]", "!Variant 1", "a: !env HOME", "!!set {a}"]
    {
        let error = decode::<serde_json::Value>(text).unwrap_err().to_string();
        assert!(error.contains("tag"), "{text}: {error}");
    }
}

#[test]
fn refuses_what_is_not_one_document() {
    for empty in ["", "\n", "  \n\t\n", "# only\n  # comments\n", "\r\n"] {
        assert!(refusal(empty).contains("empty"), "{empty:?}");
    }
    assert_eq!(decode::<u8>("1\n---\n2\n"), Err(DecodeError::Trailing(6)));
    assert!(decode::<Vec<u8>>("[1]\n]\n").is_err());
    assert!(decode::<Vec<u8>>("- 1\nx\n").is_err());
    assert_eq!(decode::<u8>("--- 1\n...\n# a comment\n"), Ok(1));
}

#[test]
fn scalars_follow_the_core_schema() {
    use serde_json::json;
    let cases = [
        ("yes", json!("yes")),
        ("NO", json!("NO")),
        ("on", json!("on")),
        ("y", json!("y")),
        ("true", json!(true)),
        ("False", json!(false)),
        ("~", json!(null)),
        ("Null", json!(null)),
        ("1_000", json!("1_000")),
        ("014", json!("014")),
        ("0o14", json!(12)),
        ("0x1F", json!(31)),
        ("12:30:45", json!("12:30:45")),
        ("2020-01-01", json!("2020-01-01")),
        (".5", json!(0.5)),
        ("1e3", json!(1000.0)),
        ("=", json!("=")),
        ("nan", json!("nan")),
        ("'1'", json!("1")),
        ("!!str 1", json!("1")),
        ("!!float 1", json!(1.0)),
        ("|\n a\n", json!("a\n")),
    ];
    for (text, value) in cases {
        assert_eq!(decode::<serde_json::Value>(text), Ok(value), "{text}");
    }
    assert!(decode::<bool>("yes").is_err());
    assert!(decode::<String>("null").is_err());
}
