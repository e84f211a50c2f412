//! The worked example of the protocol's documentation: the numbers there are what this code makes.

use std::fmt::Write;

use base64::Engine;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::*;
use crate::handshake::{Noise, Offer, PREAMBLE_LEN, split_seed};
use crate::status::{Code, Status};

const DOCUMENT: &str = include_str!("../protocol.md");

/// The example's lines, `name: hex digits`, as this code computes them.
fn computed() -> String {
    let key = Key::from_bytes(std::array::from_fn(|at| u8::try_from(at).unwrap()));
    let client = ClientConfig {
        key: key.clone(),
        offer: vec![JSON],
        identity: Identity { instance: [0xc1; 16], agent: "example/1".to_owned() },
        ..client_config()
    };
    let server = ServerConfig { keys: KeyRing::single(key.clone()), ..server_config() };
    let mut pair = Pair::new(&client, server);
    let first = transmit(&mut pair.client);
    pair.server.hear(pair.now, &first);
    let second = transmit(&mut pair.server);
    pair.client.hear(pair.now, &second);
    let (to_server, to_client) = session_keys(&client, &first, &second);
    let stream = pair.client.open(&open("greet")).unwrap();
    pair.client.send(stream, b"\"Ada\"".to_vec()).unwrap();
    pair.client.finish(stream).unwrap();
    let record = transmit(&mut pair.client);
    pair.server.hear(pair.now, &record);
    assert_eq!(pair.server_events().len(), 3, "the server understands the example");
    let status = Status::new(Code::NotFound, "no such person").with_detail("name", "Ada");
    pair.server.reset(stream, &status).unwrap();
    let refusal = transmit(&mut pair.server);
    pair.client.hear(pair.now, &refusal);
    assert_eq!(pair.client_events().last(), Some(&Event::Reset { stream, status }));

    let mut lines = String::new();
    let mut line = |name: &str, bytes: &[u8]| {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for (at, chunk) in hex.chunks(32).enumerate() {
            let label = if at == 0 { format!("{name}:") } else { String::new() };
            writeln!(lines, "{label:<24}{}", chunk.join("")).unwrap();
        }
    };
    line("psk", &*key.psk());
    line("key id", key.id().as_bytes());
    line("client's ephemeral", &ephemeral(7));
    line("server's ephemeral", &ephemeral(8));
    line("preamble", &first[..PREAMBLE_LEN]);
    line("message 1", &first[PREAMBLE_LEN..]);
    line("message 2", &second);
    line("client's session key", &to_server);
    line("server's session key", &to_client);
    line("frames", &opened(&to_server, &record)[8..]);
    line("record", &record);
    line("frames of the refusal", &opened(&to_client, &refusal)[8..]);
    lines
}

/// The session keys, from the client's side of the handshake played once more.
fn session_keys(config: &ClientConfig, first: &[u8], second: &[u8]) -> ([u8; 32], [u8; 32]) {
    let (seed, _) = split_seed([7; 32]);
    let mut noise = Noise::initiator(&config.key, first[..PREAMBLE_LEN].try_into().unwrap(), seed);
    let offer = Offer {
        instance: config.identity.instance,
        limits: config.limits,
        codecs: config.offer.clone(),
        agent: config.identity.agent.clone(),
    };
    let mut message = Vec::new();
    noise.write(&offer.encode(), &mut message);
    assert_eq!(message, first[PREAMBLE_LEN..]);
    noise.read(&second[2..]).expect("authentic");
    let (to_server, to_client) = noise.into_keys();
    (*to_server.bytes(), *to_client.bytes())
}

/// The private ephemeral key that a side of the [`Pair`] draws from its entropy.
fn ephemeral(entropy: u8) -> [u8; 32] {
    let (seed, _) = split_seed([entropy; 32]);
    let mut key = [0; 32];
    ChaCha20Rng::from_seed(seed).fill_bytes(&mut key);
    key
}

/// A record's plaintext, as a Fernet library sees it.
fn opened(key: &[u8; 32], record: &[u8]) -> Vec<u8> {
    let base64 = base64::engine::general_purpose::URL_SAFE;
    let fernet = fernet::Fernet::new(&base64.encode(key)).unwrap();
    fernet.decrypt(&base64.encode(&record[4..])).unwrap()
}

#[test]
fn the_numbers_of_the_worked_example_are_right() {
    let computed = computed();
    let (_, example) = DOCUMENT.split_once("```text example\n").expect("the document has the example");
    let (example, _) = example.split_once("```").expect("the example ends");
    assert_eq!(example, computed, "the document should say:\n{computed}");
}
