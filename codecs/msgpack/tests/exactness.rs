//! What other writers may send, and what is refused instead of changed.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use bulla_codec_msgpack::MSGPACK;
use bulla_core::codec::{DecodeError, DecodeLimits, guard};
use bulla_core::value::Value;
use serde::{Deserialize, Serialize};

fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    guard::decode(&MSGPACK, bytes, PhantomData::<T>, DecodeLimits::DEFAULT)
}

fn refusal<'de, T: Deserialize<'de> + std::fmt::Debug>(bytes: &'de [u8]) -> String {
    decode::<T>(bytes).expect_err("it was taken").to_string()
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    guard::encode(&MSGPACK, value, 64, &mut out).expect("a value that it can carry");
    out
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: Option<f32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nothing;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Dot(Point),
    Line(Point, Point),
    Circle { radius: u8 },
}

#[test]
fn the_bytes_are_fixed_for_ever() {
    assert_eq!(encode(&Point { x: -1, y: Some(1.5) }), b"\x82\xa1x\xff\xa1y\xca\x3f\xc0\0\0");
    assert_eq!(encode(&(300_u64, "ab", Nothing, ())), b"\x94\xcd\x01\x2c\xa2ab\x90\xc0");
    assert_eq!(encode(&Shape::Empty), b"\xa5Empty");
    assert_eq!(encode(&Shape::Circle { radius: 1 }), b"\x81\xa6Circle\x81\xa6radius\x01");
    assert_eq!(encode(&Value::Bytes(vec![1, 2])), b"\xc4\x02\x01\x02");
}

#[test]
fn reads_what_other_writers_send() {
    // A struct without names, in any integer size; a number is a number.
    assert_eq!(
        decode(b"\x92\xd3\xff\xff\xff\xff\xff\xff\xff\xff\xcb\x3f\xf8\0\0\0\0\0\0"),
        Ok(Point { x: -1, y: Some(1.5) })
    );
    assert_eq!(decode(b"\xc0"), Ok(Nothing));
    assert_eq!(decode(b"\xc4\x02\x01\xff"), Ok(vec![1_u8, 255]));
    assert_eq!(decode(b"\x81\xa5Empty\xc0"), Ok(Shape::Empty));
    assert_eq!(decode(b"\x05"), Ok(5_u128));
    assert_eq!(decode(b"\xff"), Ok(-1_i128));
    assert_eq!(decode::<BTreeMap<i8, &str>>(b"\x82\xff\xa1a\x01\xa1b"), Ok(BTreeMap::from([(-1, "a"), (1, "b")])));
}

#[test]
fn an_integer_keeps_its_value() {
    assert!(refusal::<u128>(b"\xff").contains("-1"), "{}", refusal::<u128>(b"\xff"));
    refusal::<i128>(b"\xc4\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    refusal::<u8>(b"\xcd\x01\0");
    refusal::<i64>(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    refusal::<u8>(b"\xca\x3f\x80\0\0");
}

#[test]
fn nothing_is_left_over() {
    refusal::<(u8, u8)>(b"\x93\x01\x02\x03");
    refusal::<(u8, (u8, u8), u8)>(b"\x93\x01\x93\x02\x03\x04\x05");
    refusal::<Point>(b"\x93\x01\xc0\x05");
    refusal::<Shape>(b"\x82\xa5Empty\xc0\xa5Empty\xc0");
    refusal::<Shape>(b"\x81\xa5Empty\x01");
    refusal::<Shape>(b"\xa3Dot");
    refusal::<Shape>(b"\x81\xa4Line\x93\x92\x01\xc0\x92\x01\xc0\x92\x01\xc0");
    assert_eq!(decode::<u8>(b"\x01\x02\x03"), Err(DecodeError::Trailing(2)));
    // What would be read as another value, were the length of the first one not checked.
    assert_eq!(decode::<Vec<u8>>(b"\x91\x01\x02"), Err(DecodeError::Trailing(1)));
}

#[test]
fn what_has_no_place_in_a_value_is_refused() {
    assert_eq!(refusal::<Value>(b"\xd6\xff\0\0\0\0"), "the extension type -1 is not read here");
    assert_eq!(refusal::<Vec<u32>>(b"\x91\xd6\xff\0\0\0\0"), "the extension type -1 is not read here");
    refusal::<Value>(b"\xa1\xff");
    refusal::<Vec<u8>>(b"\xa1a");
    refusal::<Shape>(b"\x00");
    refusal::<Point>(b"\x82\x00\x01\x01\xc0");
    refusal::<Value>(b"\xc1");
}

#[test]
fn a_cut_value_is_an_error() {
    let bytes =
        encode(&(Shape::Line(Point { x: 1, y: None }, Point { x: 70_000, y: Some(0.5) }), "text", vec![-1_i64, 300]));
    assert!(decode::<Value>(&bytes).is_ok());
    for end in 0..bytes.len() {
        refusal::<Value>(&bytes[..end]);
        refusal::<serde::de::IgnoredAny>(&bytes[..end]);
    }
}
