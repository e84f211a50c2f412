//! The kinds of document nodes, and the markers by which the adaptor knows them.

use crate::value::Value;

/// The newtype name under which a [`Value`] asks to be decoded.
pub(crate) const VALUE_MARKER: &str = "$bulla::Value";

/// One kind of node. The number is its tag in a format that is not self-describing: part of the wire format, never to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Null = 0,
    Bool = 1,
    U64 = 2,
    I64 = 3,
    U128 = 4,
    I128 = 5,
    F64 = 6,
    String = 7,
    Bytes = 8,
    List = 9,
    Map = 10,
}

const PREFIX: &str = "$bulla::Value::";

impl Kind {
    const ALL: [Self; 11] = [
        Self::Null,
        Self::Bool,
        Self::U64,
        Self::I64,
        Self::U128,
        Self::I128,
        Self::F64,
        Self::String,
        Self::Bytes,
        Self::List,
        Self::Map,
    ];

    /// The newtype name under which a node of this kind serializes.
    pub(crate) const fn marker(self) -> &'static str {
        match self {
            Self::Null => "$bulla::Value::Null",
            Self::Bool => "$bulla::Value::Bool",
            Self::U64 => "$bulla::Value::U64",
            Self::I64 => "$bulla::Value::I64",
            Self::U128 => "$bulla::Value::U128",
            Self::I128 => "$bulla::Value::I128",
            Self::F64 => "$bulla::Value::F64",
            Self::String => "$bulla::Value::String",
            Self::Bytes => "$bulla::Value::Bytes",
            Self::List => "$bulla::Value::List",
            Self::Map => "$bulla::Value::Map",
        }
    }

    /// The kind whose marker this newtype name is.
    #[inline]
    pub(crate) fn of_marker(name: &str) -> Option<Self> {
        // Almost every newtype ends here.
        if !name.starts_with(PREFIX) {
            return None;
        }
        Self::ALL.into_iter().find(|kind| kind.marker() == name)
    }

    /// The kind whose tag this number is.
    pub(crate) fn of_tag(tag: u8) -> Option<Self> {
        Self::ALL.get(usize::from(tag)).copied()
    }

    /// The tag, as it is written.
    pub(crate) const fn tag(self) -> u8 {
        self as u8
    }
}

impl Value {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Integer(number) => number.kind(),
            Self::Float(_) => Kind::F64,
            Self::String(_) => Kind::String,
            Self::Bytes(_) => Kind::Bytes,
            Self::List(_) => Kind::List,
            Self::Map(_) => Kind::Map,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_markers_find_their_kind() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_tag(kind.tag()), Some(kind));
            assert_eq!(Kind::of_marker(kind.marker()), Some(kind));
        }
        assert_eq!(Kind::of_tag(11), None);
        for other in [VALUE_MARKER, "Map", "$bulla::Value::", "$bulla::Value::Maps"] {
            assert_eq!(Kind::of_marker(other), None, "{other}");
        }
    }
}
