//! XML for Bulla: a serde serializer and deserializer of its own over the reader and writer of `quick-xml`.
//!
//! The whole data model of serde goes through exactly: what XML lacks (types of scalars, lists, null, odd keys, control
//! characters) is said by standard attributes where there are some, else by a few of our own. Strings, structs and maps with
//! ordinary keys need none:
//!
//! ```
//! # use bulla_codec_xml::XML;
//! # use bulla_core::codec::{DecodeLimits, ErasedCodec};
//! # use serde::{Deserialize, Serialize};
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct Person {
//!     first_name: String,
//!     age: u8,
//!     tags: Vec<String>,
//! }
//!
//! let codec: &dyn ErasedCodec = &XML;
//! let ada = Person { first_name: "Ada".into(), age: 36, tags: vec!["math".into()] };
//! let bytes = codec.encode_to_vec(&ada)?;
//! # let expected =
//! r#"<Person xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:bulla="urn:bulla:xml">
//!     <first_name>Ada</first_name>
//!     <age xsi:type="xs:integer">36</age>
//!     <tags xsi:type="bulla:list"><item>math</item></tags>
//! </Person>"#;
//! # assert_eq!(String::from_utf8(bytes.clone())?, expected.replace("\n", "").replace("    ", ""));
//! assert_eq!(codec.decode_as::<Person>(&bytes, DecodeLimits::default())?, ada);
//!
//! // What another program writes needs no marks where the type says what is meant.
//! let foreign = b"<record>
//!     <first_name>Ada</first_name> <age> 36 </age> <tags>math</tags>
//! </record>";
//! assert_eq!(codec.decode_as::<Person>(foreign, DecodeLimits::default())?, ada);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is written
//! One element, without XML declaration, indentation or document type, in UTF-8. The root is named for the type, or `value`.
//! A namespace is declared on it if it is used: `xsi` and `xs` are those of XML Schema, `bulla` is `urn:bulla:xml`.
//!
//! | value | element `<x>` |
//! |---|---|
//! | string, `char`, unit variant | `<x>text</x>`; a carriage return is `&#13;` |
//! | string with characters that XML 1.0 forbids | `<x xsi:type="bulla:escaped">a\u0000b</x>`: `\uXXXX`, and `\\` for the backslash |
//! | `bool` | `<x xsi:type="xs:boolean">true</x>` |
//! | integers, 128 bits too | `<x xsi:type="xs:integer">36</x>` |
//! | `f32`, `f64` | `<x xsi:type="xs:double">1.5</x>`, `xs:float`: the shortest text of the same bits, `INF`, `-INF`, `NaN` |
//! | any other NaN | `<x xsi:type="bulla:nan">fff8000000000000</x>`: its bits |
//! | bytes | `<x xsi:type="xs:base64Binary">AAEC</x>` |
//! | unit, `None` | `<x xsi:nil="true"/>` |
//! | `Some(y)`, newtype struct | as `y` |
//! | `Some(None)`, `Some(())` | `<x xsi:type="bulla:some"><value xsi:nil="true"/></x>` |
//! | sequence, tuple | `<x xsi:type="bulla:list"><item>a</item><item>b</item></x>` |
//! | struct, map | `<x><name>a</name><other>b</other></x>`; an empty one is `<x xsi:type="bulla:map"/>` |
//! | key that is no name | `<x><bulla:entry key="first name">a</bulla:entry></x>` |
//! | key that is no string | `<x><bulla:entry><key xsi:type="xs:integer">1</key><value>a</value></bulla:entry></x>` |
//! | other variants | `<x><Variant>…</Variant></x>`, a map of one entry |
//!
//! A key is a name if every edition of XML 1.0 takes it for one (ASCII, and the letters of common scripts), it has no colon, and does not
//! begin with `xml`. A key that a map holds twice is written as
//! a `bulla:entry` the second time. Nothing is refused but what nests deeper than [`MAX_DEPTH`].
//!
//! # What is read
//! Every well-formed document in UTF-8 without document type, and with the marks above anywhere. A mark decides what an element
//! is. Without mark it is what the type asks for:
//!
//! - numbers and booleans (`true`, `false`, `1`, `0`) may have white space around them; bytes are base64;
//! - a list is the repeated elements of one name, wherever they stand among the others; a single one is a list of one (and
//!   if it has a mark, that of a number say, it is the item's). If it is empty, or all its children are named `item`, it holds the items itself;
//! - attributes are entries named `@name`. A struct with a field `$text` (by `#[serde(rename = "$text")]`) finds the text of an
//!   element without children there;
//! - an element named for a variant of an enum stands in the field's element; a unit variant may be text.
//!
//! ```
//! # use bulla_codec_xml::XML;
//! # use bulla_core::codec::{DecodeLimits, ErasedCodec};
//! # use serde::Deserialize;
//! #[derive(Deserialize, PartialEq, Debug)]
//! struct Order {
//!     #[serde(rename = "@id")]
//!     id: u32,
//!     line: Vec<Line>,
//! }
//! #[derive(Deserialize, PartialEq, Debug)]
//! struct Line {
//!     #[serde(rename = "@count")]
//!     count: u8,
//!     #[serde(rename = "$text")]
//!     article: String,
//! }
//!
//! let document = br#"<?xml version="1.0" encoding="UTF-8"?>
//! <order id="7">
//!   <line count="2">tea &amp; milk</line>
//!   <line count="1"><![CDATA[<sugar>]]></line>
//! </order>"#;
//! let order: Order = (&XML as &dyn ErasedCodec).decode_as(document, DecodeLimits::default())?;
//! assert_eq!(order.id, 7);
//! assert_eq!(order.line[0], Line { count: 2, article: "tea & milk".into() });
//! assert_eq!(order.line[1], Line { count: 1, article: "<sugar>".into() });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where no type asks (a [`Value`](bulla_core::value::Value), or what serde buffers for flattened, untagged and internally tagged
//! types), an element without mark is
//!
//! - a map in document order, if it has children or attributes; repeated names are one list at the place of the first, and text beside
//!   attributes is the entry `$text`;
//! - else a string, exactly as it stands there: also an empty one.
//!
//! ```
//! # use bulla_codec_xml::XML;
//! # use bulla_core::codec::{DecodeLimits, ErasedCodec};
//! # use bulla_core::value::Value;
//! let document = br#"<a><b c="1">x</b><d/><b>y</b></a>"#;
//! let value: Value = (&XML as &dyn ErasedCodec).decode_as(document, DecodeLimits::default())?;
//! assert_eq!(value.to_string(), r#"{"b": [{"@c": "1", "$text": "x"}, "y"], "d": ""}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Names keep their prefixes as written (`soap:Body`); the declarations of namespaces and the other attributes of `xsi` are no
//! entries. `xsi`, `xs` and `bulla` are known by their namespaces, under any prefix; where a document declares nothing, the prefixes
//! `xsi`, `xs`, `xsd` and `bulla` have their usual meaning. The name of the root is not compared with anything.
//!
//! Refused, each with its reason: whatever is not well-formed by XML 1.0, fifth edition; document types and with them all
//! entities but the five predefined; other encodings; text between child elements, where the element is not skipped;
//! more than [`MAX_ATTRIBUTES`] attributes on an element; elements deeper than [`MAX_DEPTH`].
//!
//! Reading takes time linear in the length of the document, and memory, besides the value, in proportion to it: some forty bytes for
//! each byte of a document that is nothing but tiny elements, and little for one that is mostly text. What is skipped costs
//! nothing more, however deep it is.

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

/// The codec `xml`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Xml;

/// The codec `xml`, as a value.
pub const XML: Xml = Xml;

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

bulla_core::register_codec!(XML);

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
