//! What goes wrong between a caller and its answer: one name and one line for each way.

use std::time::Duration;

use bulla_core::codec::{CodecName, DecodeError, EncodeError, RegistryError};
use bulla_core::connection::{Closed, CommandError, MAX_CODECS};
use bulla_core::handshake::HandshakeError;
use bulla_core::key::KeyId;
use bulla_core::status::Status;

/// Why there is no session with the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The builder was given no key.
    #[error("this client has no key: give the builder one, such as KeyRing::load(\"bulla.key\")?.current().key()")]
    NoKey,
    /// Nothing to offer: the registry is empty, or the offer is.
    #[error("this client offers no codec: link one, such as `use bulla_codec_json as _;`")]
    NoCodecs,
    /// Two linked codecs have one name.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The offer names what is no codec name, or a codec that is not linked.
    #[error("this client cannot offer {name}: it has {}", names(.known))]
    UnknownCodec {
        /// As given, escaped.
        name: String,
        /// The codecs that are linked.
        known: Vec<CodecName>,
    },
    /// The offer is longer than a handshake carries.
    #[error("this client offers {0} codecs, more than the {MAX_CODECS} that an offer holds: offer fewer")]
    TooManyCodecs(usize),
    /// The text is no address.
    #[error("{text:?} is no server address: expected host:port or unix:/path")]
    Address {
        /// As given, escaped.
        text: String,
    },
    /// The name of the host was not found.
    #[error("cannot find the server {server}: {reason}; check the name")]
    Resolve {
        /// The address.
        server: String,
        /// The resolver's words, escaped.
        reason: String,
    },
    /// Nothing listens there.
    #[error("no server at {server}: start one, or check the address")]
    NoServer {
        /// The address.
        server: String,
    },
    /// No connection within the handshake bound.
    #[error("no answer from {server} in time: check the address and the network")]
    Timeout {
        /// The address.
        server: String,
    },
    /// The operating system could not connect.
    #[error("cannot reach {server}: {reason}")]
    Unreachable {
        /// The address.
        server: String,
        /// The system's words, escaped.
        reason: String,
    },
    /// The connection stands, but no session came of it.
    #[error("{server}: {error}{}", remedy(.error, .key))]
    Handshake {
        /// The address.
        server: String,
        /// The id of the key that was shown.
        key: KeyId,
        /// What went wrong.
        error: HandshakeError,
    },
    /// Of several servers, none: what each of them said, in the order in which they were tried.
    #[error("none of {} servers took this client: {}", .0.len(), each(.0))]
    NoneOf(Vec<Self>),
    /// The operating system gives no randomness, no thread or no poller.
    #[error("this client cannot start: {0}")]
    System(String),
    /// [`Client::close`](crate::Client::close) was called.
    #[error("this client is closed: make another one")]
    Closed,
    /// The connection was lost, and the client was told not to connect again.
    #[error("the connection to {server} is lost, and this client does not connect again by itself")]
    NotAgain {
        /// The address, or the addresses.
        server: String,
    },
    /// The caller's deadline passed before the client was connected again.
    #[error("the deadline passed before this client was connected to {server} again")]
    Deadline {
        /// The address.
        server: String,
    },
}

impl ConnectError {
    /// Whether trying again can help without anybody changing a key, a list of codecs or an address.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoneOf(failures) => failures.iter().any(Self::is_transient),
            Self::NoServer { .. } | Self::Timeout { .. } | Self::Unreachable { .. } | Self::Resolve { .. } => true,
            Self::Handshake { error, .. } => matches!(
                error,
                HandshakeError::Busy
                    | HandshakeError::HungUp
                    | HandshakeError::Deadline
                    | HandshakeError::DeadlineAtServer
            ),
            _ => false,
        }
    }
}

