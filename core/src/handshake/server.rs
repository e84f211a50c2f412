//! The server's side of the handshake: two states, waiting for the preamble and for message 1.

use std::sync::Arc;

use crate::connection::{ServerConfig, Session};
use crate::handshake::noise::{Noise, split_seed};
use crate::handshake::offer::{Offer, Selection};
use crate::handshake::{Established, HandshakeError, PREAMBLE_LEN, Progress, parse_preamble, preamble, take_message};
use crate::record::{Opener, Sealer};

/// Nothing has come yet, or a part of the preamble.
pub(crate) struct ExpectPreamble {
    config: Arc<ServerConfig>,
    entropy: [u8; 32],
}

/// The preamble names a key that we hold.
pub(crate) struct ExpectMessage1 {
    config: Arc<ServerConfig>,
    noise: Noise,
    peer: Option<String>,
    iv_seed: [u8; 32],
}

/// Message 1 is authentic: message 2 in answer, and what becomes of the session.
pub(crate) struct Answer {
    pub(crate) message2: Vec<u8>,
    pub(crate) outcome: Result<Established, HandshakeError>,
}

impl ExpectPreamble {
    pub(crate) fn new(config: Arc<ServerConfig>, entropy: [u8; 32]) -> Self {
        Self { config, entropy }
    }

    pub(crate) fn handle_input(self, input: &[u8]) -> Progress<Self, ExpectMessage1> {
        let id = match parse_preamble(input) {
            Ok(Some(id)) => id,
            Ok(None) => return Progress::More(self),
            Err(error) => return Progress::Failed(error),
        };
        let Some(named) = self.config.keys.find(&id) else {
            return Progress::Failed(HandshakeError::UnknownKey(id));
        };
        let (ephemeral_seed, iv_seed) = split_seed(self.entropy);
        let noise = Noise::responder(named.key(), &preamble(id), ephemeral_seed);
        let peer = named.name().map(str::to_owned);
        Progress::Done(ExpectMessage1 { config: self.config, noise, peer, iv_seed }, PREAMBLE_LEN)
    }
}

impl ExpectMessage1 {
    pub(crate) fn handle_input(mut self, input: &[u8]) -> Progress<Self, Answer> {
        let message = match take_message(input) {
            Ok(Some(message)) => message,
            Ok(None) => return Progress::More(self),
            Err(error) => return Progress::Failed(error),
        };
        let used = 2 + message.len();
        let Some(payload) = self.noise.read(message) else {
            return Progress::Failed(HandshakeError::OfferNotAuthentic);
        };
        match Offer::parse(&payload) {
            None => Progress::Failed(HandshakeError::Malformed("offer")),
            Some(offer) => Progress::Done(self.answer(offer), used),
        }
    }

    fn answer(mut self, offer: Offer) -> Answer {
        let config = &self.config;
        let selection = offer.select(&config.accept, config.limits, &config.identity);
        let mut message2 = Vec::new();
        self.noise.write(&selection.encode(), &mut message2);
        let outcome = match selection {
            Selection::OwnInstance => Err(HandshakeError::OwnInstance),
            Selection::NoCommonCodec { accepted } => {
                Err(HandshakeError::NoCommonCodec { accepted, offered: offer.codecs })
            }
            Selection::Chosen { codec, limits, .. } => {
                let session = Session { codec, limits: limits.min(offer.limits), agent: offer.agent, peer: self.peer };
                let (theirs, ours) = self.noise.into_keys();
                Ok(Established { session, sealer: Sealer::new(ours, self.iv_seed), opener: Opener::new(theirs) })
            }
        };
        Answer { message2, outcome }
    }
}
