//! Codecs by name: discovered, named in code, missing, and named twice.

use bulla_core::codec::{Capabilities, CodecName, CodecRegistry, DecodeLimits, RegistryError};

use crate::codecs::{Bincode, Declares, Json};

const JSON: CodecName = CodecName::new("json");

#[test]
fn what_is_registered_is_discovered_sorted_with_its_origin() {
    let registry = CodecRegistry::discovered().unwrap();
    let listing: Vec<_> = registry
        .iter()
        .map(|entry| (entry.codec().name().to_string(), entry.codec().media_type(), entry.origin().to_string()))
        .collect();
    let origin = concat!("bulla-core ", env!("CARGO_PKG_VERSION")).to_owned();
    assert_eq!(
        listing,
        [
            ("bincode".to_owned(), "application/x-bincode", origin.clone()),
            ("json".to_owned(), "application/json", origin)
        ]
    );
}

#[test]
fn a_codec_found_by_name_encodes_and_decodes() {
    let registry = CodecRegistry::discovered().unwrap();
    for name in registry.names() {
        let codec = registry.require(&name).unwrap().clone();
        let bytes = std::thread::spawn(move || codec.encode_to_vec(&(1_u8, "two")).unwrap()).join().unwrap();
        let back: (u8, &str) = registry.require(&name).unwrap().decode_as(&bytes, DecodeLimits::default()).unwrap();
        assert_eq!(back, (1, "two"), "{name}");
    }
}

#[test]
fn codecs_named_in_code_are_sorted_too() {
    let registry = CodecRegistry::empty().with(Json).unwrap().with(Bincode).unwrap();
    assert_eq!(registry.names().map(|name| name.to_string()).collect::<Vec<_>>(), ["bincode", "json"]);
    assert_eq!(registry.len(), 2);
    assert!(registry.find(&JSON).is_some());
    assert!(registry.find(&CodecName::new("xml")).is_none());
}

#[test]
fn a_name_twice_is_an_error_that_names_both() {
    let error = CodecRegistry::discovered().unwrap().with(Json).unwrap_err();
    assert!(matches!(error, RegistryError::Duplicate { name: JSON, .. }));
    let text = error.to_string();
    assert!(text.starts_with("two codecs are named json: one from bulla-core "), "{text}");
    assert!(text.contains("contract::codecs::Json"), "{text}");
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let registry = CodecRegistry::empty().with(Json).unwrap().with(Bincode).unwrap();
    let error = registry.require(&CodecName::new("xml")).unwrap_err();
    assert_eq!(error.to_string(), "no codec is named xml; this program knows bincode, json");
}

#[test]
fn an_empty_registry_says_how_to_link_a_codec() {
    let error = CodecRegistry::empty().require(&JSON).unwrap_err();
    assert!(error.to_string().contains("use bulla_codec_json as _;"), "{error}");
}

#[test]
fn a_dangerous_codec_is_known_but_not_accepted_unnamed() {
    let registry = CodecRegistry::empty().with(Json).unwrap();
    let registry = registry.with(Declares(Capabilities::all().opt_in())).unwrap();
    assert_eq!(registry.len(), 2);
    let accepted: Vec<_> = registry.accepted_by_default().map(|entry| entry.codec().name()).collect();
    assert_eq!(accepted, [JSON]);
}
