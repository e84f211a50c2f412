//! What picklers write, and what is refused instead of changed.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use bulla_codec_pickle::PICKLE;
use bulla_core::codec::{Codec, DecodeError, DecodeLimits, guard};
use bulla_core::value::Value;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    guard::decode(&PICKLE, bytes, PhantomData::<T>, DecodeLimits::DEFAULT)
}

fn refusal<'de, T: Deserialize<'de> + std::fmt::Debug>(bytes: &'de [u8]) -> String {
    decode::<T>(bytes).expect_err("it was taken").to_string()
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    guard::encode(&PICKLE, value, 64, &mut out).expect("a value that it can carry");
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
fn is_for_configs_that_name_it() {
    assert!(PICKLE.capabilities().is_opt_in());
}

#[test]
fn the_bytes_are_fixed_for_ever() {
    assert_eq!(
        encode(&Point { x: -1, y: Some(1.5) }),
        b"\x80\x03}(X\x01\0\0\0xJ\xff\xff\xff\xffX\x01\0\0\0yG\x3f\xf8\0\0\0\0\0\0u."
    );
    assert_eq!(encode(&(300_u16, "ab", ())), b"\x80\x03(M\x2c\x01X\x02\0\0\0abNt.");
    assert_eq!(encode(&Shape::Empty), b"\x80\x03X\x05\0\0\0Empty.");
    assert_eq!(encode(&[u64::MAX]), b"\x80\x03(\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\0t.");
    assert_eq!(encode(&Value::Bytes(vec![1, 2])), b"\x80\x03C\x02\x01\x02.");
}

#[test]
fn reads_every_form_of_a_value() {
    for none in [&b"N."[..], b"\x80\0N.", b"\x80\x05\x95\x02\0\0\0\0\0\0\0N."] {
        assert_eq!(decode(none), Ok(()));
    }
    for yes in [&b"I01\n."[..], b"\x88."] {
        assert_eq!(decode(yes), Ok(true));
    }
    for number in [
        &b"I258\n."[..],
        b"L258L\n.",
        b"J\x02\x01\0\0.",
        b"M\x02\x01.",
        b"\x8a\x02\x02\x01.",
        b"\x8b\x02\0\0\0\x02\x01.",
    ] {
        assert_eq!(decode(number), Ok(258_u16), "{number:?}");
    }
    for float in [&b"F1.5\n."[..], b"G\x3f\xf8\0\0\0\0\0\0."] {
        assert_eq!(decode(float), Ok(1.5_f64));
    }
    for text in [&b"V\xf6\\u20ac\n."[..], b"X\x05\0\0\0\xc3\xb6\xe2\x82\xac.", b"\x8c\x05\xc3\xb6\xe2\x82\xac."] {
        assert_eq!(decode(text), Ok("ö€".to_owned()));
    }
    for bytes in [
        &b"C\x01\xff."[..],
        b"B\x01\0\0\0\xff.",
        b"\x8e\x01\0\0\0\0\0\0\0\xff.",
        b"\x96\x01\0\0\0\0\0\0\0\xff.",
        b"](K\xffe.",
    ] {
        assert_eq!(decode(bytes), Ok(vec![255_u8]), "{bytes:?}");
    }
    for list in [
        &b"](K\x01K\x02e."[..],
        b"(lK\x01aK\x02a.",
        b"(K\x01K\x02l.",
        b"(K\x01K\x02t.",
        b"K\x01K\x02\x86.",
        b"\x8f(K\x01K\x02\x90.",
        b"(K\x01K\x02\x91.",
    ] {
        assert_eq!(decode(list), Ok((1_u8, 2_u8)), "{list:?}");
        assert_eq!(decode(list), Ok(vec![1_i64, 2]), "{list:?}");
    }
    for dict in [&b"}(\x8c\x01xK\x01\x8c\x01yNu."[..], b"(d\x8c\x01xK\x01s\x8c\x01yNs.", b"(\x8c\x01xK\x01\x8c\x01yNd."]
    {
        assert_eq!(decode(dict), Ok(Point { x: 1, y: None }), "{dict:?}");
    }
}

#[test]
fn reads_from_the_memo() {
    for pickle in
        [&b"]\x94(\x8c\x01a\x94h\x01h\x01e."[..], b"]q\0(X\x01\0\0\0aq\x01h\x01h\x01e.", b"(lp0\nVa\np1\nag1\nag1\na."]
    {
        assert_eq!(decode(pickle), Ok(vec!["a".to_owned(); 3]), "{pickle:?}");
    }
    // A list in two places of a tuple, which is whole before it is used again.
    assert_eq!(decode(b"](K\x01e\x94h\0\x86."), Ok((vec![1], vec![1])));
}

#[test]
fn an_integer_keeps_its_value() {
    assert_eq!(decode(b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\0."), Ok(u64::MAX));
    assert_eq!(decode(b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\0."), Ok(Value::from(u64::MAX)));
    assert_eq!(decode(b"L-170141183460469231731687303715884105728L\n."), Ok(i128::MIN));
    assert_eq!(decode(b"L340282366920938463463374607431768211455L\n."), Ok(Value::from(u128::MAX)));
    refusal::<Value>(b"L340282366920938463463374607431768211456L\n.");
    refusal::<u128>(b"J\xff\xff\xff\xff.");
    refusal::<i64>(b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\0.");
    refusal::<u8>(b"G\x3f\xf0\0\0\0\0\0\0.");
    refusal::<u8>(b"\x88.");
}

#[test]
fn nothing_is_left_over() {
    refusal::<(u8, u8)>(b"(K\x01K\x02K\x03t.");
    refusal::<Shape>(b"}(\x8c\x05EmptyN\x8c\x05EmptyNu.");
    refusal::<Shape>(b"}\x8c\x05EmptyK\x01s.");
    refusal::<Shape>(b"\x8c\x03Dot.");
    refusal::<Shape>(b"}.");
    assert_eq!(decode(b"}\x8c\x05EmptyNs."), Ok(Shape::Empty));
    assert_eq!(decode::<u8>(b"K\x01.."), Err(DecodeError::Trailing(1)));
    assert_eq!(decode::<u8>(b"K\x01.K\x01."), Err(DecodeError::Trailing(3)));
    for stack in [&b"."[..], b"K\x01K\x02.", b"(K\x01.", b"K\x01(."] {
        assert_eq!(refusal::<u8>(stack), "a pickle that does not end with one value", "{stack:?}");
    }
}

#[test]
fn what_is_no_pickle_is_refused() {
    for bad in [
        &b"\x80\x06N."[..],
        b"N\x80\x04.",
        b"\x80",
        b"\xff.",
        b"a.",
        b"Na.",
        b"NNa.",
        b"e.",
        b"]N(e.",
        b"](a.",
        b"](Na.",
        b"}(Nu.",
        b"}Ns.",
        b"]NNs.",
        b"\x8f(Ne.",
        b"\x85.",
        b"N\x86.",
        b"(N\x86.",
        b"\x94.",
        b"N(\x94.",
        b"h\0.",
        b"Nq\x01.",
        b"I1",
        b"I 1\n.",
        b"F1,5\n.",
        b"X\x01\0\0\0\xff.",
        b"\x8c\x03\xed\xa0\x80.",
        b"V\\ud800\n.",
    ] {
        refusal::<Value>(bad);
        refusal::<serde::de::IgnoredAny>(bad);
    }
    let words = refusal::<Value>(b"\x80\x02c_codecs\nencode\nX\x01\0\0\0a.");
    assert!(words.contains("GLOBAL at byte 2") && words.contains("bytes need protocol 3"), "{words}");
}

#[test]
fn a_cut_pickle_is_an_error() {
    let shape = Shape::Line(Point { x: 1, y: None }, Point { x: 70_000, y: Some(0.5) });
    let ours = encode(&(shape, "text", u64::MAX, vec![-1_i64, 300]));
    let theirs = b"\x80\x05\x95\x10\0\0\0\0\0\0\0](\x8c\x01a\x94h\0}\x94h\0Nse.";
    for bytes in [&ours[..], theirs] {
        assert!(decode::<Value>(bytes).is_ok());
        for end in 0..bytes.len() {
            refusal::<Value>(&bytes[..end]);
        }
    }
}

#[test]
fn long_collections_come_in_batches() {
    let list: Vec<u32> = (0..3_000).collect();
    assert_eq!(decode(&encode(&list)), Ok(list));
    let map: BTreeMap<u32, Vec<u8>> = (0..3_000).map(|key| (key, vec![1])).collect();
    assert_eq!(decode(&encode(&map)), Ok(map));
}

/// Instructions that fit together more often than bytes at random.
fn instruction() -> impl Strategy<Value = Vec<u8>> {
    let plain =
        prop::sample::select(&b"(NK)]}ltdaeus\x85\x86\x87\x88\x89\x8f\x90\x91\x94."[..]).prop_map(|byte| match byte {
            b'K' => vec![b'K', 1],
            byte => vec![byte],
        });
    let memo = (prop::sample::select(&b"qh"[..]), 0..4_u8).prop_map(|(opcode, index)| vec![opcode, index]);
    const LONGER: [&[u8]; 7] = [b"\x8c\x01a", b"C\x01a", b"I01\n", b"L5L\n", b"F1.5\n", b"Va\n", b"\x8a\x01\xff"];
    let longer = prop::sample::select(&LONGER[..]);
    prop_oneof![4 => plain, 1 => memo, 1 => longer.prop_map(<[u8]>::to_vec)]
}

proptest! {
    /// Whatever is read can be written and read again, the same.
    #[test]
    fn any_program_is_read_or_refused(program in prop::collection::vec(instruction(), 0..40)) {
        let mut pickle = program.concat();
        pickle.push(b'.');
        if let Ok(value) = decode::<Value>(&pickle) {
            prop_assert_eq!(decode::<Value>(&encode(&value)), Ok(value));
        }
    }
}
