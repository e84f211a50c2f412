//! The xml codec of Bulla.

mod de;
mod document;
mod error;
mod marks;
mod names;
mod scalar;
mod ser;
mod text;

use bulla_core::codec::{Capabilities, Codec, CodecName, DecodeError, EncodeError};
use serde::Serialize;
use serde::de::DeserializeSeed;

use crate::de::ElementDeserializer;
use crate::document::parse_document;
use crate::ser::write_document;

/// The deepest nesting of elements that is written and read.
pub const MAX_DEPTH: u32 = 256;

/// The most attributes that one element may have.
pub const MAX_ATTRIBUTES: usize = 1024;

/// The codec, as a value.
pub const XML: Xml = Xml;

/// The xml codec.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Xml;

impl Codec for Xml {
    const NAME: CodecName = CodecName::new("xml");
    const MEDIA_TYPE: &'static str = "application/xml";

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Ok(write_document(value, out)?)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        let document = parse_document(input)?;
        Ok(seed.deserialize(ElementDeserializer::new(document.root()))?)
    }
}

/// The name of the root, where no type names it.
const ROOT: &str = "value";
/// The name of a list's item.
const ITEM: &str = "item";
/// The local name of our own element for an entry whose key is no name, and the same with our prefix.
const ENTRY: &str = "entry";
const OWN_ENTRY: &str = "bulla:entry";
/// The key of such an entry: an attribute, or an element.
const KEY: &str = "key";
/// The value of such an entry, where the key is an element; also what stands inside `bulla:some`.
const VALUE: &str = "value";
