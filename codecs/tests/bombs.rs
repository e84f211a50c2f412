//! The bomb table: every codec, every bomb, how long it took and how much memory.
//!
//! `cargo test -p bulla-codecs --release --test bombs -- --nocapture` shows it.

use bulla_codec_testkit::bomb::{self, Alone, Case, Range, Row};
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

#[test]
fn every_codec_refuses_every_bomb() {
    let range = RANGE.alone();
    let mut table = Table::new(&range);
    table.set_off(&bulla_codecs::bincode::BINCODE, bomb::bincode());
    table.set_off(&bulla_codecs::cbor::CBOR, bomb::cbor());
    table.set_off(&bulla_codecs::json::JSON, bomb::json());
    table.set_off(&bulla_codecs::msgpack::MSGPACK, bomb::msgpack());
    table.set_off(&bulla_codec_pickle::PICKLE, bomb::pickle());
    table.set_off(&bulla_codecs::postcard::POSTCARD, bomb::postcard());
    table.set_off(&bulla_codecs::xml::XML, bomb::xml());
    table.set_off(&bulla_codecs::yaml::YAML, bomb::yaml());
    assert_eq!(table.breaches(), [""; 0]);
}

/// Codecs that leave everything to the adaptor, with the limits of their crates lifted. What a parser does before it asks what to read
/// is out of the adaptor's reach, such as `serde_yaml`, which takes in the whole document first.
#[test]
fn the_adaptor_guards_codecs_that_do_nothing_about_bombs() {
    let range = RANGE.alone();
    let mut table = Table::new(&range);
    table.set_off(&Careless(Json), bomb::json());
    table.set_off(&Careless(MessagePack), bomb::msgpack());
    assert_eq!(table.breaches(), [""; 0]);
}

struct Table<'a> {
    range: &'a Alone,
    rows: Vec<Row>,
}

impl<'a> Table<'a> {
    fn new(range: &'a Alone) -> Self {
        println!("{}", Row::heads());
        Self { range, rows: Vec::new() }
    }

    fn set_off<C: Codec>(&mut self, codec: &C, mut cases: Vec<Case>) {
        // Reading a large message again and again takes minutes in a build that is not optimised.
        cases.retain(|case| case.is_small || !cfg!(debug_assertions));
        self.rows.extend(self.range.table(codec, &cases, |row| println!("{row}")));
    }

    fn breaches(&self) -> Vec<String> {
        self.rows.iter().filter_map(Row::breach).collect()
    }
}

/// A codec that does as its crate does, and nothing more.
struct Careless<F>(F);

trait Format: Send + Sync + 'static {
    const NAME: &'static str;

    fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError>;
    fn read<'de, S: DeserializeSeed<'de>>(input: &'de [u8], seed: S) -> Result<S::Value, DecodeError>;
}

impl<F: Format> Codec for Careless<F> {
    const NAME: CodecName = CodecName::new(F::NAME);
    const MEDIA_TYPE: &'static str = "application/x-careless";

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        F::write(value, out)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        F::read(input, seed)
    }
}

struct Json;

impl Format for Json {
    const NAME: &'static str = "serde_json";

    fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        serde_json::to_writer(out, value).map_err(EncodeError::new)
    }

    fn read<'de, S: DeserializeSeed<'de>>(input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let mut deserializer = serde_json::Deserializer::from_slice(input);
        deserializer.disable_recursion_limit();
        let value = seed.deserialize(&mut deserializer).map_err(DecodeError::new)?;
        deserializer.end().map(|()| value).map_err(DecodeError::new)
    }
}

struct MessagePack;

impl Format for MessagePack {
    const NAME: &'static str = "rmp-serde";

    fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        rmp_serde::encode::write_named(out, value).map_err(EncodeError::new)
    }

    fn read<'de, S: DeserializeSeed<'de>>(input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(input);
        deserializer.set_max_depth(usize::MAX);
        seed.deserialize(&mut deserializer).map_err(DecodeError::new)
    }
}
