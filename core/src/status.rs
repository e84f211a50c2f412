//! How a call ended: gRPC's status codes, by name and number.

use std::fmt;

use crate::text::escape;

/// The longest reason a status carries over the wire, in bytes.
pub const MAX_REASON: usize = 1024;

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

/// Why a call failed: a code for programs, a reason for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    code: Code,
    reason: String,
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
        Self { code, reason }
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
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason.is_empty() { self.code.fmt(f) } else { write!(f, "{}: {}", self.code, self.reason) }
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
}
