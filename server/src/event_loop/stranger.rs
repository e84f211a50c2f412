//! What to say to a peer that speaks something else, in its own tongue.

use bulla_core::handshake::HandshakeError;

/// A response that a browser or curl shows to the person in front of it.
const HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 52\r\n\
    connection: close\r\n\
    \r\n\
    This port speaks Bulla, not HTTP. Use a Bulla client";

/// A fatal alert, `protocol_version` ([RFC 8446](https://www.rfc-editor.org/rfc/rfc8446#section-6)).
const TLS: &[u8] = &[21, 3, 1, 0, 2, 2, 70];

/// The bytes for a peer whose handshake failed in this way, beside the alert.
pub(crate) fn words_for(error: &HandshakeError) -> &'static [u8] {
    match error {
        HandshakeError::PeerSpeaksHttp => HTTP,
        HandshakeError::PeerSpeaksTls => TLS,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_is_as_long_as_it_says() {
        let text = std::str::from_utf8(HTTP).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
    }
}
