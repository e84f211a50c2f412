//! How the program ends: exit codes that scripts can rely on, and one line for people.

use std::io;

use bulla_core::handshake::HandshakeError;
use bulla_core::key::KeyError;
use bulla_core::status::{Code, Status};
use bulla_core::token::TokenError;

use crate::{CallError, ConnectError};

/// An exit code. The numbers are promised in `bulla --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Ok = 0,
    System = 1,
    Usage = 2,
    Connect = 3,
    Handshake = 4,
    Codec = 5,
    Refused = 6,
    Document = 7,
    Key = 8,
    Lost = 9,
    Token = 10,
    /// A file on this side.
    File = 11,
    Damaged = 12,
    /// As shells count it: 128 and the number of SIGINT.
    Interrupted = 130,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// The name in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::System => "system",
            Self::Usage => "usage",
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::Codec => "codec",
            Self::Refused => "refused",
            Self::Document => "document",
            Self::Key => "key",
            Self::Lost => "lost",
            Self::Token => "token",
            Self::File => "file",
            Self::Damaged => "damaged",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Why the program did not do what it was asked to: one line, safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    /// What the server said, when it refused.
    pub(crate) status: Option<Status>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), status: None }
    }

    /// Nobody reads our output any more: that is no failure, and nothing to talk about.
    pub(crate) fn is_silent(&self) -> bool {
        self.exit == Exit::Ok
    }
}

impl From<io::Error> for Failure {
    /// Of a stream that we write to.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Exit::Ok, "the reader has gone"),
            _ => Self::new(Exit::System, format!("cannot write the output: {error}")),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let hint = match error {
            KeyError::NotFound { .. } => ", copy the server's there, or name another with --key or BULLA_KEY",
            KeyError::Exists { .. } => "; --force replaces it",
            _ => "",
        };
        Self::new(Exit::Key, format!("{error}{hint}"))
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::new(Exit::Token, error.to_string())
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        if let ConnectError::NoneOf(failures) = &error {
            // What time alone does not heal says more than that another server is not there.
            let telling = failures.iter().find(|failure| !failure.is_transient()).or(failures.first());
            let exit = telling.map_or(Exit::Connect, |failure| Self::from(failure.clone()).exit);
            return Self::new(exit, error.to_string());
        }
        let (exit, hint) = match &error {
            ConnectError::Address { .. } => (Exit::Usage, ""),
            ConnectError::System(_) => (Exit::System, ""),
            ConnectError::NoKey => (Exit::Key, ""),
            ConnectError::NoCodecs
            | ConnectError::UnknownCodec { .. }
            | ConnectError::TooManyCodecs(_)
            | ConnectError::Registry(_) => (Exit::Codec, ""),
            ConnectError::NoServer { .. } => (Exit::Connect, " with --server or BULLA_SERVER"),
            ConnectError::Handshake { error, .. } => of_handshake(error),
            _ => (Exit::Connect, ""),
        };
        Self::new(exit, format!("{error}{hint}"))
    }
}

fn of_handshake(error: &HandshakeError) -> (Exit, &'static str) {
    match error {
        HandshakeError::KeyRefused => (Exit::Handshake, " with --key or BULLA_KEY"),
        HandshakeError::NoCommonCodec { .. } => (Exit::Codec, " with --codec"),
        HandshakeError::Busy | HandshakeError::HungUp | HandshakeError::Deadline | HandshakeError::DeadlineAtServer => {
            (Exit::Connect, "")
        }
        _ => (Exit::Handshake, ""),
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let message = error.to_string();
        match error {
            CallError::Connect(error) => error.into(),
            CallError::Status { route, status } => {
                let keeps_none = status.code() == Code::Unimplemented && route.starts_with("files.");
                let hint = if keeps_none { "; a bulla-server keeps files if it is started with --files" } else { "" };
                Self { status: Some(status), ..Self::new(Exit::Refused, message + hint) }
            }
            CallError::NoAnswer { .. } | CallError::Ended { .. } => Self::new(Exit::Refused, message),
            CallError::Encode { .. }
            | CallError::Decode { .. }
            | CallError::Command { .. }
            | CallError::List { .. } => Self::new(Exit::Document, message),
            CallError::NotSent { .. } | CallError::MayHaveRun { .. } | CallError::Deadline { .. } => {
                Self::new(Exit::Lost, message)
            }
            CallError::Intercepted { .. } => Self::new(Exit::Refused, message),
            CallError::Cancelled { .. } => Self::new(Exit::Interrupted, "interrupted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use bulla_core::key::Key;

    use super::*;

    fn handshake(error: HandshakeError) -> Failure {
        ConnectError::Handshake { server: "s:1".to_owned(), key: Key::from_bytes([1; 32]).id(), error }.into()
    }

    #[test]
    fn the_codes_are_those_that_the_help_promises() {
        assert_eq!(handshake(HandshakeError::KeyRefused).exit.code(), 4);
        assert_eq!(handshake(HandshakeError::PeerSpeaksHttp).exit.code(), 4);
        let none = HandshakeError::NoCommonCodec { accepted: Vec::new(), offered: Vec::new() };
        assert_eq!(handshake(none).exit.code(), 5);
        assert_eq!(handshake(HandshakeError::Deadline).exit.code(), 3);
        let dead = ConnectError::NoServer { server: "s:1".to_owned() };
        assert_eq!(Failure::from(dead.clone()).exit.code(), 3);
        assert_eq!(Failure::from(CallError::Connect(dead)).exit.code(), 3);
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        assert!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).is_silent());
        assert!(!Failure::from(io::Error::from(io::ErrorKind::StorageFull)).is_silent());
    }
}
