//! How a call ended: gRPC's status codes, by name and number.

use std::fmt;

use crate::text::escape;

/// The longest reason a status carries over the wire, in bytes.
pub const MAX_REASON: usize = 1024;
/// The most details of a status.
pub const MAX_DETAILS: usize = 16;
/// The longest key of a detail, in bytes.
pub const MAX_DETAIL_KEY: usize = 64;
/// The longest value of a detail, in bytes.
pub const MAX_DETAIL_VALUE: usize = 1024;

/// What of a detail's value is shown to people, in characters.
const SHOWN_VALUE: usize = 200;

/// The detail that says that nothing was done.
const STARTED: (&str, &str) = ("started", "no");

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// A status code. Numbers and meanings are those of
        /// [gRPC](https://grpc.io/docs/guides/status-codes/); `OK` never travels, since an answer says it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Code {
            $($(#[$doc])* $variant = $number,)*
        }

        impl Code {
            /// Every code, in order of number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in logs, such as `NOT_FOUND`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

codes! {
    /// The caller gave up.
    Cancelled = 1, "CANCELLED";
    /// An error that fits no other code; also how an unknown number from a peer is read.
    Unknown = 2, "UNKNOWN";
    /// The request is wrong, whatever the state of the server: a document that does not decode, a missing field.
    InvalidArgument = 3, "INVALID_ARGUMENT";
    /// The deadline passed first.
    DeadlineExceeded = 4, "DEADLINE_EXCEEDED";
    /// No such thing.
    NotFound = 5, "NOT_FOUND";
    /// The thing to be made is there already.
    AlreadyExists = 6, "ALREADY_EXISTS";
    /// The peer is known, and may not.
    PermissionDenied = 7, "PERMISSION_DENIED";
    /// A limit is reached: memory, a quota, a queue.
    ResourceExhausted = 8, "RESOURCE_EXHAUSTED";
    /// The state of the server does not allow it, and a retry alone will not help.
    FailedPrecondition = 9, "FAILED_PRECONDITION";
    /// Interrupted by something concurrent; a retry of the whole may help.
    Aborted = 10, "ABORTED";
    /// Past the valid range.
    OutOfRange = 11, "OUT_OF_RANGE";
    /// No such route, or not of this shape.
    Unimplemented = 12, "UNIMPLEMENTED";
    /// The server broke one of its own invariants.
    Internal = 13, "INTERNAL";
    /// Not now; a retry elsewhere or later may help.
    Unavailable = 14, "UNAVAILABLE";
    /// Data is lost or damaged.
    DataLoss = 15, "DATA_LOSS";
    /// The peer is not known.
    Unauthenticated = 16, "UNAUTHENTICATED";
}

impl Code {
    /// The code on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The code of a number from the wire; [`Code::Unknown`] for one that is not assigned.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        Self::ALL.iter().copied().find(|code| code.number() == number).unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a call failed: a code for programs, a reason for people, and details for both: pairs of text, which reach the peer
/// whatever codec is spoken.
///
/// ```
/// use bulla_core::status::{Code, Status};
///
/// let status = Status::new(Code::NotFound, "no such record").with_detail("collection", "people").with_detail("id", 7);
/// assert_eq!(status.detail("id"), Some("7"));
/// assert_eq!(status.to_string(), "NOT_FOUND: no such record (collection: people, id: 7)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    code: Code,
    reason: String,
    details: Vec<(String, String)>,
}

impl Status {
    /// A status; the reason is escaped and cut to [`MAX_REASON`] bytes.
    #[must_use]
    pub fn new(code: Code, reason: impl fmt::Display) -> Self {
        // A character takes up to four bytes.
        let mut reason = escape(&reason, MAX_REASON);
        if reason.len() > MAX_REASON {
            reason.truncate(reason.floor_char_boundary(MAX_REASON));
        }
        Self { code, reason, details: Vec::new() }
    }

    /// One detail more. Keys are cut to [`MAX_DETAIL_KEY`] bytes, values to [`MAX_DETAIL_VALUE`] (`…` marks the cut); beyond
    /// [`MAX_DETAILS`] a detail is left out.
    #[must_use]
    pub fn with_detail(mut self, key: impl fmt::Display, value: impl fmt::Display) -> Self {
        if self.details.len() < MAX_DETAILS {
            self.details.push((cut(key.to_string(), MAX_DETAIL_KEY), cut(value.to_string(), MAX_DETAIL_VALUE)));
        }
        self
    }

    /// Says that nothing of the call was done: whoever called may try elsewhere without looking first. For
    /// [`Unavailable`](Code::Unavailable); a detail, so that it reaches the peer.
    ///
    /// ```
    /// # use bulla_core::status::{Code, Status};
    /// let status = Status::new(Code::Unavailable, "this server is a standby").not_started();
    /// assert!(status.is_not_started());
    /// ```
    #[must_use]
    pub fn not_started(self) -> Self {
        self.with_detail(STARTED.0, STARTED.1)
    }

    /// Whether the call may be tried elsewhere: see [`not_started`](Self::not_started).
    #[must_use]
    pub fn is_not_started(&self) -> bool {
        self.code == Code::Unavailable && self.detail(STARTED.0) == Some(STARTED.1)
    }

    /// A status with details that keep their limits.
    pub(crate) fn with_details(self, details: Vec<(String, String)>) -> Self {
        Self { details, ..self }
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The reason, safe to print.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The details, in order. They may be a peer's words: escape them before they reach a log.
    #[must_use]
    pub fn details(&self) -> &[(String, String)] {
        &self.details
    }

    /// The first detail with this key.
    #[must_use]
    pub fn detail(&self, key: &str) -> Option<&str> {
        self.details.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

fn cut(mut text: String, most: usize) -> String {
    const MARK: char = '…';
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most - MARK.len_utf8()));
        text.push(MARK);
    }
    text
}

/// Code, reason and details on one line, safe to print; long values are cut.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)?;
        if !self.reason.is_empty() {
            write!(f, ": {}", self.reason)?;
        }
        for (at, (key, value)) in self.details.iter().enumerate() {
            let before = if at == 0 { " (" } else { ", " };
            write!(f, "{before}{}: {}", escape(key, MAX_DETAIL_KEY), escape(value, SHOWN_VALUE))?;
        }
        f.write_str(if self.details.is_empty() { "" } else { ")" })
    }
}

