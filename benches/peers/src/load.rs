//! What the peers are asked to do.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// The most connections of one load: more than these need more ports and descriptors than a machine has by default.
const MAX_CONNECTIONS: usize = 16_000;

/// The most calls on their way on one connection.
const MAX_IN_FLIGHT: usize = 1024;

/// The longest message of a bulk transfer.
const MAX_BULK: usize = 4 << 20;

/// One kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// Values go there and back, closed loop: each answer lets the next question go.
    Echo { size: Size, connections: usize, in_flight: usize },
    /// Messages of this many bytes go one way on one connection.
    Bulk { bytes: usize },
    /// Connections that did one echo each, and now do nothing.
    Idle { connections: usize },
}

/// What is echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// `payload::Person`: about 125 bytes as JSON.
    Small,
    /// `payload::Block`: 64 KiB of text.
    Block,
}

/// What a full run measures.
pub(crate) const ALL: &str = "small:1x64,small:64x1,small:1x1,64k:1x64,bulk:64k,bulk:1m,idle:10000";

impl Load {
    /// For a table.
    pub(crate) fn title(self) -> String {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        match self {
            Self::Echo { size, connections, in_flight } => {
                let what = if size == Size::Small { "small struct" } else { "64 KiB" };
                format!("{what}, {connections} connection{}, {in_flight} in flight", plural(connections))
            }
            Self::Bulk { bytes } => format!("bulk one way, {} KiB messages", bytes >> 10),
            Self::Idle { connections } => format!("{connections} idle connections"),
        }
    }

    /// The number of connections.
    pub(crate) fn connections(self) -> usize {
        match self {
            Self::Echo { connections, .. } | Self::Idle { connections } => connections,
            Self::Bulk { .. } => 1,
        }
    }

    /// Bytes queued at which a side with our flush policy writes before it is out of work: a quarter of what is in flight on a
    /// connection, within 4 and 64 KiB.
    pub(crate) fn flush_threshold(self) -> usize {
        let in_flight = match self {
            Self::Echo { size: Size::Small, in_flight, .. } => 125 * in_flight,
            Self::Echo { size: Size::Block, in_flight, .. } => in_flight << 16,
            Self::Bulk { .. } => 1 << 20,
            Self::Idle { .. } => 0,
        };
        (in_flight / 4).clamp(4 << 10, 64 << 10)
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Echo { size: Size::Small, connections, in_flight } => write!(f, "small:{connections}x{in_flight}"),
            Self::Echo { size: Size::Block, connections, in_flight } => write!(f, "64k:{connections}x{in_flight}"),
            Self::Bulk { bytes } if bytes % (1 << 20) == 0 => write!(f, "bulk:{}m", bytes >> 20),
            Self::Bulk { bytes } => write!(f, "bulk:{}k", bytes >> 10),
            Self::Idle { connections } => write!(f, "idle:{connections}"),
        }
    }
}

impl FromStr for Load {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || format!("{text} is no load: small:CxN, 64k:CxN, bulk:SIZEk, bulk:SIZEm or idle:C");
        let (kind, rest) = text.split_once(':').ok_or_else(bad)?;
        let load = match kind {
            "small" | "64k" => {
                let (connections, in_flight) = rest.split_once('x').ok_or_else(bad)?;
                let size = if kind == "small" { Size::Small } else { Size::Block };
                Self::Echo { size, connections: connections.parse()?, in_flight: in_flight.parse()? }
            }
            "bulk" => Self::Bulk { bytes: parse_size(rest).ok_or_else(bad)? },
            "idle" => Self::Idle { connections: rest.parse()? },
            _ => return Err(bad().into()),
        };
        load.check()
    }
}

impl Load {
    fn check(self) -> Result<Self, Error> {
        let in_flight = if let Self::Echo { in_flight, .. } = self { in_flight } else { 1 };
        let bytes = if let Self::Bulk { bytes } = self { bytes } else { 1 };
        let fits = |count: usize, most: usize| (1..=most).contains(&count);
        if !fits(self.connections(), MAX_CONNECTIONS) || !fits(in_flight, MAX_IN_FLIGHT) || !fits(bytes, MAX_BULK) {
            let most = format!("{MAX_CONNECTIONS} connections, {MAX_IN_FLIGHT} in flight, {} MiB", MAX_BULK >> 20);
            return Err(format!("{self} is more than {most}, or nothing").into());
        }
        Ok(self)
    }
}

fn parse_size(text: &str) -> Option<usize> {
    let (digits, shift) = match text.strip_suffix('k') {
        Some(digits) => (digits, 10),
        None => (text.strip_suffix('m')?, 20),
    };
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_written_as_they_are_read() {
        for text in ALL.split(',') {
            assert_eq!(text.parse::<Load>().expect("one of ours").to_string(), text);
        }
        for bad in ["small", "small:0x1", "small:1x2000", "bulk:9m", "bulk:1", "idle:99999", "huge:1x1"] {
            assert!(bad.parse::<Load>().is_err(), "{bad}");
        }
    }
}
