//! How much one decode may cost.

/// What one decode may cost, whatever the codec and the type.
///
/// Exceeding one is an error of its own ([`DecodeError`](crate::codec::DecodeError)), found before the part in question is built.
///
/// Elements bound the memory of what is built: as a [`Value`](crate::value::Value) each takes 32 bytes in a list, 64 in a map, and 256 if it is
/// the only one of its map, besides its text. Where that is too much for so many decodes at a time, let fewer elements in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// How deep values may nest. Each list, tuple, map, struct, `Some` and newtype around a value is one level; a variant with content is
    /// one, and the tuple or struct that it holds another. Default: 64.
    pub depth: u32,
    /// How many list elements, tuple and struct fields and map entries there may be in all, those of no size included.
    /// What serde buffers before it knows the type (`untagged`, internally tagged, flattened), a type that holds itself copies at each of its
    /// levels; so there an element counts once more for each level beyond the eighth, and so does a byte. Default: 1,000,000.
    pub elements: u32,
    /// How many bytes of text and blobs there may be in all, map keys and field names included. Default: 16 MiB.
    pub bytes: usize,
}

impl DecodeLimits {
    /// The defaults, for `const`.
    pub const DEFAULT: Self = Self { depth: 64, elements: 1_000_000, bytes: 16 << 20 };
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
