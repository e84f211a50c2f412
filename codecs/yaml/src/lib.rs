//! YAML for Bulla: written by `serde-saphyr`, read from the events of `granit-parser`, its parser.
//!
//! | value | YAML |
//! |---|---|
//! | struct, map | block mapping; keys of any kind |
//! | sequence, tuple | block sequence |
//! | unit variant | `Name` |
//! | other variants | `Name: …` (a mapping with one entry; no tags) |
//! | `None`, unit | `null` |
//! | bytes | `!!binary`, base64 |
//! | integers, 128 bits too | decimal |
//! | floats | the shortest text that reads back as the same bits; `.inf`, `-.inf`, `.nan` |
//! | strings | plain, quoted or as a block: whatever reads back as the same string |
//!
//! Scalars follow the core schema of YAML 1.2 (section 10.3): only `true` and `false` are booleans; `no` and `1_000` are strings. One
//! exception: a number with leading zeros is a string. What YAML 1.1 would read differently is quoted on writing, so that older
//! readers agree. The other way round there is no telling: a writer of YAML 1.1, such as PyYAML, leaves the texts `1e3` and `0o7` plain, and
//! by 1.2 they are numbers. A typed reader that wants text takes `5` and `true` as text.
//!
//! Refused on writing: `Some(None)`. Refused on reading: aliases (and with them every document that grows when it is read), tags other
//! than YAML's own, numbers that no type can hold, a second document, an empty one, and one of more than a million events (scalars,
//! and beginnings and ends of collections). `<<` is an ordinary key. Repeated keys are treated as in the other codecs: a struct
//! refuses them, a `Value` keeps both.
//!
//! `serde_yaml` does neither half. Its parser is unmaintained and must not see a peer's bytes; its writer fails on bytes and
//! nested enums, and its `0X1`, `1e999`, U+2028 and `!Variant` come back as something else or not at all. What it writes for everything
//! else is read here, and what is written here it reads.

mod error;
mod read;
mod scalar;

use std::collections::BTreeMap;

use bulla_core::codec::{Capabilities, Capability, Codec, CodecName, DecodeError, EncodeError};
use serde::{Serialize, de::DeserializeSeed};

/// The codec `yaml`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Yaml;

/// The codec `yaml`, as a value.
pub const YAML: Yaml = Yaml;

bulla_core::register_codec!(YAML);

const CAPABILITIES: Capabilities = Capabilities::all().without(Capability::NestedOptions);

impl Codec for Yaml {
    const NAME: CodecName = CodecName::new("yaml");
    const MEDIA_TYPE: &'static str = "application/yaml";

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        serde_saphyr::to_io_writer(out, &value).map_err(EncodeError::new)?;
        if may_be_blob(&out[start..]) {
            let mut field = Vec::new();
            serde_saphyr::to_io_writer(&mut field, &BTreeMap::from([("k", value)])).map_err(EncodeError::new)?;
            if let Some(blob) = field.strip_prefix(b"k: ").filter(|blob| blob.starts_with(b"!!binary")) {
                out.truncate(start);
                out.extend_from_slice(blob);
            }
        }
        Ok(())
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        read::decode(input, seed)
    }
}

/// Whether a document may be bytes: the library writes them as `!!binary` everywhere but at the root, where they become a list of
/// numbers. Bytes must not come back as a list, so the codec looks at what they are as a field.
fn may_be_blob(document: &[u8]) -> bool {
    document == b"[]\n" || matches!(document, [b'-', b' ', b'0'..=b'9', ..])
}
