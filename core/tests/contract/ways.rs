//! Compiled for a codec or through a pointer: the same results.

use bulla_core::codec::{Codec, DecodeError, DecodeLimits, EncodeError, ErasedCodec, guard};
use bulla_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::codecs::{Bincode, Json};

/// Encodes both ways and proves them equal, whether they succeed or fail.
pub(crate) fn encode<C: Codec, T: Serialize + ?Sized>(codec: &C, value: &T) -> Result<Vec<u8>, EncodeError> {
    let erased: &dyn ErasedCodec = codec;
    let mut compiled = b"before".to_vec();
    let result = guard::encode(codec, value, DecodeLimits::DEFAULT.depth, &mut compiled);
    let mut pointed = b"before".to_vec();
    assert_eq!(erased.encode(value, DecodeLimits::DEFAULT.depth, &mut pointed), result);
    assert_eq!(compiled, pointed);
    assert_eq!(&compiled[..6], b"before");
    if result.is_err() {
        assert_eq!(compiled, b"before", "an encode that fails leaves nothing behind");
    } else {
        assert_eq!(erased.encode_to_vec(value).as_deref(), Ok(&compiled[6..]));
    }
    result.map(|()| compiled.split_off(6))
}

/// Decodes both ways and proves them equal, whether they succeed or fail.
pub(crate) fn decode_within<'de, T: Deserialize<'de> + Serialize>(
    codec: &impl Codec,
    input: &'de [u8],
    limits: DecodeLimits,
) -> Result<T, DecodeError> {
    let compiled: Result<T, _> = guard::decode(codec, input, std::marker::PhantomData, limits);
    let erased: &dyn ErasedCodec = codec;
    let pointed: Result<T, _> = erased.decode_as(input, limits);
    // As documents, so that NaN equals itself.
    let document = |result: &Result<T, DecodeError>| result.as_ref().map(Value::from_serialize).map_err(Clone::clone);
    assert_eq!(document(&compiled), document(&pointed));
    compiled
}

pub(crate) fn decode<'de, T: Deserialize<'de> + Serialize>(
    codec: &impl Codec,
    input: &'de [u8],
) -> Result<T, DecodeError> {
    decode_within(codec, input, DecodeLimits::DEFAULT)
}

#[test]
fn text_and_bytes_are_borrowed_from_the_input() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Borrowed<'a> {
        name: &'a str,
        #[serde(borrow)]
        more: Vec<&'a str>,
    }
    let value = Borrowed { name: "Ada", more: vec!["a", "b"] };
    for codec in [&Json as &dyn ErasedCodec, &Bincode] {
        let bytes = codec.encode_to_vec(&value).unwrap();
        let back: Borrowed<'_> = codec.decode_as(&bytes, DecodeLimits::default()).unwrap();
        assert_eq!(back, value);
        assert!(bytes.as_ptr_range().contains(&back.name.as_ptr()));
    }
    assert_eq!(decode::<Borrowed<'_>>(&Bincode, &encode(&Bincode, &value).unwrap()).unwrap(), value);
}

#[test]
fn a_seed_carries_its_state_through() {
    use serde::de::{DeserializeSeed, Deserializer};

    struct Plus(u32);
    impl<'de> DeserializeSeed<'de> for Plus {
        type Value = u32;
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
            Ok(self.0 + u32::deserialize(deserializer)?)
        }
    }
    let codec: &dyn ErasedCodec = &Json;
    assert_eq!(codec.decode_seed(b"2", Plus(40), DecodeLimits::default()), Ok(42));
    assert_eq!(guard::decode(&Json, b"2", Plus(40), DecodeLimits::default()), Ok(42));
}

#[test]
fn what_trails_the_value_is_an_error() {
    assert_eq!(decode::<u8>(&Bincode, &[7, 0, 0]), Err(DecodeError::Trailing(2)));
    assert!(matches!(decode::<u8>(&Json, b"7 8"), Err(DecodeError::Malformed(_))));
    assert_eq!(decode::<u8>(&Json, b" 7 "), Ok(7));
}

#[test]
fn a_codec_complains_in_its_own_words() {
    let error = decode::<(u8, bool)>(&Json, b"[1, \"\x1b[31mred\"]").unwrap_err();
    let DecodeError::Malformed(text) = &error else { panic!("{error:?}") };
    assert!(text.contains("bool") || text.contains("control character"), "{text}");
    assert!(!text.contains('\x1b'));
    let error = decode::<u8>(&Json, b"\"much\"").unwrap_err();
    assert!(error.to_string().contains("expected u8"), "{error}");
}

#[test]
fn the_codec_says_whether_people_read_it() {
    let address: std::net::IpAddr = "127.0.0.1".parse().unwrap();
    assert_eq!(encode(&Json, &address).unwrap(), br#""127.0.0.1""#);
    assert_eq!(encode(&Bincode, &address).unwrap(), [0, 127, 0, 0, 1]);
}

#[test]
fn text_in_pieces_goes_through_formats_that_refuse_to_collect_it() {
    struct Pieces;
    impl Serialize for Pieces {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&format_args!("{}-{}", 2026, "11"))
        }
    }
    assert_eq!(decode::<String>(&Bincode, &encode(&Bincode, &Pieces).unwrap()).unwrap(), "2026-11");
    assert_eq!(decode::<String>(&Json, &encode(&Json, &Pieces).unwrap()).unwrap(), "2026-11");
}
