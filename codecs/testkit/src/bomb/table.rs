//! A table of codecs and bombs: what each took, and how it was refused.

use std::collections::{BTreeMap, HashMap};
use std::ffi::CString;
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::time::Duration;

use bulla_core::codec::{Codec, CodecName, DecodeLimits, ErasedCodec, guard};
use bulla_core::value::Value;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{Alone, Case, MEMORY, TIME};

/// What became of one bomb.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The name of the codec.
    pub codec: CodecName,
    /// The name of the bomb.
    pub bomb: String,
    /// How long it is, in bytes.
    pub len: usize,
    /// Whether it must be refused quickly.
    pub is_small: bool,
    /// The longest that one decode took, of all that were tried.
    pub time: Duration,
    /// The most memory that one decode took, in bytes.
    pub memory: usize,
    /// How it was refused as a document.
    pub refusal: String,
    /// What it was read as without being refused.
    pub taken: Vec<&'static str>,
    /// Whether a reader that wants nothing of it passed over it: that builds nothing, and is no breach within the bounds.
    pub skipped: bool,
}

impl Row {
    /// What is wrong with it, if anything is.
    #[must_use]
    pub fn breach(&self) -> Option<String> {
        let Self { codec, bomb, is_small, time, memory, taken, .. } = self;
        if !taken.is_empty() {
            Some(format!("{codec} took {bomb} as {}", taken.join(", ")))
        } else if *is_small && *time >= TIME {
            Some(format!("{codec} took {time:?} for {bomb}"))
        } else if *memory >= MEMORY {
            Some(format!("{codec} took {memory} bytes of memory for {bomb}"))
        } else {
            None
        }
    }

    /// The heads of the columns of [`Display`](fmt::Display).
    #[must_use]
    pub fn heads() -> String {
        columns("codec", "bomb", "bytes", "time", "memory", "refused as a document")
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = format!("{:.2} ms", self.time.as_secs_f64() * 1e3);
        let memory = format!("{} KiB", self.memory.div_ceil(1 << 10));
        let refusal =
            if self.skipped { format!("{}; skipped if not wanted", self.refusal) } else { self.refusal.clone() };
        f.write_str(&columns(self.codec.as_str(), &self.bomb, &self.len.to_string(), &time, &memory, &refusal))
    }
}

fn columns(codec: &str, bomb: &str, len: &str, time: &str, memory: &str, refusal: &str) -> String {
    format!("{codec:<16} {bomb:<44} {len:>8} {time:>10} {memory:>11}  {refusal}")
}

/// What is read as nothing.
const SKIPPED: &str = "skipped";

impl Alone {
    /// Sets a bomb off as a document, skipped, and as types of all shapes, both ways; shows each row before the next begins, so that a
    /// codec that takes the process with it can be named.
    pub fn table<C: Codec>(&self, codec: &C, cases: &[Case], mut show: impl FnMut(&Row)) -> Vec<Row> {
        let row = |case| {
            let row = self.row(codec, case);
            show(&row);
            row
        };
        cases.iter().map(row).collect()
    }

    fn row<C: Codec>(&self, codec: &C, case: &Case) -> Row {
        let mut row = Row {
            codec: C::NAME,
            bomb: case.name.clone(),
            len: case.bytes.len(),
            is_small: case.is_small,
            time: Duration::ZERO,
            memory: 0,
            refusal: String::new(),
            taken: Vec::new(),
            skipped: false,
        };
        row.refusal = self.set_off::<C, Value>(codec, case, "a document", &mut row);
        self.set_off::<C, IgnoredAny>(codec, case, SKIPPED, &mut row);
        self.set_off::<C, Vec<()>>(codec, case, "a list of nothing", &mut row);
        self.set_off::<C, Vec<Vec<()>>>(codec, case, "lists of nothing", &mut row);
        self.set_off::<C, String>(codec, case, "a text", &mut row);
        self.set_off::<C, CString>(codec, case, "bytes", &mut row);
        self.set_off::<C, HashMap<String, Vec<u64>>>(codec, case, "a map", &mut row);
        self.set_off::<C, Tree>(codec, case, "a tree", &mut row);
        self.set_off::<C, Chain>(codec, case, "a chain of variants", &mut row);
        self.set_off::<C, Guess>(codec, case, "an untagged enum", &mut row);
        self.set_off::<C, Known>(codec, case, "a struct that knows one field", &mut row);
        row
    }

    /// Decodes both ways, keeps the worst, and gives the reason of the refusal.
    fn set_off<C: Codec, T: DeserializeOwned>(
        &self,
        codec: &C,
        case: &Case,
        shape: &'static str,
        row: &mut Row,
    ) -> String {
        let limits = DecodeLimits::DEFAULT;
        let erased = self.measure(|| (codec as &dyn ErasedCodec).decode_as::<T>(&case.bytes, limits).map(drop));
        let compiled = self.measure(|| guard::decode(codec, &case.bytes, PhantomData::<T>, limits).map(drop));
        row.time = row.time.max(erased.time).max(compiled.time);
        row.memory = row.memory.max(erased.memory).max(compiled.memory);
        if erased.result.is_ok() || compiled.result.is_ok() {
            if shape == SKIPPED { row.skipped = true } else { row.taken.push(shape) }
        }
        compiled.result.map_or_else(|error| error.to_string(), |()| "taken".to_owned())
    }
}

/// Lists in lists.
#[derive(Deserialize)]
struct Tree(#[expect(dead_code, reason = "only decoded")] Vec<Tree>);

#[expect(dead_code, reason = "only decoded")]
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Chain {
    End,
    Link(Box<Chain>),
    Pair(Box<Chain>, u8),
    Named { next: Box<Chain> },
    Maybe(Option<Box<Chain>>),
}

#[expect(dead_code, reason = "only decoded")]
#[derive(Deserialize)]
#[serde(untagged)]
enum Guess {
    List(Vec<Guess>),
    Map(BTreeMap<String, Guess>),
    Number(u8),
}

#[derive(Deserialize)]
struct Known {
    #[serde(rename = "known")]
    _known: u8,
}
