//! What other writers may send, and what is refused instead of changed.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use bulla_codec_cbor::CBOR;
use bulla_core::codec::{DecodeError, DecodeLimits, guard};
use bulla_core::value::Value;
use serde::{Deserialize, Serialize};

fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    guard::decode(&CBOR, bytes, PhantomData::<T>, DecodeLimits::DEFAULT)
}

fn refusal<'de, T: Deserialize<'de> + std::fmt::Debug>(bytes: &'de [u8]) -> String {
    decode::<T>(bytes).expect_err("it was taken").to_string()
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    guard::encode(&CBOR, value, 64, &mut out).expect("a value that it can carry");
    out
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: Option<f32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Dot(Point),
    Line(Point, Point),
    Circle { radius: u8 },
}

#[test]
fn the_bytes_are_fixed_for_ever() {
    assert_eq!(encode(&Point { x: -1, y: Some(1.5) }), b"\xa2\x61x\x20\x61y\xf9\x3e\x00");
    assert_eq!(encode(&(300_u64, "ab", ())), b"\x83\x19\x01\x2c\x62ab\xf6");
    assert_eq!(encode(&Shape::Empty), b"\x65Empty");
    assert_eq!(encode(&Shape::Circle { radius: 1 }), b"\xa1\x66Circle\xa1\x66radius\x01");
    assert_eq!(encode(&Value::Bytes(vec![1, 2])), b"\x42\x01\x02");
    assert_eq!(encode(&(1_u128 << 64)), b"\xc2\x49\x01\0\0\0\0\0\0\0\0");
    assert_eq!(encode(&(-1_i128 - (1 << 64))), b"\xc3\x49\x01\0\0\0\0\0\0\0\0");
}

#[test]
fn reads_what_other_writers_send() {
    // Indefinite lengths, long heads, pieces, undefined, the tag for CBOR itself.
    let point = Point { x: -1, y: Some(1.5) };
    assert_eq!(decode(b"\xbf\x7f\x61x\x60\xff\x3b\0\0\0\0\0\0\0\0\x61y\xfb\x3f\xf8\0\0\0\0\0\0\xff"), Ok(point));
    assert_eq!(decode(b"\xd9\xd9\xf7\x82\x01\xf7"), Ok(Point { x: 1, y: None }));
    assert_eq!(decode(b"\xbf\x66Circle\xbf\x66radius\x01\xff\xff"), Ok(Shape::Circle { radius: 1 }));
    assert_eq!(decode(b"\xa1\x65Empty\xf6"), Ok(Shape::Empty));
    assert_eq!(decode(b"\x42\x01\xff"), Ok(vec![1_u8, 255]));
    assert_eq!(decode(b"\x9f\x01\x02\xff"), Ok((1_u8, 2_u8)));
    assert_eq!(decode(b"\xc2\x43\0\x01\x00"), Ok(256_u16));
    assert_eq!(decode(b"\xc2\x40"), Ok(0_u8));
    assert_eq!(decode(b"\xc3\x5f\x41\x01\x41\x00\xff"), Ok(-257_i32));
    assert_eq!(decode::<BTreeMap<i8, &str>>(b"\xa2\x20\x61a\x01\x61b"), Ok(BTreeMap::from([(-1, "a"), (1, "b")])));
}

#[test]
fn an_integer_keeps_its_value() {
    refusal::<u128>(b"\x20");
    refusal::<u8>(b"\x19\x01\0");
    refusal::<i64>(b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff");
    refusal::<i64>(b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff");
    refusal::<u8>(b"\xf9\x3c\x00");
    assert_eq!(decode(b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff"), Ok(Value::from(-1 - i128::from(u64::MAX))));
    // -2^128 is beyond an i128.
    refusal::<Value>(b"\xc3\x50\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    refusal::<i128>(b"\xc2\x50\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

#[test]
fn nothing_is_left_over() {
    refusal::<(u8, u8)>(b"\x83\x01\x02\x03");
    refusal::<(u8, u8)>(b"\x9f\x01\x02\x03\xff");
    refusal::<(u8, (u8, u8), u8)>(b"\x83\x01\x83\x02\x03\x04\x05");
    refusal::<Shape>(b"\xa2\x65Empty\xf6\x65Empty\xf6");
    refusal::<Shape>(b"\xbf\x65Empty\xf6\x65Empty\xf6\xff");
    refusal::<Shape>(b"\xbf\xff");
    refusal::<Shape>(b"\xa1\x65Empty\x01");
    refusal::<Shape>(b"\x63Dot");
    assert_eq!(decode::<u8>(b"\x01\x02\x03"), Err(DecodeError::Trailing(2)));
    assert_eq!(decode::<Vec<u8>>(b"\x9f\x01\xff\xff"), Err(DecodeError::Trailing(1)));
    assert_eq!(decode::<(u8, u8)>(b"\x9f\x01\x02\xff\xf6"), Err(DecodeError::Trailing(1)));
    refusal::<(u8, u8)>(b"\x9f\x01\x02");
}

#[test]
fn what_has_no_place_in_a_value_is_refused() {
    assert_eq!(refusal::<Value>(b"\xc1\x00"), "the tag 1 is not read here");
    assert_eq!(refusal::<String>(b"\xc0\x64noon"), "the tag 0 is not read here");
    refusal::<Value>(b"\x61\xff");
    refusal::<Value>(b"\x9f\x01\x1c\xff");
    refusal::<Value>(b"\xbf\x01\xff");
    refusal::<Shape>(b"\x00");
    refusal::<Point>(b"\xa2\x00\x01\x01\xf6");
}

#[test]
fn a_cut_value_is_an_error() {
    let shape = Shape::Line(Point { x: 1, y: None }, Point { x: 70_000, y: Some(0.1) });
    let counted = encode(&(shape, "text", u128::MAX, vec![-1_i64, 300]));
    let indefinite = b"\x9f\xbf\x7f\x61a\x62bc\xff\xfb\x3f\xf8\0\0\0\0\0\0\xff\x5f\x42\x01\x02\xff\xff";
    for bytes in [&counted[..], indefinite] {
        assert!(decode::<Value>(bytes).is_ok());
        for end in 0..bytes.len() {
            refusal::<Value>(&bytes[..end]);
            refusal::<serde::de::IgnoredAny>(&bytes[..end]);
        }
    }
}
