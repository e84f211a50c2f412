//! The client's side of the handshake: one state, waiting for message 2.

use crate::codec::CodecName;
use crate::connection::{ClientConfig, Limits, Session};
use crate::handshake::alert::Alert;
use crate::handshake::noise::{Noise, split_seed};
use crate::handshake::offer::{Offer, Selection};
use crate::handshake::{Established, HandshakeError, MAX_MESSAGE, Progress, name_stranger, preamble, take_message};
use crate::record::{Opener, Sealer};

/// Message 1 is on its way.
pub(crate) struct ExpectMessage2 {
    noise: Noise,
    offered: Vec<CodecName>,
    limits: Limits,
    iv_seed: [u8; 32],
}

impl ExpectMessage2 {
    /// Appends preamble and message 1 to `out`.
    pub(crate) fn begin(config: &ClientConfig, entropy: [u8; 32], out: &mut Vec<u8>) -> Self {
        let (ephemeral_seed, iv_seed) = split_seed(entropy);
        let prologue = preamble(config.key.id());
        let mut noise = Noise::initiator(&config.key, &prologue, ephemeral_seed);
        let offer = Offer {
            instance: config.identity.instance,
            limits: config.limits,
            codecs: config.offer.clone(),
            agent: config.identity.agent.clone(),
        };
        out.extend_from_slice(&prologue);
        noise.write(&offer.encode(), out);
        Self { noise, offered: offer.codecs, limits: config.limits, iv_seed }
    }

    pub(crate) fn handle_input(mut self, input: &[u8]) -> Progress<Self, Established> {
        let Some(&first) = input.first() else { return Progress::More(self) };
        if let Some(error) = Alert::parse(first) {
            return Progress::Failed(error);
        }
        if usize::from(first) > MAX_MESSAGE >> 8 {
            return Progress::Failed(name_stranger(input));
        }
        let message = match take_message(input) {
            Ok(Some(message)) => message,
            Ok(None) => return Progress::More(self),
            Err(error) => return Progress::Failed(error),
        };
        let used = 2 + message.len();
        let Some(payload) = self.noise.read(message) else {
            return Progress::Failed(HandshakeError::AnswerNotAuthentic);
        };
        match Selection::parse(&payload) {
            None => Progress::Failed(HandshakeError::Malformed("selection")),
            Some(Selection::OwnInstance) => Progress::Failed(HandshakeError::OwnInstanceAtServer),
            Some(Selection::NoCommonCodec { accepted }) => {
                Progress::Failed(HandshakeError::NoCommonCodec { accepted, offered: self.offered })
            }
            Some(Selection::Chosen { codec, .. }) if !self.offered.contains(&codec) => {
                Progress::Failed(HandshakeError::NotOffered(codec))
            }
            Some(Selection::Chosen { codec, limits, agent }) => {
                let session = Session { codec, limits: self.limits.min(limits), agent, peer: None };
                Progress::Done(self.establish(session), used)
            }
        }
    }

    fn establish(self, session: Session) -> Established {
        let (ours, theirs) = self.noise.into_keys();
        Established { session, sealer: Sealer::new(ours, self.iv_seed), opener: Opener::new(theirs) }
    }
}