impl std::error::Error for Status {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grpcs() {
        let numbers: Vec<u8> = Code::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(numbers, (1..=16).collect::<Vec<u8>>());
        assert_eq!(Code::from_number(5), Code::NotFound);
        assert_eq!(Code::from_number(0), Code::Unknown);
        assert_eq!(Code::from_number(200), Code::Unknown);
    }

    #[test]
    fn reasons_are_escaped_and_bounded() {
        assert_eq!(Status::new(Code::NotFound, "no\nway").to_string(), "NOT_FOUND: no\\nway");
        assert!(Status::new(Code::Internal, "漢".repeat(5000)).reason().len() <= MAX_REASON);
    }

    #[test]
    fn details_are_kept_as_they_are_within_their_bounds_and_escaped_where_they_are_shown() {
        let status = Status::new(Code::Aborted, "").with_detail("why", "a\nb").with_detail("why", 2);
        assert_eq!((status.detail("why"), status.detail("how")), (Some("a\nb"), None));
        assert_eq!(status.to_string(), "ABORTED (why: a\\nb, why: 2)");
        let long = "漢".repeat(1000);
        let status = (0..20).fold(status, |status, _| status.with_detail(&long, &long));
        assert_eq!(status.details().len(), MAX_DETAILS);
        let (key, value) = &status.details()[15];
        assert!(key.len() <= MAX_DETAIL_KEY && value.len() <= MAX_DETAIL_VALUE);
        assert!(key.ends_with("漢…") && value.ends_with("漢…"));
    }
}