/// What a person can do about it, behind a semicolon; empty if the error says so itself.
fn remedy(error: &HandshakeError, key: &KeyId) -> String {
    match error {
        HandshakeError::KeyRefused => format!("; this client showed key id {key}: use the server's key file"),
        HandshakeError::NoCommonCodec { .. } => "; offer one that the server accepts".to_owned(),
        HandshakeError::VersionRefused => "; use a client and a server of the same version".to_owned(),
        HandshakeError::PeerSpeaksHttp | HandshakeError::PeerSpeaksTls | HandshakeError::NotBulla => {
            "; check the port".to_owned()
        }
        HandshakeError::Deadline => "; is it a Bulla server that listens there?".to_owned(),
        HandshakeError::HungUp => "; the server's log says why, if it is a Bulla server".to_owned(),
        _ => String::new(),
    }
}

/// Why a connection that stood is of no more use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The connection is over.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The server says that it serves no more calls.
    #[error("the server is going away")]
    GoingAway,
    /// The server took no bytes for longer than the idle bound.
    #[error("the server has not read for {} s", .0.as_secs())]
    Stalled(Duration),
    /// The thread that drives the connection is gone.
    #[error("the thread that drives the connection is gone")]
    Abandoned,
}

/// Why a call gave no answer, or a stream ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// There is no connection to call over, and none could be made.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server refused the call, or its handler did.
    #[error("the server refused {route}: {status}")]
    Status {
        /// The route called.
        route: String,
        /// The server's code and reason.
        status: Status,
    },
    /// An interceptor of this client refused the call. Nothing of it was sent.
    #[error("this client does not call {route}: {status}")]
    Intercepted {
        /// The route called, escaped.
        route: String,
        /// The interceptor's code and reason.
        status: Status,
    },
    /// The connection was lost before anything of the call was sent. It did not run: repeat it.
    #[error("the connection was lost before {route} was sent: {reason}; it did not run, so try again")]
    NotSent {
        /// The route called.
        route: String,
        /// Why the connection is of no more use.
        reason: Lost,
    },
    /// The connection was lost after the call was sent, before its answer came. It is never repeated by itself.
    #[error(
        "the connection was lost after {route} was sent: {reason}; the server may have run it, so look before you repeat it"
    )]
    MayHaveRun {
        /// The route called.
        route: String,
        /// Why the connection is of no more use.
        reason: Lost,
    },
    /// No answer within the call's deadline.
    #[error("no answer to {route} from the server within {after:?}{}", if *.sent { "; it may have run" } else { "; it was not sent" })]
    Deadline {
        /// The route called.
        route: String,
        /// The deadline, from the start of the call.
        after: Duration,
        /// Whether anything of the call was sent.
        sent: bool,
    },
    /// This side gave the call up, or one half of the stream.
    #[error("{route} was cancelled by this client")]
    Cancelled {
        /// The route called.
        route: String,
    },
    /// The server ended the stream in order before this side had sent everything: it has answered already.
    #[error("the server has ended {route} before everything was sent")]
    Ended {
        /// The route called.
        route: String,
    },
    /// The server ended the stream without an answer.
    #[error("the server ended {route} without an answer")]
    NoAnswer {
        /// The route called.
        route: String,
    },
    /// The server's list does not go on as a list must: it would never end, or be one with gaps.
    #[error("the server's answers to {route} are no list: {reason}")]
    List {
        /// The route called.
        route: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// The request has no form in the session's codec.
    #[error("this client cannot write the request to {route} as {codec}: {error}")]
    Encode {
        /// The route called.
        route: String,
        /// The session's codec.
        codec: CodecName,
        /// The codec's words.
        error: EncodeError,
    },
    /// The answer is not what the caller expects.
    #[error("this client cannot read the {codec} answer to {route}: {error}")]
    Decode {
        /// The route called.
        route: String,
        /// The session's codec.
        codec: CodecName,
        /// The codec's words.
        error: DecodeError,
    },
    /// The route, the metadata or the length of the request is none that the protocol carries.
    #[error("this client cannot call {route}: {error}")]
    Command {
        /// The route called, escaped.
        route: String,
        /// What is wrong.
        error: CommandError,
    },
}

fn each(failures: &[ConnectError]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn names(known: &[CodecName]) -> String {
    if known.is_empty() {
        return "none".to_owned();
    }
    known.iter().map(CodecName::as_str).collect::<Vec<_>>().join(", ")
}
