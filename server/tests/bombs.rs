//! Few bytes that ask for much, sealed and sent to a real server: it refuses each, soon and in little memory, and goes on.

#![expect(clippy::unwrap_used, reason = "a test that fails should stop where it fails")]

mod common;

use std::collections::BTreeMap;
use std::time::Instant;

use bulla_codec_testkit::bomb::{self, Case, MEMORY, Range, TIME};
use bulla_core::codec::{Capabilities, Codec, CodecName, DecodeError, EncodeError};
use bulla_core::connection::Open;
use bulla_core::status::{Code, Status};
use bulla_core::value::Value;
use bulla_server::services::Echo;
use bulla_server::{Context, ServerHandle};
use peak_alloc::PeakAlloc;
use serde::de::DeserializeSeed;
use serde::{Deserialize, Serialize};

use self::common::{Client, builder, key};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const RANGE: Range = Range {
    reset: || {
        ALLOCATOR.reset_peak_usage();
        ALLOCATOR.current_usage()
    },
    peak: || ALLOCATOR.peak_usage(),
};

/// What a third party may write: JSON without any limit.
struct Careless;

bulla_core::register_codec!(Careless);

impl Codec for Careless {
    const NAME: CodecName = CodecName::new("careless");
    const MEDIA_TYPE: &'static str = "application/x-careless";

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        serde_json::to_writer(out, value).map_err(EncodeError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let mut deserializer = serde_json::Deserializer::from_slice(input);
        deserializer.disable_recursion_limit();
        let value = seed.deserialize(&mut deserializer).map_err(DecodeError::new)?;
        deserializer.end().map(|()| value).map_err(DecodeError::new)
    }
}

/// Lists in lists.
#[derive(Deserialize)]
struct Tree(#[expect(dead_code, reason = "only decoded")] Vec<Tree>);

#[expect(dead_code, reason = "only decoded")]
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Chain {
    End,
    Link(Box<Chain>),
    Pair(Box<Chain>, u8),
    Named { next: Box<Chain> },
}

#[derive(Deserialize)]
struct Known {
    #[serde(rename = "known")]
    _known: u8,
}

fn taken<T>(_: T, _: &Context) -> Result<(), Status> {
    Ok(())
}

/// `echo` decodes documents on the event loop, the others decode types: on a worker, or on the event loop, too.
const ROUTES: [&str; 7] = ["echo", "document", "tree", "chain", "nothing", "map", "known"];

fn serve(codec: &str) -> ServerHandle {
    let routes = builder()
        .service(Echo)
        .route("document", taken::<Value>)
        .route("tree", taken::<Tree>)
        .route_inline("chain", taken::<Chain>)
        .route("nothing", taken::<Vec<()>>)
        .route_inline("map", taken::<BTreeMap<String, Vec<u64>>>)
        .route("known", taken::<Known>);
    routes.accept([codec]).spawn().unwrap()
}

/// Sends every bomb to every route, on one connection that must last.
///
/// The bounds of one refusal hold for all routes together: memory is that of the whole process, with the bombs on their way.
fn set_off(codec: &str, cases: fn() -> Vec<Case>) {
    let _alone = RANGE.alone();
    let server = serve(codec);
    let document = Value::from("still there?");
    let mut client = Client::connect(&server.addresses()[0], key(), &[codec]).unwrap();
    for case in cases().into_iter().filter(|case| case.is_small) {
        let (before, start) = ((RANGE.reset)(), Instant::now());
        let streams = ROUTES.map(|route| {
            let open = Open { route: route.to_owned(), ..Open::default() };
            client.start_raw(&open, case.bytes.clone())
        });
        for (route, stream) in ROUTES.into_iter().zip(streams) {
            let refusal = client.answer_raw(stream).expect_err("a bomb was taken");
            assert_eq!(refusal.code(), Code::InvalidArgument, "{codec}, {route}, {case:?}: {refusal}");
        }
        let (memory, time) = ((RANGE.peak)().saturating_sub(before), start.elapsed());
        assert!(memory < MEMORY, "{codec} took {memory} bytes of memory for {case:?}");
        assert!(time < TIME * ROUTES.len() as u32, "{codec} took {time:?} for {case:?} on all routes");
        assert_eq!(client.call("echo", &document), Ok(document.clone()), "after {case:?}");
    }
    let mut other = Client::connect(&server.addresses()[0], key(), &[codec]).unwrap();
    assert_eq!(other.call("echo", &document), Ok(document), "others are served, too");
    server.shutdown();
}

#[test]
fn bombs_in_bincode() {
    set_off("bincode", bomb::bincode);
}

#[test]
fn bombs_in_cbor() {
    set_off("cbor", bomb::cbor);
}

#[test]
fn bombs_in_json() {
    set_off("json", bomb::json);
}

#[test]
fn bombs_in_msgpack() {
    set_off("msgpack", bomb::msgpack);
}

#[test]
fn bombs_in_pickle() {
    set_off("pickle", bomb::pickle);
}

#[test]
fn bombs_in_postcard() {
    set_off("postcard", bomb::postcard);
}

#[test]
fn bombs_in_xml() {
    set_off("xml", bomb::xml);
}

#[test]
fn bombs_in_yaml() {
    set_off("yaml", bomb::yaml);
}

#[test]
fn bombs_in_a_codec_that_does_nothing_about_them() {
    set_off("careless", bomb::json);
}
