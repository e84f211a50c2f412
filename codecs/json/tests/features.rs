//! What another crate of a program can switch on in `serde_json`.
//!
//! `cargo test -p bulla-codec-json --test features --features serde_json/arbitrary_precision` runs this with the feature on.

use std::marker::PhantomData;

use bulla_codec_json::JSON;
use bulla_core::codec::{DecodeLimits, guard};
use bulla_core::value::Value;

#[test]
fn a_number_is_a_number_or_nothing_is_read() {
    let value = guard::decode(&JSON, b"[0.5]", PhantomData::<Value>, DecodeLimits::DEFAULT);
    let typed = guard::decode(&JSON, b"[1]", PhantomData::<[u8; 1]>, DecodeLimits::DEFAULT);
    let is_arbitrary_precision_on = serde_json::from_str::<serde_json::Number>("1e999").is_ok();
    if is_arbitrary_precision_on {
        let refusals = [value.unwrap_err(), typed.unwrap_err()].map(|refusal| refusal.to_string());
        assert!(refusals.iter().all(|refusal| refusal.contains("feature arbitrary_precision")), "{refusals:?}");
    } else {
        assert_eq!((value, typed), (Ok(Value::List(vec![0.5.into()])), Ok([1])));
    }
}
