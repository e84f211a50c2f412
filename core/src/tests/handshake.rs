//! The handshake, and every way in which it fails, each by its name on both sides.

use std::time::Duration;

use super::*;
use crate::handshake::{HandshakeError, MAX_MESSAGE, PREAMBLE_LEN};

fn failed(connection: &mut Connection) -> HandshakeError {
    match closed(connection) {
        Closed::Handshake(error) => error,
        other => panic!("not a failed handshake: {other:?}"),
    }
}

/// Both sides' reasons after as much of the handshake as they manage.
fn failure(client: &ClientConfig, server: ServerConfig) -> (HandshakeError, HandshakeError) {
    let mut pair = Pair::new(client, server);
    pair.drive();
    (failed(&mut pair.client), failed(&mut pair.server))
}

#[test]
fn both_sides_agree_on_the_client_s_first_choice_and_the_smaller_limits() {
    let limits = Limits { message: 1000, ..Limits::default() };
    let server = ServerConfig { limits: Limits { streams: 5, ..Limits::default() }, ..server_config() };
    let mut pair = Pair::new(&ClientConfig { limits, ..client_config() }, server);
    pair.drive();
    let expected = Limits { message: 1000, streams: 5, ..Limits::default() };
    let (client, server) = (session(&pair.client), session(&pair.server));
    assert_eq!((client.codec, client.limits, &client.agent[..]), (XML, expected, "server/1"));
    assert_eq!((server.codec, server.limits, &server.agent[..]), (XML, expected, "client/1"));
}

#[test]
fn the_name_of_a_key_is_the_peer() {
    let keys =
        KeyRing::parse(&format!("{}\nada = {}\n", key(1).to_text().as_str(), key(2).to_text().as_str())).unwrap();
    let server = ServerConfig { keys, ..server_config() };
    let pair = Pair::connected_with(&ClientConfig { key: key(2), ..client_config() }, server.clone());
    assert_eq!(session(&pair.server).peer.as_deref(), Some("ada"));
    let pair = Pair::connected_with(&client_config(), server);
    assert_eq!(session(&pair.server).peer, None);
}

#[test]
fn a_key_that_the_server_does_not_hold() {
    let client = ClientConfig { key: key(2), ..client_config() };
    let expected = (HandshakeError::KeyRefused, HandshakeError::UnknownKey(key(2).id()));
    assert_eq!(failure(&client, server_config()), expected);
}

#[test]
fn a_first_message_under_another_key_than_the_one_it_names() {
    let mut pair = Pair::new(&ClientConfig { key: key(2), ..client_config() }, server_config());
    let mut bytes = transmit(&mut pair.client);
    bytes[8..PREAMBLE_LEN].copy_from_slice(key(1).id().as_bytes());
    pair.server.hear(pair.now, &bytes);
    pair.server_speaks();
    assert_eq!(failed(&mut pair.server), HandshakeError::OfferNotAuthentic);
    assert_eq!(failed(&mut pair.client), HandshakeError::OfferRefused);
}

#[test]
fn no_common_codec_shows_both_lists_on_both_sides() {
    let client = ClientConfig { offer: vec![YAML], ..client_config() };
    let (at_client, at_server) = failure(&client, server_config());
    let expected = HandshakeError::NoCommonCodec { accepted: vec![JSON, XML], offered: vec![YAML] };
    assert_eq!((&at_client, &at_server), (&expected, &expected));
    assert_eq!(at_client.to_string(), "no common codec: the server accepts json, xml; the client offered yaml");
}

#[test]
fn another_version_and_another_suite() {
    for (at, on_server) in [(5, HandshakeError::Version(9)), (6, HandshakeError::Suite(9))] {
        let mut pair = Pair::new(&client_config(), server_config());
        let mut bytes = transmit(&mut pair.client);
        bytes[at] = 9;
        pair.server.hear(pair.now, &bytes);
        pair.server_speaks();
        assert_eq!(failed(&mut pair.server), on_server);
        assert_eq!(failed(&mut pair.client), HandshakeError::VersionRefused);
    }
}

#[test]
fn a_server_names_a_client_that_speaks_http_or_tls() {
    let cases: [(&[u8], HandshakeError); 3] = [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", HandshakeError::PeerSpeaksHttp),
        (&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03], HandshakeError::PeerSpeaksTls),
        (b"SSH-2.0-OpenSSH_9\r\n", HandshakeError::NotBulla),
    ];
    for (bytes, name) in cases {
        let mut pair = Pair::new(&client_config(), server_config());
        pair.server.hear(pair.now, bytes);
        assert_eq!(failed(&mut pair.server), name);
        assert!(transmit(&mut pair.server).is_empty(), "a stranger gets no answer");
    }
}

