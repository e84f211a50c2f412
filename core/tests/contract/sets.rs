//! Sets of codecs known by type: who is compiled, who goes through a pointer, and that nobody can tell.

use bulla_core::codec::{
    Capabilities, Codec, CodecName, CodecRegistry, CodecSet, DecodeError, DecodeLimits, EncodeError, ErasedCodec,
};
use serde::Serialize;
use serde::de::DeserializeSeed;

use crate::codecs::{Bincode, Json};

/// Another codec of the name `json`: its bytes are bincode's.
struct Namesake;

impl Codec for Namesake {
    const NAME: CodecName = Json::NAME;
    const MEDIA_TYPE: &'static str = "application/x-other";

    fn capabilities(&self) -> Capabilities {
        Codec::capabilities(&Bincode)
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Bincode.encode(value, out)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        Codec::decode(&Bincode, input, seed)
    }
}

/// A codec with a state: what a set must not make anew.
struct Prefixed(u8);

impl Codec for Prefixed {
    const NAME: CodecName = CodecName::new("prefixed");
    const MEDIA_TYPE: &'static str = "application/x-prefixed";

    fn capabilities(&self) -> Capabilities {
        Codec::capabilities(&Json)
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.push(self.0);
        Json.encode(value, out)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        match input.split_first() {
            Some((first, rest)) if *first == self.0 => Codec::decode(&Json, rest, seed),
            _ => Err(DecodeError::new("not the prefix")),
        }
    }
}

const VALUE: (&str, Option<u8>, [i64; 2]) = ("Ada", Some(36), [-1, i64::MAX]);

type Value<'a> = (&'a str, Option<u8>, [i64; 2]);

fn round_trip<S: CodecSet>(codec: &dyn ErasedCodec) -> Vec<u8> {
    let bytes = S::encode_to_vec(codec, &VALUE).unwrap();
    assert_eq!(bytes, codec.encode_to_vec(&VALUE).unwrap());
    let decoded: Value<'_> = S::decode_as(codec, &bytes, DecodeLimits::default()).unwrap();
    assert_eq!(decoded, VALUE);
    let fault = S::decode_as::<Value<'_>>(codec, &bytes[..bytes.len() - 1], DecodeLimits::default());
    assert!(matches!(fault, Err(DecodeError::Malformed(_))), "{fault:?}");
    bytes
}

#[test]
fn every_set_gives_what_the_codec_gives() {
    for codec in [&Json as &dyn ErasedCodec, &Bincode, &Namesake, &Prefixed(7)] {
        let bytes = round_trip::<()>(codec);
        assert_eq!(round_trip::<(Json, ())>(codec), bytes);
        assert_eq!(round_trip::<(Bincode, (Json, ()))>(codec), bytes);
        assert_eq!(round_trip::<(Json, (Bincode, (Prefixed, ())))>(codec), bytes);
    }
}

#[test]
fn a_set_knows_its_codecs_by_type_and_not_by_name() {
    let namesake: &dyn ErasedCodec = &Namesake;
    assert_eq!(namesake.name(), Json::NAME);
    assert_eq!(round_trip::<(Json, ())>(namesake), round_trip::<()>(&Bincode));
}

#[test]
fn a_set_uses_the_very_codec_that_was_found() {
    let registry = CodecRegistry::empty().with(Prefixed(b'!')).unwrap();
    let codec = registry.require(&Prefixed::NAME).unwrap();
    assert_eq!(<(Prefixed, ())>::encode_to_vec(&**codec, &1).unwrap(), b"!1");
}

#[test]
fn a_refusal_is_the_same_and_leaves_no_trace() {
    fn refused<S: CodecSet>() -> (Result<(), EncodeError>, Vec<u8>) {
        let mut out = b"before".to_vec();
        (S::encode(&Json, &[1.0, f64::NAN], 64, &mut out), out)
    }
    let compiled = refused::<(Json, ())>();
    assert_eq!(compiled, refused::<()>());
    assert!(compiled.0.is_err());
    assert_eq!(compiled.1, b"before");
}
