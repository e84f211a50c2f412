//! Few bytes that ask for much.

use bulla_codec_cbor::CBOR;
use bulla_codec_testkit::bomb::Range;
use bulla_core::codec::DecodeError;
use bulla_core::value::Value;
use peak_alloc::PeakAlloc;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const RANGE: Range = Range {
    reset: || {
        ALLOCATOR.reset_peak_usage();
        ALLOCATOR.current_usage()
    },
    peak: || ALLOCATOR.peak_usage(),
};

const TOO_DEEP: DecodeError = DecodeError::TooDeep(64);
const TOO_MANY: DecodeError = DecodeError::TooManyElements(1_000_000);

#[expect(dead_code, reason = "only decoded")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Chain {
    Link(Box<Chain>),
    Pair(Box<Chain>, u8),
    Named { next: Box<Chain> },
    Maybe(Option<Box<Chain>>),
    End,
}

#[expect(dead_code, reason = "only decoded")]
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Guess {
    List(Vec<Guess>),
    Map(std::collections::BTreeMap<String, Guess>),
    Number(u8),
}

#[derive(Debug, Deserialize)]
struct Known {
    #[serde(rename = "known")]
    _known: u8,
}

#[test]
fn nesting_in_documents() {
    let range = RANGE.alone();
    let counted = [&b"\x81"[..], b"\x98\x01", b"\x9b\0\0\0\0\0\0\0\x01", b"\xa1\x61a", b"\xa1", b"\x82\xf6"];
    let indefinite = [&b"\x9f"[..], b"\xbf", b"\xbf\x61a", b"\x9f\xbf\x01", b"\xd9\xd9\xf7\x9f"];
    for level in counted.into_iter().chain(indefinite) {
        let bomb = [&level.repeat(100_000)[..], &[0xf6; 4]].concat();
        assert_eq!(range.refusal::<Value>(&CBOR, &bomb), TOO_DEEP, "{level:x?}");
        assert_eq!(range.refusal::<IgnoredAny>(&CBOR, &bomb), TOO_DEEP, "{level:x?}");
        range.refusal::<Guess>(&CBOR, &bomb);
        // In a field that nobody knows.
        let field = [b"\xa2\x67unknown", &bomb[..], b"\x65known\x01"].concat();
        assert_eq!(range.refusal::<Known>(&CBOR, &field), TOO_DEEP, "{level:x?}");
    }
}

#[test]
fn chains_of_variants() {
    let range = RANGE.alone();
    let levels =
        [&b"\xa1\x64link"[..], b"\xbf\x64link", b"\xa1\x64pair\x82", b"\xa1\x65named\xa1\x64next", b"\xa1\x65maybe"];
    for level in levels {
        let bomb = [&level.repeat(100_000)[..], b"\x63end"].concat();
        assert_eq!(range.refusal::<Chain>(&CBOR, &bomb), TOO_DEEP, "{level:x?}");
        assert_eq!(range.refusal::<Value>(&CBOR, &bomb), TOO_DEEP, "{level:x?}");
    }
}

#[test]
fn chains_of_tags() {
    let range = RANGE.alone();
    for tag in [&b"\xd9\xd9\xf7"[..], b"\xc0", b"\xc2", b"\xc3", b"\xd8\x1c", b"\xd8\x1d"] {
        let bomb = tag.repeat(200_000);
        range.refusal::<Value>(&CBOR, &bomb);
        range.refusal::<u128>(&CBOR, &bomb);
        range.refusal::<IgnoredAny>(&CBOR, &bomb);
    }
}

#[test]
fn strings_in_pieces() {
    let range = RANGE.alone();
    for piece in [&b"\x40"[..], b"\x60", b"\x5f", b"\x7f", b"\x5f\x40"] {
        for begin in [b"\x5f", b"\x7f"] {
            let bomb = [begin, &piece.repeat(200_000)[..]].concat();
            range.refusal::<Value>(&CBOR, &bomb);
            range.refusal::<String>(&CBOR, &bomb);
            range.refusal::<Vec<u8>>(&CBOR, &bomb);
            range.refusal::<IgnoredAny>(&CBOR, &bomb);
        }
    }
}

#[test]
fn lengths_beyond_the_input() {
    let range = RANGE.alone();
    for major in [0x40, 0x60, 0x80, 0xa0, 0xc2] {
        for len in [1_u64 << 20, 1 << 32, 1 << 34, 1 << 62, u64::MAX] {
            let head = if major == 0xc2 { vec![0xc2, 0x5b] } else { vec![major | 0x1b] };
            let claim = [&head[..], &len.to_be_bytes()].concat();
            for bomb in [claim.clone(), [&claim[..], &[0xf6; 1_000]].concat(), [b"\x81", &claim[..]].concat()] {
                range.refusal::<Value>(&CBOR, &bomb);
                range.refusal::<Vec<()>>(&CBOR, &bomb);
                range.refusal::<String>(&CBOR, &bomb);
                range.refusal::<std::ffi::CString>(&CBOR, &bomb);
                range.refusal::<std::collections::HashMap<String, Vec<u64>>>(&CBOR, &bomb);
                range.refusal::<IgnoredAny>(&CBOR, &bomb);
            }
        }
    }
}

#[test]
fn many_elements() {
    let range = RANGE.alone();
    let nils = [b"\x9f", &[0xf6; 4_000_000][..], b"\xff"].concat();
    assert_eq!(range.refusal::<Vec<()>>(&CBOR, &nils), TOO_MANY);
    assert_eq!(range.refusal::<IgnoredAny>(&CBOR, &nils), TOO_MANY);
    let bytes = [b"\x5a", &4_000_000_u32.to_be_bytes()[..], &[0; 4_000_000]].concat();
    assert_eq!(range.refusal::<Vec<u8>>(&CBOR, &bytes), TOO_MANY);
}