#[test]
fn a_client_names_a_server_that_speaks_http_or_tls() {
    let cases: [(&[u8], HandshakeError); 3] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", HandshakeError::PeerSpeaksHttp),
        (&[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46], HandshakeError::PeerSpeaksTls),
        (b"SSH-2.0-OpenSSH_9\r\n", HandshakeError::NotBulla),
    ];
    for (bytes, name) in cases {
        let mut pair = Pair::new(&client_config(), server_config());
        pair.client.hear(pair.now, bytes);
        assert_eq!(failed(&mut pair.client), name);
    }
}

#[test]
fn the_deadline_is_for_the_whole_handshake() {
    let mut pair = Pair::new(&client_config(), server_config());
    let mut bytes = transmit(&mut pair.client);
    let rest = bytes.split_off(10);
    // A byte now and then does not buy more time.
    pair.server.hear(pair.now + Duration::from_secs(4), &bytes);
    assert_eq!(pair.server.poll_timeout(), Some(pair.now + Duration::from_secs(5)));
    pair.pass(Duration::from_millis(4_999));
    assert!(!pair.server.is_over() && !pair.client.is_over());
    pair.pass(Duration::from_millis(1));
    assert_eq!(failed(&mut pair.server), HandshakeError::Deadline);
    assert_eq!(failed(&mut pair.client), HandshakeError::Deadline);
    pair.server.hear(pair.now, &rest);
    assert!(pair.server.is_over());
    // A client that is still there is told.
    let alert = transmit(&mut pair.server);
    let mut late = Pair::new(&client_config(), server_config());
    late.client.hear(late.now, &alert);
    assert_eq!(failed(&mut late.client), HandshakeError::DeadlineAtServer);
}

#[test]
fn a_busy_server_says_so() {
    let mut pair = Pair::new(&client_config(), server_config());
    pair.server.refuse_busy();
    pair.drive();
    assert_eq!((failed(&mut pair.client), failed(&mut pair.server)), (HandshakeError::Busy, HandshakeError::Busy));
}

#[test]
fn a_server_refuses_its_own_instance() {
    let client = ClientConfig { identity: server_config().identity, ..client_config() };
    assert_eq!(failure(&client, server_config()), (HandshakeError::OwnInstanceAtServer, HandshakeError::OwnInstance));
}

#[test]
fn a_client_whose_bytes_are_reflected_hears_a_stranger() {
    let mut pair = Pair::new(&client_config(), server_config());
    let bytes = transmit(&mut pair.client);
    pair.client.hear(pair.now, &bytes);
    assert_eq!(failed(&mut pair.client), HandshakeError::NotBulla);
}

#[test]
fn hanging_up_is_named() {
    let mut pair = Pair::new(&client_config(), server_config());
    pair.client.handle_eof();
    pair.server.handle_eof();
    assert_eq!(failed(&mut pair.client), HandshakeError::HungUp);
    assert_eq!(failed(&mut pair.server), HandshakeError::HungUp);
}

#[test]
fn a_replayed_first_message_makes_no_session() {
    let mut pair = Pair::new(&client_config(), server_config());
    let recorded = transmit(&mut pair.client);
    let mut replay = Pair::new(&client_config(), server_config());
    replay.server.hear(replay.now, &recorded);
    assert!(!transmit(&mut replay.server).is_empty(), "the server answers");
    assert_eq!(replay.server_events(), [], "but counts no session");
    assert_eq!(replay.server.session(), None);
    assert_eq!(replay.server.poll_timeout(), Some(replay.now + Duration::from_secs(5)), "and the deadline stands");
    replay.pass(Duration::from_secs(5));
    assert_eq!(failed(&mut replay.server), HandshakeError::Deadline);
}

#[test]
fn an_idle_client_confirms_the_session_by_itself() {
    let mut pair = Pair::new(&client_config(), server_config());
    pair.client_speaks();
    pair.server_speaks();
    assert_eq!(pair.server_events(), []);
    assert!(pair.client_speaks(), "an empty record");
    assert!(matches!(pair.server_events()[..], [Event::Connected(_)]));
}

#[test]
fn an_illegal_length_is_refused_before_the_message_comes() {
    for length in [0, MAX_MESSAGE + 1, 0xffff] {
        let mut pair = Pair::new(&client_config(), server_config());
        let mut bytes = transmit(&mut pair.client);
        bytes.truncate(PREAMBLE_LEN);
        bytes.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        pair.server.hear(pair.now, &bytes);
        assert_eq!(failed(&mut pair.server), HandshakeError::Malformed("message length"));
    }
}
