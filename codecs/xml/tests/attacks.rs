//! Documents made to cost more than they weigh.

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bulla_codec_xml::{MAX_ATTRIBUTES, MAX_DEPTH, XML};
use bulla_core::codec::{Codec, DecodeError, EncodeError};
use bulla_core::value::Value;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::common::decode;

/// Far more than linear time needs on a busy machine without optimisation, far less than quadratic time would.
const PATIENCE: Duration = Duration::from_secs(60);

fn in_time<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
    result
}

#[test]
fn attribute_floods_are_refused() {
    let flood: String = (0..80_000).map(|n| format!(" a{n}=\"\"")).collect();
    for document in [format!("<a{flood}/>"), format!("<a{flood}></a>"), format!("<?xml version=\"1.0\"{flood}?><a/>")] {
        let error = in_time(|| decode::<IgnoredAny>(&document)).unwrap_err();
        assert!(matches!(error, DecodeError::Malformed(_)), "{error}");
    }
    let most: String = (0..MAX_ATTRIBUTES).map(|n| format!(" a{n}=\"\"")).collect();
    assert!(decode::<IgnoredAny>(&format!("<a{most}/>")).is_ok());
    assert!(decode::<IgnoredAny>(&format!("<a{most} b=\"\"/>")).is_err());
    let elements = format!("<b{most}/>").repeat(50);
    in_time(|| decode::<IgnoredAny>(&format!("<a>{elements}</a>"))).unwrap();
}

#[test]
fn floods_of_namespaces_are_linear() {
    let bindings: String =
        (0..MAX_ATTRIBUTES).map(|n| format!(" xmlns:p{n}=\"http://www.w3.org/2001/XMLSchema-instance\"")).collect();
    let error = decode::<IgnoredAny>(&format!("<a{bindings}/>")).unwrap_err();
    assert!(error.to_string().contains("prefixes"), "{error}");
    let others = bindings.replace("2001", "2002");
    let elements = "<p1:b p2:c=\"\"/>".repeat(50_000);
    in_time(|| decode::<IgnoredAny>(&format!("<a{others}>{elements}</a>"))).unwrap();
}

#[test]
fn deep_documents_are_refused_early() {
    for deep in [100_000, 1_000_000] {
        let document = "<a>".repeat(deep) + &"</a>".repeat(deep);
        let result = in_time(|| decode::<IgnoredAny>(&document));
        assert_eq!(result.map(|_| ()), Err(DecodeError::TooDeep(MAX_DEPTH)));
    }
}

#[test]
fn the_deepest_document_is_read_and_skipped() {
    #[derive(Debug, Deserialize)]
    struct Skips {
        last: u8,
    }
    let nest = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    let deepest = MAX_DEPTH as usize;
    assert!(decode::<IgnoredAny>(&nest(deepest)).is_ok());
    assert_eq!(decode::<IgnoredAny>(&nest(deepest + 1)).map(|_| ()), Err(DecodeError::TooDeep(MAX_DEPTH)));
    let skipped = format!("<r>{}<last>1</last></r>", nest(deepest - 1));
    assert_eq!(decode::<Skips>(&skipped).unwrap().last, 1);
    // The adaptor stops a reader of everything much earlier; without it the stack must still do.
    assert_eq!(decode::<Value>(&nest(deepest)), Err(DecodeError::TooDeep(64)));
    assert!(XML.decode(nest(deepest).as_bytes(), std::marker::PhantomData::<Value>).is_ok());
}

#[test]
fn what_nests_too_deep_to_be_read_is_not_written() {
    #[derive(Serialize)]
    struct Nest {
        inner: Option<Box<Nest>>,
    }
    let nest = |depth: usize| (1..depth).fold(Nest { inner: None }, |inner, _| Nest { inner: Some(Box::new(inner)) });
    let encode = |depth| XML.encode(&nest(depth), &mut Vec::new());
    let deepest = MAX_DEPTH as usize - 1;
    assert_eq!(encode(deepest), Ok(()));
    assert_eq!(encode(deepest + 1), Err(EncodeError::TooDeep(MAX_DEPTH)));
}

#[test]
fn long_texts_are_linear() {
    for piece in ["x", "&lt;", "&#13;", "\r", "<!---->", "<![CDATA[]]>", "<![CDATA[\r]]>", "<?p?>", "]]", " "] {
        let document = format!("<a>{}</a>", piece.repeat(50_000));
        let text = in_time(|| decode::<String>(&document)).unwrap();
        assert!(text.len() <= 100_000);
    }
    for open in ["<!--", "<![CDATA[", "<?p ", "<a ", "<a b=\"", "&", "<!DOCTYPE "] {
        let document = format!("<a>{}", open.repeat(100_000));
        assert!(in_time(|| decode::<IgnoredAny>(&document)).is_err());
    }
}

#[test]
fn wide_documents_are_linear() {
    let same = format!("<a>{}</a>", "<b/>".repeat(100_000));
    assert_eq!(in_time(|| decode::<BTreeMap<String, Vec<()>>>(&same)).unwrap()["b"].len(), 100_000);
    let distinct: String = (0..50_000).map(|n| format!("<b{n}/>")).collect();
    assert_eq!(in_time(|| decode::<BTreeMap<String, ()>>(&format!("<a>{distinct}</a>"))).unwrap().len(), 50_000);
}

#[test]
fn maps_of_many_keys_are_written_in_linear_time() {
    let map: BTreeMap<String, u8> = (0..50_000).map(|n| (format!("k{n}"), 1)).collect();
    let mut out = Vec::new();
    in_time(|| XML.encode(&map, &mut out)).unwrap();
    assert_eq!(in_time(|| decode::<BTreeMap<String, u8>>(&out)).unwrap(), map);
}

#[test]
fn messages_about_long_names_are_short() {
    let name = "n".repeat(1_000_000);
    for document in [format!("<{name}>"), format!("<{name}></a>"), format!("<a {name}/>"), format!("<a>&{name};</a>")] {
        assert!(in_time(|| decode::<IgnoredAny>(&document)).unwrap_err().to_string().chars().count() <= 200);
    }
}
