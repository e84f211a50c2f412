//! Few bytes that ask for much, or for something else than data.

use std::marker::PhantomData;

use bulla_codec_pickle::PICKLE;
use bulla_codec_testkit::bomb::{Alone, Range};
use bulla_core::codec::{Codec, DecodeError};
use bulla_core::value::Value;
use peak_alloc::PeakAlloc;
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

const TOO_MANY: DecodeError = DecodeError::TooManyElements(1_000_000);

/// What a document of it is refused with; skipped, or for a codec without its adaptor, it is refused as well.
fn refusal(range: &Alone, pickle: &[&[u8]]) -> DecodeError {
    let bomb = pickle.concat();
    range.refusal::<IgnoredAny>(&PICKLE, &bomb);
    assert!(PICKLE.decode(&bomb, PhantomData::<IgnoredAny>).is_err());
    range.refusal::<Value>(&PICKLE, &bomb)
}

#[test]
fn nesting() {
    let range = RANGE.alone();
    let too_deep = DecodeError::TooDeep(128);
    for (open, close) in [
        (&b"]"[..], &b"a"[..]),
        (b"](", b"e"),
        (b"}N", b"s"),
        (b"}(N", b"u"),
        (b"(", b"l"),
        (b"(", b"t"),
        (b"(N", b"d"),
        (b"(", b"\x91"),
        (b"", b"\x85"),
        (b"N", b"\x86"),
        (b"]\x94", b"a"),
        (b"\x8f(", b"\x90"),
    ] {
        let bomb = [&open.repeat(100_000)[..], b"N", &close.repeat(100_000), b"."];
        assert_eq!(refusal(&range, &bomb), too_deep, "{open:?}");
        let open_end = [&open.repeat(100_000)[..], b"N"];
        refusal(&range, &open_end);
    }
    assert_eq!(refusal(&range, &[&b"(".repeat(1_000_000)]), too_deep);
    // Depth that comes from the memo: each tuple is taken from there into the next.
    let mut chain = b"N\x85\x94".to_vec();
    for index in 0..100_000_u32 {
        chain.extend_from_slice(&[&b"j"[..], &index.to_le_bytes(), b"\x85\x94"].concat());
    }
    assert_eq!(refusal(&range, &[&chain, b"."]), too_deep);
}

#[test]
fn what_is_shared_is_counted() {
    let range = RANGE.alone();
    // Each list holds the one before ten times.
    let mut laughs = b"]\x94".to_vec();
    for level in 0..100_u8 {
        laughs.extend_from_slice(b"]\x94(");
        laughs.extend_from_slice(&[b'h', level].repeat(10));
        laughs.push(b'e');
    }
    assert_eq!(refusal(&range, &[&laughs, b"."]), TOO_MANY);
    // A long text many times over.
    let text = [&b"(X\0\0\x10\0"[..], &vec![b'x'; 1 << 20], b"\x94", &b"h\0".repeat(1_000), b"l."];
    assert_eq!(refusal(&range, &text), DecodeError::TooManyBytes(16 << 20));
    let keys = [&b"}(X\0\0\x10\0"[..], &vec![b'x'; 1 << 20], b"\x94N", &b"h\0N".repeat(1_000), b"u."];
    assert_eq!(refusal(&range, &keys), DecodeError::TooManyBytes(16 << 20));
}

#[test]
fn what_holds_itself() {
    let range = RANGE.alone();
    for bomb in [
        &b"]\x94h\0a."[..],
        b"]q\0(h\0h\0e.",
        b"(lp0\ng0\na.",
        b"}\x94Nh\0s.",
        b"}\x94(h\0h\0u.",
        b"\x8f\x94(h\0\x90.",
        // One holds the other, and then the other the one.
        b"]\x94]\x94h\0ah\x01a.",
        b"]\x94]\x94h\0a0h\0h\x01a.",
        // A tuple of its list.
        b"]\x94h\0\x85a.",
    ] {
        refusal(&range, &[bomb]);
    }
}

