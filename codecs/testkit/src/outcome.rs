//! What became of a property: exact, or refused with reasons.

use std::fmt;

/// What became of a property that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every value came back as it went in.
    Exact,
    /// Every value came back as it went in, or was refused: by whom and why.
    Refused(Vec<Refusal>),
}

/// A value that a codec refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which value it was.
    pub case: String,
    /// What the codec said.
    pub reason: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::Refused(refusals) => {
                f.write_str("exact or refused:")?;
                refusals.iter().try_for_each(|refusal| write!(f, "\n  {refusal}"))
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.reason)
    }
}
