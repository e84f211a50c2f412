//! Naming this crate is enough for a program to find its codecs.

use bulla_codecs as _;
use bulla_core::codec::{CodecName, CodecRegistry, DecodeLimits};

#[test]
fn every_feature_links_its_codec() {
    let linked = [
        ("bincode", cfg!(feature = "bincode")),
        ("cbor", cfg!(feature = "cbor")),
        ("json", cfg!(feature = "json")),
        ("msgpack", cfg!(feature = "msgpack")),
        ("pickle", cfg!(feature = "pickle")),
        ("postcard", cfg!(feature = "postcard")),
        ("xml", cfg!(feature = "xml")),
        ("yaml", cfg!(feature = "yaml")),
    ];
    let mut expected: Vec<_> = linked.iter().filter(|(_, on)| *on).map(|(name, _)| CodecName::new(name)).collect();
    let registry = CodecRegistry::discovered().unwrap();
    assert_eq!(registry.names().collect::<Vec<_>>(), expected);
    expected.retain(|name| name.as_str() != "pickle");
    let by_default: Vec<_> = registry.accepted_by_default().map(|entry| entry.codec().name()).collect();
    assert_eq!(by_default, expected, "pickle wants to be named");
}

#[test]
fn each_carries_a_message() {
    for entry in CodecRegistry::discovered().unwrap().iter() {
        let bytes = entry.codec().encode_to_vec(&("Ada", 36_u8)).unwrap();
        let message: (String, u8) = entry.codec().decode_as(&bytes, DecodeLimits::default()).unwrap();
        assert_eq!(message, ("Ada".to_owned(), 36), "{}", entry.codec().name());
    }
}
