//! Few bytes that ask for much.

use bulla_codec_postcard::POSTCARD;
use bulla_codec_testkit::bomb::Range;
use bulla_core::codec::DecodeError;
use bulla_core::value::Value;
use peak_alloc::PeakAlloc;
use serde::Deserialize;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const RANGE: Range = Range {
    reset: || {
        ALLOCATOR.reset_peak_usage();
        ALLOCATOR.current_usage()
    },
    peak: || ALLOCATOR.peak_usage(),
};

/// A varint of seven bits a byte.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[derive(Debug, Deserialize)]
enum Chain {
    End,
    Link(Box<Chain>),
}

#[test]
fn a_list_of_nothing_as_long_as_it_says() {
    let range = RANGE.alone();
    for len in [1 << 34, u64::MAX] {
        assert_eq!(range.refusal::<Vec<()>>(&POSTCARD, &varint(len)), DecodeError::TooManyElements(1_000_000));
    }
    let lists = [varint(1 << 34), varint(1 << 34)].concat();
    assert_eq!(range.refusal::<Vec<Vec<()>>>(&POSTCARD, &lists), DecodeError::TooManyElements(1_000_000));
}

#[test]
fn a_length_beyond_the_input() {
    let range = RANGE.alone();
    for len in [1 << 20, 1 << 32, 1 << 62, u64::MAX] {
        let bomb = [varint(len), vec![0; 8]].concat();
        range.refusal::<String>(&POSTCARD, &bomb);
        range.refusal::<std::ffi::CString>(&POSTCARD, &bomb);
        range.refusal::<Vec<u64>>(&POSTCARD, &bomb);
        range.refusal::<Vec<String>>(&POSTCARD, &bomb);
        range.refusal::<std::collections::HashMap<u64, String>>(&POSTCARD, &bomb);
        // In a document: a list, a text and a map.
        for tag in [9, 7, 10] {
            range.refusal::<Value>(&POSTCARD, &[vec![tag], bomb.clone()].concat());
        }
    }
}

#[test]
fn nesting() {
    let range = RANGE.alone();
    let chain = vec![1; 100_000];
    assert_eq!(range.refusal::<Chain>(&POSTCARD, &chain), DecodeError::TooDeep(64));
    assert_eq!(range.refusal::<Value>(&POSTCARD, &[9, 1].repeat(100_000)), DecodeError::TooDeep(64));
}

#[test]
fn the_chain_is_no_bomb_while_it_is_short() {
    let chain: Chain = bulla_core::codec::guard::decode(
        &POSTCARD,
        &[1, 1, 0],
        std::marker::PhantomData,
        bulla_core::codec::DecodeLimits::DEFAULT,
    )
    .unwrap();
    let Chain::Link(inner) = chain else { panic!("{chain:?}") };
    assert!(matches!(*inner, Chain::Link(end) if matches!(*end, Chain::End)));
}
