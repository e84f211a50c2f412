//! Few bytes that ask for much: the crate does nothing about them, the adaptor does.

use bulla_codec_smile::Smile;
use bulla_codec_testkit::bomb::{Case, Range, Row};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const RANGE: Range = Range {
    reset: || {
        ALLOCATOR.reset_peak_usage();
        ALLOCATOR.current_usage()
    },
    peak: || ALLOCATOR.peak_usage(),
};

/// A document, which may refer to names and texts that came before.
fn case(name: &str, parts: &[&[u8]]) -> Case {
    Case::new(name, [b":)\n\x07", &parts.concat()[..]].concat())
}

#[test]
fn every_bomb_is_refused() {
    let range = RANGE.alone();
    let deep = |level: &[u8]| level.repeat(100_000);
    // 0xFD and 0xE8 are binary, 0x26 and 0x2A numbers of any size; then the length, 2^63 and some.
    let claim = |token: u8| [&[token][..], &[0x7f; 9], &[0xbf]].concat();
    let text = [&[0x7f][..], &[b'x'; 64]].concat();
    let cases = [
        case("lists, 100,000 deep", &[&deep(b"\xf8")]),
        case("maps, 100,000 deep", &[&deep(b"\xfa\x80a")]),
        case("a chain of variants", &[&deep(b"\xfa\x83link"), b"\x42end"]),
        case("variants of tuples", &[&deep(b"\xfa\x83pair\xf8")]),
        case("lists in an unknown field", &[b"\xfa\x86unknown", &deep(b"\xf8")]),
        case("raw binary of 2^63 bytes", &[&claim(0xfd)]),
        case("binary of 2^63 bytes", &[&claim(0xe8)]),
        case("an integer of 2^63 bytes", &[&claim(0x26)]),
        case("a decimal of 2^63 bytes", &[b"\x2a\x80", &claim(0x80)[1..]]),
        case("a text without an end", &[b"\xe0", &vec![b'x'; 1 << 20]]),
        case("a shared text, 300,000 times", &[b"\xf8", &text, &[1].repeat(300_000), b"\xf9"]),
        case("1,100,000 nulls", &[b"\xf8", &[0x21].repeat(1_100_000)]).large(),
    ];
    println!("{}", Row::heads());
    let rows = range.table(&Smile, &cases, |row| println!("{row}"));
    let breaches: Vec<_> = rows.iter().filter_map(Row::breach).collect();
    assert_eq!(breaches, [""; 0]);
}
