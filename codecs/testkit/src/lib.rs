//! The conformance suite of Bulla's codecs: **what goes in comes out exactly, or is refused with a reason.**
//!
//! One line in `tests/conformance.rs` of a codec crate gives one named test for each property:
//!
//! ```
//! # use bulla_core::codec::{Capabilities, Codec, CodecName, DecodeError, EncodeError};
//! # struct MyCodec;
//! # const MY_CODEC: MyCodec = MyCodec;
//! # impl Codec for MyCodec {
//! #     const NAME: CodecName = CodecName::new("mine");
//! #     const MEDIA_TYPE: &'static str = "application/x-mine";
//! #     fn capabilities(&self) -> Capabilities { Capabilities::all() }
//! #     fn encode<T: serde::Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
//! #         serde_json::to_writer(out, value).map_err(EncodeError::new)
//! #     }
//! #     fn decode<'de, S: serde::de::DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
//! #         seed.deserialize(&mut serde_json::Deserializer::from_slice(input)).map_err(DecodeError::new)
//! #     }
//! # }
//! bulla_codec_testkit::conformance!(MY_CODEC);
//! ```
//!
//! # What is checked
//! - All 29 kinds of serde's data model, with the values that break formats: integers at their limits, subnormal floats, text with control
//!   characters, empty and nested collections, map keys that are no names, and the attributes of derived types that change their shape.
//! - What another version of a type reads: numbers of another width, fields that it does not know.
//! - [`Value`](bulla_core::value::Value), alone and inside of typed structs, also at random.
//! - Both ways to reach a codec, compiled and erased: same bytes, same values, same failures, and nothing in the output but the bytes.
//! - The declared capabilities, both ways: what is declared must be exact, what is not must be refused, and a codec that carries what it
//!   says it cannot is told so.
//! - Trailing bytes, truncation at every byte, noise, and nesting beyond the limit: refused, and never a panic.
//!
//! Exact means bit for bit for floats; only a NaN may come back as another NaN, since neither its sign nor its payload means anything
//! (and processors disagree on them).
//!
//! # Bombs
//! [`bomb`] sets off few bytes that ask for much, under measurement: those that are known of formats that many speak, and those of your own.
//! For formats that Python has, a [`python::Peer`] is another implementation to exchange values with.
//!
//! # From code
//! [`table`] runs every property and says what became of each: to compare codecs, or to print what a codec can carry.

pub mod bomb;
mod outcome;
pub mod properties;
pub mod python;
mod trial;
mod way;
mod zoo;

use bulla_core::codec::Codec;

pub use self::outcome::{Outcome, Refusal};

/// A property that holds for a codec, with its outcome, or that does not, with what happened.
pub type Verdict = Result<Outcome, String>;

/// A named property of a codec.
#[derive(Debug)]
pub struct Property<C> {
    /// What it is about, which is its module in [`properties`].
    pub group: &'static str,
    /// Its name, which is that of its test and of its function in [`properties`].
    pub name: &'static str,
    /// Checks it.
    pub check: fn(&C) -> Verdict,
}

/// Every property, in order.
#[must_use]
pub fn properties_of<C: Codec>() -> Vec<Property<C>> {
    __properties!(table C)
}

/// Checks every property.
pub fn table<C: Codec>(codec: &C) -> Vec<(&'static str, Verdict)> {
    properties_of::<C>().into_iter().map(|property| (property.name, (property.check)(codec))).collect()
}

/// One named test for each property of a codec.
///
/// The argument is an expression, such as a constant of the codec's type.
#[macro_export]
macro_rules! conformance {
    ($codec:expr) => {
        $crate::__properties!(tests $codec);
    };
}

/// The list of properties, for a table or as tests.
#[doc(hidden)]
#[macro_export]
macro_rules! __properties {
    ($($form:tt)*) => {
        $crate::__expand! {
            [$($form)*]
            scalars: booleans signed_integers unsigned_integers wide_integers finite_floats non_finite_floats characters;
            text: strings long_strings borrowed_strings bytes borrowed_bytes random_strings;
            shapes: options nested_options units structs_without_names enum_variants sequences tuples maps maps_with_other_keys
                unknown_lengths standard_types;
            attributes: odd_names optional_fields left_out_fields unknown_fields flattened_fields internally_tagged_enums
                adjacently_tagged_enums untagged_enums;
            records: everyday_records random_records;
            documents: plain_documents documents_in_structs flattened_documents document_bytes document_wide_integers
                document_keys document_order random_documents;
            hostile: trailing_bytes truncation empty_input noise nesting;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __expand {
    ([table $codec:ident] $($module:ident: $($name:ident)*;)*) => {
        vec![$($($crate::Property {
            group: stringify!($module),
            name: stringify!($name),
            check: $crate::properties::$module::$name::<$codec>,
        },)*)*]
    };
    ([tests $codec:expr] $($module:ident: $($name:ident)*;)*) => {
        $($(
            #[test]
            fn $name() {
                if let Err(fault) = $crate::properties::$module::$name(&$codec) {
                    panic!("{}: {fault}", stringify!($name));
                }
            }
        )*)*
    };
}
