//! Every way in which a handshake fails, named as the side that sees it would tell a person.

use crate::codec::CodecName;

/// Why a session never began.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// On a client: the server holds no key with this id.
    #[error("wrong key: the server does not hold this key")]
    KeyRefused,
    /// On a server: the client shows a key id that is not in the ring.
    #[error("the client's key (id {0}) is not in this server's key file")]
    UnknownKey(crate::key::KeyId),
    /// On a client: the answer is not sealed with this key.
    #[error("the server's answer is not sealed with this key: damaged on the way, or not our server")]
    AnswerNotAuthentic,
    /// On a server: message 1 is not sealed with the key that it names.
    #[error("the client's first message is not sealed with the key that it names: damaged or forged")]
    OfferNotAuthentic,
    /// On a client: the server says that message 1 did not open.
    #[error("the server could not open this client's first message: damaged on the way")]
    OfferRefused,
    /// No codec on both lists.
    #[error("no common codec: the server accepts {}; the client offered {}", list(accepted), list(offered))]
    NoCommonCodec {
        /// What the server accepts.
        accepted: Vec<CodecName>,
        /// What the client offered, in its order.
        offered: Vec<CodecName>,
    },
    /// On a client: the server chose a codec that was not offered.
    #[error("the server chose the codec {0}, which this client did not offer")]
    NotOffered(CodecName),
    /// On a server: the client speaks another version of the protocol.
    #[error("the client speaks version {0} of the protocol, this server version 1")]
    Version(u8),
    /// On a server: the client wants another set of ciphers.
    #[error("the client wants cipher suite {0}, this server speaks suite 1")]
    Suite(u8),
    /// On a client: the server does not speak this version or suite.
    #[error("the server does not speak version 1, suite 1 of the protocol")]
    VersionRefused,
    /// The other side speaks HTTP.
    #[error("the other side speaks HTTP, not Bulla")]
    PeerSpeaksHttp,
    /// The other side speaks TLS.
    #[error("the other side speaks TLS, not Bulla")]
    PeerSpeaksTls,
    /// The other side speaks something else.
    #[error("the other side does not speak Bulla")]
    NotBulla,
    /// The handshake took too long.
    #[error("the handshake was not done in time")]
    Deadline,
    /// On a client: the server says that the handshake took too long.
    #[error("the server gave up: the handshake was not done in time")]
    DeadlineAtServer,
    /// The server has no room for another connection.
    #[error("the server is busy: try again later")]
    Busy,
    /// The instance id of the other side is our own.
    #[error("this program is talking to itself: its own handshake was reflected")]
    OwnInstance,
    /// On a client: the server saw its own instance id in the offer.
    #[error("the server saw its own instance id in this client's offer")]
    OwnInstanceAtServer,
    /// A message of the handshake does not parse.
    #[error("malformed {0} in the handshake")]
    Malformed(&'static str),
    /// The input ended within the handshake.
    #[error("the other side hung up during the handshake")]
    HungUp,
}

fn list(names: &[CodecName]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(CodecName::as_str).collect::<Vec<_>>().join(", ")
}
