//! A linked codec as programs list it.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::codec::{Capability, RegisteredCodec};

/// As `name`, `media_type`, `crate`, `version`, `capabilities`, `missing` (those it has not) and `opt_in`.
///
/// ```
/// # use bulla_core::codec::CodecRegistry;
/// // What `bulla codecs --json` and `bulla-server codecs --json` write for each codec.
/// let lines: Vec<String> =
///     CodecRegistry::discovered()?.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for RegisteredCodec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (codec, origin) = (self.codec(), self.origin());
        let has = codec.capabilities();
        let names = |wanted: bool| -> Vec<_> {
            Capability::ALL.into_iter().filter(|one| has.has(*one) == wanted).map(Capability::name).collect()
        };
        let mut listing = serializer.serialize_struct("RegisteredCodec", 7)?;
        listing.serialize_field("name", codec.name().as_str())?;
        listing.serialize_field("media_type", codec.media_type())?;
        listing.serialize_field("crate", origin.name())?;
        listing.serialize_field("version", &origin.version())?;
        listing.serialize_field("capabilities", &names(true))?;
        listing.serialize_field("missing", &names(false))?;
        listing.serialize_field("opt_in", &has.is_opt_in())?;
        listing.end()
    }
}

/// As a row of text.
impl RegisteredCodec {
    /// The heads of [`columns`](Self::columns).
    pub const HEADS: [&'static str; 5] = ["codec", "media type", "crate", "version", "can carry"];

    /// Name, media type, crate, version and capabilities, as text for a table.
    #[must_use]
    pub fn columns(&self) -> [String; 5] {
        let (codec, origin) = (self.codec(), self.origin());
        let has = codec.capabilities();
        let mut capabilities = has.iter().map(Capability::name).collect::<Vec<_>>().join(", ");
        if has.is_opt_in() {
            capabilities.push_str("; only when named");
        }
        let version = origin.version().unwrap_or("-").to_owned();
        [codec.name().to_string(), codec.media_type().to_owned(), origin.name().to_owned(), version, capabilities]
    }
}
