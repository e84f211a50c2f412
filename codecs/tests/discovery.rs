//! Naming this crate is enough for a program to find its codecs.

use bulla_codecs as _;
use bulla_core::codec::{CodecName, CodecRegistry, DecodeLimits};

#[test]
fn every_feature_links_its_codec() {
    let mut expected = Vec::new();
    expected.extend(cfg!(feature = "bincode").then_some(CodecName::new("bincode")));
    expected.extend(cfg!(feature = "json").then_some(CodecName::new("json")));
    expected.extend(cfg!(feature = "xml").then_some(CodecName::new("xml")));
    expected.extend(cfg!(feature = "yaml").then_some(CodecName::new("yaml")));
    let registry = CodecRegistry::discovered().unwrap();
    assert_eq!(registry.names().collect::<Vec<_>>(), expected);
    assert_eq!(registry.accepted_by_default().count(), expected.len());
}

#[test]
fn each_carries_a_message() {
    for entry in CodecRegistry::discovered().unwrap().iter() {
        let bytes = entry.codec().encode_to_vec(&("Ada", 36_u8)).unwrap();
        let message: (String, u8) = entry.codec().decode_as(&bytes, DecodeLimits::default()).unwrap();
        assert_eq!(message, ("Ada".to_owned(), 36), "{}", entry.codec().name());
    }
}
