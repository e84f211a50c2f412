//! The stock codecs of Bulla, one feature each.
//!
//! | feature | codec | crate | self-describing | for |
//! |---|---|---|---|---|
//! | `json` | `json` | `bulla-codec-json` | yes | programs in any language |
//! | `xml` | `xml` | `bulla-codec-xml` | yes | what speaks only that |
//! | `yaml` | `yaml` | `bulla-codec-yaml` | yes | people |
//! | `bincode` | `bincode` | `bulla-codec-bincode` | no | Rust programs that share their types: the fastest |
//!
//! All four are on by default. A feature only links its crate: discovery then finds the codec, and whether a server accepts it is for the
//! server's config to say. A program that depends on this crate must name it once, or the linker drops it:
//!
//! ```
//! use bulla_codecs as _;
//! ```

#[cfg(feature = "bincode")]
pub use bulla_codec_bincode as bincode;
#[cfg(feature = "json")]
pub use bulla_codec_json as json;
#[cfg(feature = "xml")]
pub use bulla_codec_xml as xml;
#[cfg(feature = "yaml")]
pub use bulla_codec_yaml as yaml;
