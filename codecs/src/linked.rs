//! The stock codecs by type, as far as features link them.

/// The stock codecs that are worth code of their own, as far as this crate's features link them: the `CodecSet` through which servers
/// and clients take every message. Without features it is empty, and costs nothing.
///
/// Each codec in it compiles each type that crosses the wire once more. These five add a third to what the two stock programs, and a
/// test of many types, take to compile without optimisation; `xml` and `yaml` would double that price, and what they spend on a message
/// is their own parsing. So these two go through their pointers, as does every codec of somebody else's: the same results, for more
/// time a message.
pub type Linked = Bincode<Json<Postcard<Cbor<Msgpack<()>>>>>;

#[cfg(feature = "bincode")]
type Bincode<Rest> = (crate::bincode::Bincode, Rest);
#[cfg(not(feature = "bincode"))]
type Bincode<Rest> = Rest;

#[cfg(feature = "json")]
type Json<Rest> = (crate::json::Json, Rest);
#[cfg(not(feature = "json"))]
type Json<Rest> = Rest;

#[cfg(feature = "postcard")]
type Postcard<Rest> = (crate::postcard::Postcard, Rest);
#[cfg(not(feature = "postcard"))]
type Postcard<Rest> = Rest;

#[cfg(feature = "cbor")]
type Cbor<Rest> = (crate::cbor::Cbor, Rest);
#[cfg(not(feature = "cbor"))]
type Cbor<Rest> = Rest;

#[cfg(feature = "msgpack")]
type Msgpack<Rest> = (crate::msgpack::Msgpack, Rest);
#[cfg(not(feature = "msgpack"))]
type Msgpack<Rest> = Rest;
