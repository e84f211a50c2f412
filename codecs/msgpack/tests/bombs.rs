//! Few bytes that ask for much.

use bulla_codec_msgpack::MSGPACK;
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
    for level in [&b"\x91"[..], b"\xdc\0\x01", b"\xdd\0\0\0\x01", b"\x81\xa1a", b"\x81", b"\x92\xc0"] {
        let bomb = [&level.repeat(100_000)[..], &[0xc0; 4]].concat();
        assert_eq!(range.refusal::<Value>(&MSGPACK, &bomb), TOO_DEEP, "{level:x?}");
        assert_eq!(range.refusal::<IgnoredAny>(&MSGPACK, &bomb), TOO_DEEP, "{level:x?}");
        range.refusal::<Guess>(&MSGPACK, &bomb);
        // In a field that nobody knows.
        let field = [b"\x82\xa7unknown", &bomb[..], b"\xa5known\x01"].concat();
        assert_eq!(range.refusal::<Known>(&MSGPACK, &field), TOO_DEEP, "{level:x?}");
    }
}

#[test]
fn chains_of_variants() {
    let range = RANGE.alone();
    for level in [&b"\x81\xa4link"[..], b"\x81\xa4pair\x92", b"\x81\xa5named\x81\xa4next", b"\x81\xa5maybe"] {
        let bomb = [&level.repeat(100_000)[..], b"\xa3end"].concat();
        assert_eq!(range.refusal::<Chain>(&MSGPACK, &bomb), TOO_DEEP, "{level:x?}");
        assert_eq!(range.refusal::<Value>(&MSGPACK, &bomb), TOO_DEEP, "{level:x?}");
    }
}

#[test]
fn lengths_beyond_the_input() {
    let range = RANGE.alone();
    let claims = [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"];
    for claim in claims.into_iter().chain([b"\xc9\xff\xff\xff\xff", b"\xdd\0\x10\0\0", b"\xdf\0\x08\0\0"]) {
        for bomb in [claim.to_vec(), [claim, &[0xc0; 1_000][..]].concat(), [b"\x91", &claim[..]].concat()] {
            range.refusal::<Value>(&MSGPACK, &bomb);
            range.refusal::<Vec<()>>(&MSGPACK, &bomb);
            range.refusal::<String>(&MSGPACK, &bomb);
            range.refusal::<std::ffi::CString>(&MSGPACK, &bomb);
            range.refusal::<std::collections::HashMap<String, Vec<u64>>>(&MSGPACK, &bomb);
            range.refusal::<IgnoredAny>(&MSGPACK, &bomb);
        }
    }
    // Each list claims what is left.
    let mut nested = Vec::new();
    for level in 0..50_u32 {
        nested.push(0xdd);
        nested.extend_from_slice(&(1_000_000 - 5 * (level + 1)).to_be_bytes());
    }
    nested.resize(1_000_000, 0xc0);
    range.refusal::<Value>(&MSGPACK, &nested);
}

#[test]
fn many_elements() {
    let range = RANGE.alone();
    let claim = 4_000_000_u32.to_be_bytes();
    let nils = [b"\xdd", &claim[..], &[0xc0; 4_000_000]].concat();
    assert_eq!(range.refusal::<Vec<()>>(&MSGPACK, &nils), TOO_MANY);
    assert_eq!(range.refusal::<IgnoredAny>(&MSGPACK, &nils), TOO_MANY);
    let bytes = [b"\xc6", &claim[..], &[0; 4_000_000]].concat();
    assert_eq!(range.refusal::<Vec<u8>>(&MSGPACK, &bytes), TOO_MANY);
}
