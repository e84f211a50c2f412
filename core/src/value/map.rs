//! The pairs of a document: in order, any key, nothing dropped.

use crate::value::Value;

/// Pairs of documents in the order in which they came.
///
/// Keys may be any document. A key that occurs twice is kept twice: whoever reads it decides, and nothing vanishes on the way.
/// Equal maps have equal pairs in the same order.
///
/// ```
/// use bulla_core::value::{Map, Value};
/// let map: Map = [("name", Value::from("Ada")), ("age", Value::from(36))].into_iter().collect();
/// assert_eq!(map.get("age"), Some(&Value::from(36)));
/// assert_eq!(map.len(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map {
    entries: Vec<(Value, Value)>,
}

impl Map {
    /// A map without pairs.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { entries: Vec::with_capacity(capacity) }
    }

    /// The value of the first pair whose key is this text.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find(|(found, _)| found.as_str() == Some(key)).map(|(_, value)| value)
    }

    /// Appends a pair.
    pub fn push(&mut self, key: impl Into<Value>, value: impl Into<Value>) {
        self.entries.push((key.into(), value.into()));
    }

    /// The pairs in order.
    pub fn iter(&self) -> std::slice::Iter<'_, (Value, Value)> {
        self.entries.iter()
    }

    /// How many pairs there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K: Into<Value>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self { entries: pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect() }
    }
}

impl<K: Into<Value>, V: Into<Value>> Extend<(K, V)> for Map {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        self.entries.extend(pairs.into_iter().map(|(key, value)| (key.into(), value.into())));
    }
}

impl IntoIterator for Map {
    type Item = (Value, Value);
    type IntoIter = std::vec::IntoIter<(Value, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = &'a (Value, Value);
    type IntoIter = std::slice::Iter<'a, (Value, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_duplicates() {
        let mut map: Map = [("b", 1), ("a", 2)].into_iter().collect();
        map.push("b", 3);
        assert_eq!(map.get("b"), Some(&Value::from(1)));
        assert_eq!(map.get("c"), None);
        let other: Map = [("a", 2), ("b", 1), ("b", 3)].into_iter().collect();
        assert_ne!(map, other);
        assert_eq!(map.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), [1, 2, 3].map(Value::from));
    }
}
