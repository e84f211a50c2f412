//! How much a server takes on for topics.

/// How much a server takes on for topics, in all and for each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicLimits {
    /// Patterns in the subscriptions of one connection. Default 1,024.
    pub patterns_per_connection: usize,
    /// Patterns in all subscriptions. Default 65,536.
    pub patterns: usize,
    /// The most messages that may wait for one subscriber. Default 16,384.
    pub queue: u32,
    /// Bytes of messages that may wait for one subscriber; one message may be longer. Default 4 MiB.
    pub queue_bytes: usize,
    /// Bytes of messages that may wait for all subscribers; what several of them wait for counts once. Beyond that, those that have
    /// waited longest are dropped. Default 256 MiB.
    pub bytes: u64,
}

impl Default for TopicLimits {
    fn default() -> Self {
        Self { patterns_per_connection: 1024, patterns: 65_536, queue: 16_384, queue_bytes: 4 << 20, bytes: 256 << 20 }
    }
}
