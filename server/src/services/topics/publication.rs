//! A published message as its subscribers get it: once in each codec that one of them speaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bulla_codecs::Linked;
use bulla_core::codec::{CodecName, CodecSet, EncodeError, SharedCodec};
use bulla_core::text::escape;
use bulla_core::value::Value;

use crate::services::topics::{Cause, Delivery, Gap, Topic};

/// Encoded bytes, shared by all who send them.
pub(super) type Bytes = Arc<[u8]>;

/// What a publication costs beside its bytes, roughly, and a message in a queue beside its value.
const OVERHEAD: usize = 256;

/// The longest reason of a gap, in characters.
const MAX_REASON: usize = 300;

/// What all queues share: how many bytes are held for them, and how many messages they dropped.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    bytes: AtomicU64,
    dropped: AtomicU64,
}

impl Ledger {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn hold(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn release(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// A value in each codec that is wanted.
pub(super) struct Bodies(Vec<(SharedCodec, Result<Bytes, EncodeError>)>);

impl Bodies {
    /// Encodes a value; the bytes as which it came stay as they are.
    pub(super) fn new(value: Value, encoded: Option<(CodecName, Vec<u8>)>, wanted: Vec<SharedCodec>) -> Self {
        let encoded = encoded.map(|(origin, message)| (origin, Bytes::from(message)));
        let encode = |codec: SharedCodec| {
            let same = encoded.as_ref().filter(|(origin, _)| *origin == codec.name());
            let bytes = match same {
                Some((_, message)) => Ok(Arc::clone(message)),
                None => Linked::encode_to_vec(&*codec, &value).map(Bytes::from),
            };
            (codec, bytes)
        };
        Self(wanted.into_iter().map(encode).collect())
    }

    /// What the message costs in the queue of a subscriber with this codec.
    pub(super) fn cost(&self, codec: CodecName) -> usize {
        let body = self.0.iter().find(|(known, _)| known.name() == codec);
        cost(body.and_then(|(_, body)| body.as_ref().ok()))
    }
}

fn cost(value: Option<&Bytes>) -> usize {
    OVERHEAD + value.map_or(0, |value| value.len())
}

/// A published message. Nothing of it changes any more.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) sequence: u64,
    topic: Topic,
    parts: Vec<(CodecName, Part)>,
    size: u64,
    ledger: Arc<Ledger>,
}

/// A published message in one codec: what is sent, message by message.
#[derive(Debug)]
pub(super) enum Part {
    /// What comes, and the value.
    Whole { head: Bytes, value: Bytes },
    /// The codec cannot carry the value: a gap that says so.
    Gap(Bytes),
}

impl Part {
    /// Whether the value is no longer than a message may be.
    pub(super) fn fits(&self, longest: usize) -> bool {
        match self {
            Self::Whole { value, .. } => value.len() <= longest,
            Self::Gap(_) => true,
        }
    }

    /// What the message costs in the queue of a subscriber.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Whole { value, .. } => cost(Some(value)),
            Self::Gap(_) => cost(None),
        }
    }

    /// What is sent, message by message.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Bytes> {
        let (first, second) = match self {
            Self::Whole { head, value } => (head, Some(value)),
            Self::Gap(gap) => (gap, None),
        };
        std::iter::once(first).chain(second)
    }

    /// How many bytes are sent.
    fn size(&self) -> usize {
        self.messages().map(|message| message.len()).sum()
    }
}

impl Publication {
    /// A message with its number.
    pub(super) fn new(topic: Topic, sequence: u64, bodies: Bodies, ledger: &Arc<Ledger>) -> Self {
        let parts: Vec<_> = bodies
            .0
            .into_iter()
            .filter_map(|(codec, body)| Some((codec.name(), part(&topic, sequence, &codec, body)?)))
            .collect();
        let size = OVERHEAD as u64 + parts.iter().map(|(_, part)| part.size() as u64).sum::<u64>();
        ledger.hold(size);
        Self { sequence, topic, parts, size, ledger: Arc::clone(ledger) }
    }

    pub(super) fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The message in a codec; `None` if nobody wanted it in that one when it was published.
    pub(super) fn part(&self, codec: CodecName) -> Option<&Part> {
        self.parts.iter().find(|(name, _)| *name == codec).map(|(_, part)| part)
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.ledger.release(self.size);
    }
}

/// `None` if the codec cannot even carry a delivery's head, which is found out when somebody subscribes in it.
fn part(topic: &Topic, sequence: u64, codec: &SharedCodec, body: Result<Bytes, EncodeError>) -> Option<Part> {
    match body {
        Ok(value) => {
            let head = encode(codec, &Delivery::Message { topic: topic.to_string(), sequence }).ok()?;
            Some(Part::Whole { head, value })
        }
        Err(error) => {
            let reason = escape(&format_args!("as {}: {error}", codec.name()), MAX_REASON);
            let topic = Some(topic.to_string());
            let gap = Gap { cause: Cause::Codec, count: 1, topic, sequence, reason };
            encode(codec, &Delivery::Gap(gap)).ok().map(Part::Gap)
        }
    }
}

/// A delivery's head in a codec.
pub(super) fn encode(codec: &SharedCodec, delivery: &Delivery) -> Result<Bytes, EncodeError> {
    Linked::encode_to_vec(&**codec, delivery).map(Bytes::from)
}