#[test]
fn many_elements() {
    let range = RANGE.alone();
    const MANY: usize = 1_000_001;
    let values: [&[u8]; 13] = [
        b"N",
        b"K\0",
        b"]",
        b"]\x94",
        b")",
        b"}",
        b"C\0",
        b"\x8c\0",
        b"\x8c\0\x94",
        b"h\0",
        b"I0\n",
        b"V\n",
        b"V\xff\n",
    ];
    for value in values {
        let bomb = [b"]\x94(", &value.repeat(MANY)[..], b"e."].concat();
        assert_eq!(range.refusal::<Value>(&PICKLE, &bomb), TOO_MANY, "{value:?}");
    }
    assert_eq!(refusal(&range, &[b"N", &b"\x94".repeat(MANY)]), TOO_MANY);
    // A list of nothing, as long as may be: the adaptor's own limit is the next.
    let nothing = [&b"]("[..], &b"N".repeat(999_998), b"e."].concat();
    assert!(PICKLE.decode(&nothing, PhantomData::<Vec<()>>).is_ok());
    let bytes = [&b"\x8e"[..], &(4_u64 << 20).to_le_bytes(), &vec![0; 4 << 20], b"."].concat();
    assert_eq!(range.refusal::<Vec<u8>>(&PICKLE, &bytes), TOO_MANY);
}

#[test]
fn lengths_beyond_the_input() {
    let range = RANGE.alone();
    for claim in [
        &b"X\xff\xff\xff\xff"[..],
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x8d\0\0\0\0\x01\0\0\0",
        b"\x8c\xff",
        b"B\xff\xff\xff\xff",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x96\0\0\0\0\x04\0\0\0",
        b"C\xff",
        b"\x8a\xff",
        b"\x8b\xff\xff\xff\x7f",
        b"\x8b\xff\xff\xff\xff",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\xff",
        b"r\xff\xff\xff\xff",
        b"j\xff\xff\xff\xff",
        b"p4294967295\n",
        b"p99999999999999999999\n",
        b"g4294967295\n",
    ] {
        refusal(&range, &[claim]);
        refusal(&range, &[b"N", claim, b"."]);
        refusal(&range, &[b"\x80\x05](N", claim, &[b'N'; 100]]);
    }
}

#[test]
fn long_numbers() {
    let range = RANGE.alone();
    let digits = b"9".repeat(4 << 20);
    for (opcode, end) in
        [(b"I", &b"\n."[..]), (b"L", b"L\n."), (b"F", b"\n."), (b"p", b"\n."), (b"g", b"\n."), (b"V", b"")]
    {
        refusal(&range, &[b"N", opcode, &digits, end]);
    }
    refusal(&range, &[b"\x8b\0\0\x40\0", &vec![0x7f; 4 << 20], b"."]);
    refusal(&range, &[b"\x8b\0\0\x40\0", &vec![0x80; 4 << 20], b"."]);
}

#[test]
fn instructions_that_do_more_than_hold_data() {
    let range = RANGE.alone();
    for (name, pickle) in [
        ("GLOBAL", &b"cos\nsystem\n(S'true'\ntR."[..]),
        ("GLOBAL", b"\x80\x02cbuiltins\neval\nX\x04\0\0\0exit\x85R."),
        ("STACK_GLOBAL", b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."),
        ("INST", b"(ios\nsystem\n."),
        ("OBJ", b"(No."),
        ("NEWOBJ", b"\x80\x02N)\x81."),
        ("NEWOBJ_EX", b"\x80\x04N)}\x92."),
        ("REDUCE", b"N)R."),
        ("BUILD", b"N}b."),
        ("EXT1", b"\x80\x02\x82\x01."),
        ("EXT2", b"\x80\x02\x83\x01\0."),
        ("EXT4", b"\x80\x02\x84\x01\0\0\0."),
        ("PERSID", b"Pid\n."),
        ("BINPERSID", b"NQ."),
        ("NEXT_BUFFER", b"\x80\x05\x97."),
        ("READONLY_BUFFER", b"\x80\x05N\x98."),
        ("POP", b"NN0."),
        ("POP_MARK", b"N(NN1."),
        ("DUP", b"N2\x86."),
        ("DUP", &b"]2a".repeat(100_000)),
        ("STRING", b"S'text'\n."),
        ("BINSTRING", b"T\x01\0\0\0a."),
        ("SHORT_BINSTRING", b"U\x01a."),
    ] {
        let words = refusal(&range, &[pickle]).to_string();
        assert!(words.contains(&format!("the instruction {name} at byte ")), "{name}: {words}");
    }
}
