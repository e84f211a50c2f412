//! The examples of the Fernet specification (github.com/fernet/spec: generate.json, verify.json, invalid.json), as data.

pub(crate) const SECRET: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
/// 1985-10-26T01:20:00-07:00.
pub(crate) const NOW: u64 = 499_162_800;
pub(crate) const TTL: u64 = 60;
/// Generated at [`NOW`] with the IV 0, 1, 2 … 15 from [`SOURCE`]; verified a second later.
pub(crate) const TOKEN: &str =
    "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
pub(crate) const SOURCE: &str = "hello";

/// A token that must not open at `now` with [`TTL`].
pub(crate) struct Invalid {
    pub(crate) why: &'static str,
    pub(crate) token: &'static str,
    pub(crate) now: u64,
}

const fn invalid(why: &'static str, token: &'static str, now: u64) -> Invalid {
    Invalid { why, token, now }
}

pub(crate) const INVALID: [Invalid; 8] = [
    invalid(
        "incorrect mac",
        "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ==",
        NOW + 1,
    ),
    invalid("too short", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==", NOW + 1),
    invalid(
        "invalid base64",
        "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
        NOW + 1,
    ),
    invalid(
        "payload size not multiple of block size",
        "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm",
        NOW + 1,
    ),
    invalid(
        "payload padding error",
        "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw==",
        NOW + 1,
    ),
    invalid(
        "far-future TS (unacceptable clock skew)",
        "gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX9b_qXQcw==",
        NOW + 1,
    ),
    invalid(
        "expired TTL",
        "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
        NOW + 91,
    ),
    invalid(
        "incorrect IV (causes padding error)",
        "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ==",
        NOW + 1,
    ),
];
