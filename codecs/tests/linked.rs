//! Codecs of the set and codecs beside it: nobody can tell which is which.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

use std::collections::BTreeMap;

use bulla_codecs::Linked;
use bulla_core::codec::{CodecRegistry, CodecSet, DecodeError, DecodeLimits, RegisteredCodec};

type Document = BTreeMap<String, Vec<(Option<i64>, String)>>;

#[test]
fn the_set_gives_what_each_codec_gives() {
    let entries = vec![(Some(-1), "one".to_owned()), (None, String::new())];
    let document = Document::from([("first".to_owned(), entries), ("second".to_owned(), Vec::new())]);
    let tight = DecodeLimits { elements: 3, ..DecodeLimits::DEFAULT };
    let codecs = CodecRegistry::discovered().unwrap();
    assert!(!codecs.is_empty());
    for codec in codecs.iter().map(RegisteredCodec::codec) {
        let bytes = Linked::encode_to_vec(&**codec, &document).unwrap();
        assert_eq!(bytes, codec.encode_to_vec(&document).unwrap(), "{}", codec.name());
        let decoded: Document = Linked::decode_as(&**codec, &bytes, DecodeLimits::DEFAULT).unwrap();
        assert_eq!(decoded, document, "{}", codec.name());
        let refused = Linked::decode_as::<Document>(&**codec, &bytes, tight);
        assert!(matches!(refused, Err(DecodeError::TooManyElements(3))), "{}: {refused:?}", codec.name());
    }
}
