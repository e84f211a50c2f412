//! `Noise_NNpsk0_25519_ChaChaPoly_SHA256` over the crate snow, with entropy handed in.
//!
//! Source: [the Noise Protocol Framework](https://noiseprotocol.org/noise.html), revision 34, pattern NN with modifier psk0.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use zeroize::Zeroizing;

use crate::handshake::PREAMBLE_LEN;
use crate::key::Key;
use crate::record::{SessionKey, session_keys};

/// The longest message of the handshake, in bytes, without its two-byte length.
pub const MAX_MESSAGE: usize = 1024;

const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_SHA256";

/// One side of a handshake in progress.
pub(crate) struct Noise(Box<snow::HandshakeState>);

impl Noise {
    pub(crate) fn initiator(key: &Key, prologue: &[u8; PREAMBLE_LEN], seed: [u8; 32]) -> Self {
        Self::build(key, prologue, seed, |builder| builder.build_initiator())
    }

    pub(crate) fn responder(key: &Key, prologue: &[u8; PREAMBLE_LEN], seed: [u8; 32]) -> Self {
        Self::build(key, prologue, seed, |builder| builder.build_responder())
    }

    fn build(
        key: &Key,
        prologue: &[u8; PREAMBLE_LEN],
        seed: [u8; 32],
        finish: fn(snow::Builder<'_>) -> Result<snow::HandshakeState, snow::Error>,
    ) -> Self {
        let psk = key.psk();
        let params = PATTERN.parse().expect("the pattern is a constant that a test parses");
        let state = snow::Builder::with_resolver(params, Box::new(Seeded(Zeroizing::new(seed))))
            .prologue(prologue)
            .and_then(|builder| builder.psk(0, &psk))
            .and_then(finish)
            .expect("one prologue and one psk of the right size were given");
        Self(Box::new(state))
    }

    /// Appends `u16 length | message` with `payload` sealed inside.
    pub(crate) fn write(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        let mut message = [0; MAX_MESSAGE];
        let length = self.0.write_message(payload, &mut message).expect("it is our turn and the payload is bounded");
        out.extend_from_slice(&u16::try_from(length).expect("at most 1024").to_be_bytes());
        out.extend_from_slice(&message[..length]);
    }

    /// The payload of the other side's message, if that is authentic.
    pub(crate) fn read(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let mut payload = vec![0; message.len()];
        let length = self.0.read_message(message, &mut payload).ok()?;
        payload.truncate(length);
        Some(payload)
    }

    /// The session's keys: client to server, server to client.
    pub(crate) fn into_keys(mut self) -> (SessionKey, SessionKey) {
        // Before the end of the handshake the split would give keys that both sides do not share.
        assert!(self.0.is_handshake_finished(), "keys are asked for after the last message only");
        let hash = self.0.get_handshake_hash().to_vec();
        let (first, second) = self.0.dangerously_get_raw_split();
        session_keys(&Zeroizing::new(first), &Zeroizing::new(second), &hash)
    }
}

/// The default primitives, with randomness from a seed.
struct Seeded(Zeroizing<[u8; 32]>);

impl CryptoResolver for Seeded {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(SeededRandom(ChaCha20Rng::from_seed(*self.0))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

struct SeededRandom(ChaCha20Rng);

impl Random for SeededRandom {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), snow::Error> {
        self.0.fill_bytes(dest);
        Ok(())
    }
}

/// Two independent seeds from a connection's entropy: for the ephemeral key, and for the IVs of the records.
pub(crate) fn split_seed(entropy: [u8; 32]) -> ([u8; 32], [u8; 32]) {
    let mut rng = ChaCha20Rng::from_seed(entropy);
    let (mut ephemeral, mut iv) = ([0; 32], [0; 32]);
    rng.fill_bytes(&mut ephemeral);
    rng.fill_bytes(&mut iv);
    (ephemeral, iv)
}
