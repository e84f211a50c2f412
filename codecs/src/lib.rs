//! The stock codecs of Bulla, one feature each.
//!
//! | feature | codec | crate | self-describing | for |
//! |---|---|---|---|---|
//! | `json` | `json` | `bulla-codec-json` | yes | programs in any language |
//! | `cbor` | `cbor` | `bulla-codec-cbor` | yes | the same, where bytes and exact numbers matter |
//! | `msgpack` | `msgpack` | `bulla-codec-msgpack` | yes | the same, where MessagePack is spoken already |
//! | `xml` | `xml` | `bulla-codec-xml` | yes | what speaks only that |
//! | `yaml` | `yaml` | `bulla-codec-yaml` | yes | people |
//! | `bincode` | `bincode` | `bulla-codec-bincode` | no | Rust programs that share their types: the fastest |
//! | `postcard` | `postcard` | `bulla-codec-postcard` | no | the same, on small devices |
//! | `pickle` | `pickle` | `bulla-codec-pickle` | yes | Python programs that have nothing else |
//!
//! All but `pickle` are on by default. A feature only links its crate: discovery then finds the codec, and whether a server accepts it is
//! for the server's config to say. `pickle` wants to be named even then: a server accepts it, and a client offers it, only if its own list
//! says so. A program that depends on this crate must name it once, or the linker drops it:
//!
//! ```
//! use bulla_codecs as _;
//! ```

mod linked;

#[cfg(feature = "bincode")]
pub use bulla_codec_bincode as bincode;
#[cfg(feature = "cbor")]
pub use bulla_codec_cbor as cbor;
#[cfg(feature = "json")]
pub use bulla_codec_json as json;
#[cfg(feature = "msgpack")]
pub use bulla_codec_msgpack as msgpack;
#[cfg(feature = "pickle")]
pub use bulla_codec_pickle as pickle;
#[cfg(feature = "postcard")]
pub use bulla_codec_postcard as postcard;
#[cfg(feature = "xml")]
pub use bulla_codec_xml as xml;
#[cfg(feature = "yaml")]
pub use bulla_codec_yaml as yaml;

pub use self::linked::Linked;

/// The README's codec compiles and works.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
