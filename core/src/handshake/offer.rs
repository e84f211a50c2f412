//! The payloads of the two handshake messages: the client's offer and the server's selection.
//!
//! ```text
//! offer     = instance id (16) | limits | codecs | agent
//! selection = 0 | codec name | limits | agent        the codec chosen, the server's limits
//!           | 1 | codecs                             none of the offer is accepted; what is
//!           | 2                                      the instance id in the offer is the server's own
//! limits    = u32 message | u32 streams | u32 credit
//! codecs    = u8 count (1..16) | count × name
//! name, agent = u8 length | text
//! ```

use crate::codec::CodecName;
use crate::connection::{Identity, Limits, MAX_AGENT, MAX_CODECS};
use crate::text::escape;
use crate::wire::{Reader, put_short_text};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) instance: [u8; 16],
    pub(crate) limits: Limits,
    pub(crate) codecs: Vec<CodecName>,
    /// Escaped when it came from a peer.
    pub(crate) agent: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    Chosen { codec: CodecName, limits: Limits, agent: String },
    NoCommonCodec { accepted: Vec<CodecName> },
    OwnInstance,
}

impl Offer {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = self.instance.to_vec();
        put_limits(&mut out, self.limits);
        put_codecs(&mut out, &self.codecs);
        put_agent(&mut out, &self.agent);
        out
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let offer = Self {
            instance: reader.array()?,
            limits: parse_limits(&mut reader)?,
            codecs: parse_codecs(&mut reader)?,
            agent: parse_agent(&mut reader)?,
        };
        reader.end(offer)
    }

    /// The server's answer: the first codec of the offer that is accepted.
    pub(crate) fn select(&self, accepted: &[CodecName], limits: Limits, identity: &Identity) -> Selection {
        if self.instance == identity.instance {
            return Selection::OwnInstance;
        }
        match self.codecs.iter().find(|codec| accepted.contains(codec)) {
            Some(&codec) => Selection::Chosen { codec, limits, agent: identity.agent.clone() },
            None => Selection::NoCommonCodec { accepted: accepted.to_vec() },
        }
    }
}

impl Selection {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Chosen { codec, limits, agent } => {
                out.push(0);
                put_short_text(&mut out, codec.as_str());
                put_limits(&mut out, *limits);
                put_agent(&mut out, agent);
            }
            Self::NoCommonCodec { accepted } => {
                out.push(1);
                put_codecs(&mut out, accepted);
            }
            Self::OwnInstance => out.push(2),
        }
        out
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let selection = match reader.u8()? {
            0 => Self::Chosen {
                codec: parse_name(&mut reader)?,
                limits: parse_limits(&mut reader)?,
                agent: parse_agent(&mut reader)?,
            },
            1 => Self::NoCommonCodec { accepted: parse_codecs(&mut reader)? },
            2 => Self::OwnInstance,
            _ => return None,
        };
        reader.end(selection)
    }
}

fn put_limits(out: &mut Vec<u8>, limits: Limits) {
    for limit in [limits.message, limits.streams, limits.credit] {
        out.extend_from_slice(&limit.to_be_bytes());
    }
}

/// Limits of zero would make a session in which nothing can be said: they do not parse.
fn parse_limits(reader: &mut Reader<'_>) -> Option<Limits> {
    let limits = Limits { message: reader.u32()?, streams: reader.u32()?, credit: reader.u32()? };
    (limits.message > 0 && limits.streams > 0 && limits.credit > 0).then_some(limits)
}

fn put_codecs(out: &mut Vec<u8>, codecs: &[CodecName]) {
    debug_assert!(codecs.len() <= MAX_CODECS, "configs are checked when they are made");
    let codecs = &codecs[..codecs.len().min(MAX_CODECS)];
    out.push(u8::try_from(codecs.len()).expect("at most 16"));
    for codec in codecs {
        put_short_text(out, codec.as_str());
    }
}

fn parse_codecs(reader: &mut Reader<'_>) -> Option<Vec<CodecName>> {
    let count = usize::from(reader.u8()?);
    if count == 0 || count > MAX_CODECS {
        return None;
    }
    (0..count).map(|_| parse_name(reader)).collect()
}

fn parse_name(reader: &mut Reader<'_>) -> Option<CodecName> {
    let length = reader.u8()?;
    CodecName::parse(reader.bytes(usize::from(length))?)
}

fn put_agent(out: &mut Vec<u8>, agent: &str) {
    put_short_text(out, &agent[..agent.floor_char_boundary(MAX_AGENT)]);
}

fn parse_agent(reader: &mut Reader<'_>) -> Option<String> {
    reader.short_text().map(|agent| escape(agent, MAX_AGENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        Offer {
            instance: [7; 16],
            limits: Limits::default(),
            codecs: vec![CodecName::new("xml"), CodecName::new("json")],
            agent: "test/1".to_owned(),
        }
    }

    fn server() -> Identity {
        Identity { instance: [9; 16], agent: "server/1".to_owned() }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let offer = offer();
        let bytes = offer.encode();
        assert_eq!(Offer::parse(&bytes), Some(offer.clone()));
        for cut in 0..bytes.len() {
            assert_eq!(Offer::parse(&bytes[..cut]), None);
        }
        assert_eq!(Offer::parse(&[&bytes[..], &[0]].concat()), None);
        for accepted in [&["json", "xml"][..], &["yaml"]] {
            let accepted: Vec<_> = accepted.iter().map(|name| CodecName::new(name)).collect();
            let selection = offer.select(&accepted, Limits::default(), &server());
            assert_eq!(Selection::parse(&selection.encode()), Some(selection));
        }
    }

    #[test]
    fn the_client_s_preference_decides() {
        let accepted = [CodecName::new("json"), CodecName::new("xml")];
        let selection = offer().select(&accepted, Limits::default(), &server());
        assert!(matches!(selection, Selection::Chosen { codec, .. } if codec == CodecName::new("xml")));
    }

    #[test]
    fn the_longest_offer_fits_a_handshake_message() {
        let names = (0..MAX_CODECS).map(|at| CodecName::new(&format!("{at:x}{}", "n".repeat(31))));
        let offer = Offer { codecs: names.collect(), agent: "a".repeat(500), ..offer() };
        // The ephemeral key and the tag are 48 bytes.
        assert!(offer.encode().len() + 48 <= crate::handshake::MAX_MESSAGE);
    }
}
