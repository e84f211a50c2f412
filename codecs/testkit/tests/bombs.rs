//! The bomb table finds out a codec that does not refuse, or not cheaply.

use std::time::{Duration, Instant};

use bulla_codec_testkit::bomb::{Case, MEMORY, Range, Row, TIME, json};
use bulla_core::codec::{Capabilities, Codec, CodecName, DecodeError, EncodeError};
use peak_alloc::PeakAlloc;
use serde::Serialize;
use serde::de::DeserializeSeed;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const RANGE: Range = Range {
    reset: || {
        ALLOCATOR.reset_peak_usage();
        ALLOCATOR.current_usage()
    },
    peak: || ALLOCATOR.peak_usage(),
};

/// JSON, after it has done something foolish.
struct Foolish(fn(&[u8]) -> &[u8]);

impl Codec for Foolish {
    const NAME: CodecName = CodecName::new("foolish");
    const MEDIA_TYPE: &'static str = "application/json";

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    fn encode<T: Serialize + ?Sized>(&self, _: &T, _: &mut Vec<u8>) -> Result<(), EncodeError> {
        Err(EncodeError::new("not used"))
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let mut deserializer = serde_json::Deserializer::from_slice(self.0(input));
        let value = seed.deserialize(&mut deserializer).map_err(DecodeError::new)?;
        deserializer.end().map(|()| value).map_err(DecodeError::new)
    }
}

fn breaches(foolishness: fn(&[u8]) -> &[u8]) -> Vec<Option<String>> {
    let range = RANGE.alone();
    let cases = [Case::new("a bracket", *b"["), Case::new("brackets", b"[".repeat(100_000))];
    range.table(&Foolish(foolishness), &cases, |_| {}).iter().map(Row::breach).collect()
}

#[test]
fn a_codec_that_refuses_cheaply_is_in_order() {
    assert_eq!(breaches(|input| input), [None, None]);
}

#[test]
fn a_codec_that_takes_a_bomb_for_something_else_is_found_out() {
    let found = breaches(|_| b"null");
    let expected = "foolish took brackets as a document";
    assert_eq!(found[1].as_deref(), Some(expected));
}

#[test]
fn a_codec_that_reserves_what_it_does_not_need_is_found_out() {
    let found = breaches(|input| {
        drop(std::hint::black_box(Vec::<u8>::with_capacity(64 << 20)));
        input
    });
    let words = found[0].as_deref().unwrap();
    assert!(words.starts_with("foolish took ") && words.ends_with(" bytes of memory for a bracket"), "{words}");
}

#[test]
fn a_codec_that_takes_its_time_is_found_out() {
    const WORK: Duration = Duration::from_millis(5);
    let range = RANGE.alone();
    let slow = Foolish(|input| {
        let start = Instant::now();
        while start.elapsed() < WORK {
            std::hint::spin_loop();
        }
        input
    });
    let mut row = range.table(&slow, &[Case::new("a bracket", *b"[")], |_| {}).remove(0);
    assert!(row.time > WORK / 5, "{:?}", row.time);
    row.time = TIME;
    assert_eq!(row.breach(), Some(format!("foolish took {TIME:?} for a bracket")));
    row.is_small = false;
    assert_eq!(row.breach(), None, "reading much takes what it takes");
    row.memory = MEMORY;
    assert!(row.breach().is_some(), "but not all memory");
}

#[test]
fn a_row_reads_as_the_heads_say() {
    let range = RANGE.alone();
    let rows = range.table(&Foolish(|input| input), &json()[..1], |_| {});
    let (heads, row) = (Row::heads(), rows[0].to_string());
    assert!(heads.starts_with("codec            bomb "), "{heads}");
    assert!(row.starts_with("foolish          lists, 100,000 deep "), "{row}");
    assert!(row.ends_with("nested deeper than 64 levels"), "{row}");
    assert_eq!(row.find("  nested"), heads.find("  refused"));
}
