//! What the tests share: encode and decode as a program would, through the adaptor.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fmt::Debug;

use bulla_codec_xml::XML;
use bulla_core::codec::{DecodeError, DecodeLimits, ErasedCodec, guard};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The document of a value, which is the same by the erased and by the compiled way.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> String {
    let bytes = (&XML as &dyn ErasedCodec).encode_to_vec(value).unwrap();
    let mut compiled = Vec::new();
    guard::encode(&XML, value, DecodeLimits::DEFAULT.depth, &mut compiled).unwrap();
    assert_eq!(bytes, compiled);
    String::from_utf8(bytes).unwrap()
}

/// The value of a document, which is the same by the erased and by the compiled way.
pub fn decode<'de, T: Deserialize<'de>>(document: &'de (impl AsRef<[u8]> + ?Sized)) -> Result<T, DecodeError> {
    let compiled = guard::decode(&XML, document.as_ref(), std::marker::PhantomData::<T>, DecodeLimits::DEFAULT);
    let erased = (&XML as &dyn ErasedCodec).decode_as::<T>(document.as_ref(), DecodeLimits::DEFAULT);
    assert_eq!(compiled.is_ok(), erased.is_ok());
    erased
}

/// Encodes and decodes; the result must be equal, and have the same document again.
#[track_caller]
pub fn assert_exact<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let document = encode(value);
    match decode::<T>(&document) {
        Ok(back) => {
            assert_eq!(&back, value, "{document}");
            assert_eq!(encode(&back), document);
        }
        Err(error) => panic!("{error}: {document}"),
    }
}

/// Bytes, as serde knows them: `Vec<u8>` alone is a list of numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob(pub Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BlobVisitor;
        impl serde::de::Visitor<'_> for BlobVisitor {
            type Value = Blob;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BlobVisitor)
    }
}
