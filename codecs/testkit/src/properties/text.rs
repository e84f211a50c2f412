//! Strings and bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bulla_core::codec::Codec;
use serde::{Deserialize, Serialize};

use crate::properties::random::{for_random, text};
use crate::trial::{Trial, refusal, round_trip};
use crate::zoo::{Blob, BorrowedBlob};
use crate::{Outcome, Verdict, way};

/// What some format takes for something else, or for nothing.
pub(crate) const STRINGS: [&str; 72] = [
    "",
    " ",
    "  ",
    "a",
    " leading",
    "trailing ",
    "\ttab",
    "tab\t",
    "\n",
    "\r",
    "\r\n",
    "a\nb",
    "a\r\nb",
    "a\rb",
    "a\n",
    "a\n\n",
    "\na",
    " \n ",
    "]]>",
    "<![CDATA[x]]>",
    "<&>\"'",
    "&amp;",
    "&#65;",
    "<!-- x -->",
    "<?x?>",
    "%s",
    "${x}",
    "null",
    "~",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "y",
    "N",
    "1",
    "-1",
    "+1",
    "01",
    "1.0",
    "1e3",
    ".5",
    "1_000",
    "0x1f",
    "0o7",
    "0b1",
    "12:30:45",
    "2020-01-01",
    "NaN",
    ".nan",
    "inf",
    "-.inf",
    "=",
    "<<",
    "- a",
    "a: b",
    "a # b",
    "#",
    "[",
    "{}",
    "*a",
    "&a",
    "!a",
    "\\",
    "\\n",
    "\"quoted\"",
    "---\n...",
    "日本語",
    "👩‍👩‍👧",
    "e\u{301}",
];

/// Characters that some formats cannot hold.
pub(crate) const ODD_STRINGS: [&str; 14] = [
    "\0",
    "a\0b",
    "\u{1}\u{2}\u{8}\u{b}\u{c}\u{e}\u{1f}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{80}\u{9f}",
    "a\u{85}b",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "a\u{feff}",
    "\u{fffe}\u{ffff}",
    "\u{202e}\u{200b}",
];

/// `String`: empty, blank, with control characters, with what looks like another thing or like markup.
///
/// # Errors
/// What happened instead.
pub fn strings<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let all = || STRINGS.into_iter().chain(ODD_STRINGS).map(str::to_owned);
    trial.carry_each("string", all())?;
    trial.carry_each("string in Some", all().map(Some))?;
    trial.carry_each("string in lists", all().map(|text| vec![vec![text.clone()], vec![text.clone(), text]]))?;
    trial.carry("strings", all().collect::<Vec<_>>())?;
    trial.verdict()
}

/// `String` of a mebibyte.
///
/// # Errors
/// What happened instead.
pub fn long_strings<C: Codec>(codec: &C) -> Verdict {
    const LEN: usize = 1 << 20;
    let mut trial = Trial::new(codec);
    for piece in ["a", "word ", "line\n", "é", "<&\"'>", "\\", " ", "\u{1}"] {
        trial.carry(&format!("a mebibyte of {piece:?}"), piece.repeat(LEN / piece.len()))?;
    }
    trial.verdict()
}

/// `&str` and `Cow<str>` in a struct: borrowed from the input, or refused where the format escapes text.
///
/// # Errors
/// What happened instead.
pub fn borrowed_strings<C: Codec>(codec: &C) -> Verdict {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Borrowed<'a> {
        text: &'a str,
        #[serde(borrow)]
        either: Cow<'a, str>,
        last: bool,
    }
    let mut refusals = Vec::new();
    for text in STRINGS.into_iter().chain(ODD_STRINGS) {
        let value = Borrowed { text, either: text.into(), last: true };
        let case = format!("{value:?}");
        match way::encode(codec, &value)? {
            Err(error) => refusals.push(refusal(&case, &error)?),
            Ok(bytes) => match way::decode::<C, Borrowed<'_>>(codec, &bytes, PartialEq::eq)? {
                Ok(back) if back == value => {}
                Ok(back) => return Err(format!("{case} came back as {back:?}")),
                Err(error) => refusals.push(refusal(&case, &error)?),
            },
        }
    }
    Ok(if refusals.is_empty() { Outcome::Exact } else { Outcome::Refused(refusals) })
}

/// Bytes that are no list of numbers: empty, text or not.
///
/// # Errors
/// What happened instead.
pub fn bytes<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let blobs = || [vec![], vec![0], vec![255], b"text".to_vec(), b" \r\n".to_vec(), (0..=255).collect()].map(Blob);
    trial.carry_each("bytes", blobs())?;
    trial.carry("lists of bytes", vec![blobs().to_vec(), vec![]])?;
    trial.carry_each("bytes in Some", blobs().map(Some))?;
    trial.carry(
        "bytes in a map",
        BTreeMap::from([("a".to_owned(), Blob(vec![1, 2])), ("b".to_owned(), Blob(vec![]))]),
    )?;
    trial.carry("64 KiB", Blob((0..1 << 16).map(|n: u32| ((n * 31) >> 3) as u8).collect()))?;
    trial.verdict()
}

/// `&[u8]` in a struct: borrowed from the input, or refused where the format writes bytes as something else.
///
/// # Errors
/// What happened instead.
pub fn borrowed_bytes<C: Codec>(codec: &C) -> Verdict {
    let mut refusals = Vec::new();
    for bytes in [&b""[..], b"\0\xff", b"text", &[0x80; 300]] {
        let value = (7_u8, BorrowedBlob(bytes), true);
        let case = format!("{:?}", bytes.escape_ascii().to_string());
        match way::encode(codec, &value)? {
            Err(error) => refusals.push(refusal(&case, &error)?),
            Ok(encoded) => match way::decode::<C, (u8, BorrowedBlob<'_>, bool)>(codec, &encoded, PartialEq::eq)? {
                Ok(back) if back == value => {}
                Ok(back) => return Err(format!("{case} came back as {back:?}")),
                Err(error) => refusals.push(refusal(&case, &error)?),
            },
        }
    }
    Ok(if refusals.is_empty() { Outcome::Exact } else { Outcome::Refused(refusals) })
}

/// Strings at random, of the pieces that mean something to some format.
///
/// # Errors
/// What happened instead.
pub fn random_strings<C: Codec>(codec: &C) -> Verdict {
    for_random(256, text(), |text| round_trip(codec, "a random string", &(text.clone(), vec![Some(text)])))
}
