//! Patterns, to be matched by topics: a tree with a level for each segment.

use std::collections::HashMap;

use crate::services::topics::name::Segment;
use crate::services::topics::{Pattern, Topic};

/// Things under patterns. A topic walks down its own segments and the wildcards beside them, so what it costs depends on the patterns
/// that it fits so far, not on how many there are.
#[derive(Debug)]
pub(super) struct Trie<T> {
    root: Node<T>,
}

#[derive(Debug)]
struct Node<T> {
    names: HashMap<Box<str>, Box<Node<T>>>,
    one: Option<Box<Node<T>>>,
    /// Those whose pattern ends here, and those whose pattern has `>` next: by number, which grows.
    here: Vec<(u64, T)>,
    rest: Vec<(u64, T)>,
}

impl<T> Default for Trie<T> {
    fn default() -> Self {
        Self { root: Node::default() }
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { names: HashMap::new(), one: None, here: Vec::new(), rest: Vec::new() }
    }
}

impl<T> Trie<T> {
    /// Adds a thing. Its number is higher than that of any other thing under this pattern.
    pub(super) fn insert(&mut self, pattern: &Pattern, number: u64, thing: T) {
        let mut node = &mut self.root;
        for segment in pattern.segments() {
            node = match segment {
                Segment::Name(name) if node.names.contains_key(name) => node.names.get_mut(name).expect("it is there"),
                Segment::Name(name) => node.names.entry(name.into()).or_default(),
                Segment::One => node.one.get_or_insert_default(),
                Segment::Rest => return node.rest.push((number, thing)),
            };
        }
        node.here.push((number, thing));
    }

    /// Removes a thing.
    pub(super) fn remove(&mut self, pattern: &Pattern, number: u64) {
        let segments: Vec<Segment<'_>> = pattern.segments().collect();
        self.root.remove(&segments, number);
    }

    /// Shows each thing under a pattern that the topic fits; one that is there under several patterns is shown for each of them.
    pub(super) fn for_each_match<'a>(&'a self, topic: &Topic, mut show: impl FnMut(&'a T)) {
        let segments: Vec<&str> = topic.segments().collect();
        self.root.for_each_match(&segments, &mut show);
    }
}

impl<T> Node<T> {
    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.one.is_none() && self.here.is_empty() && self.rest.is_empty()
    }

    /// Removes a thing below, and the nodes that are of no more use.
    fn remove(&mut self, segments: &[Segment<'_>], number: u64) {
        match segments.split_first() {
            None => take(&mut self.here, number),
            Some((Segment::Rest, _)) => take(&mut self.rest, number),
            Some((Segment::Name(name), below)) => {
                let Some(node) = self.names.get_mut(*name) else { return };
                node.remove(below, number);
                if node.is_empty() {
                    self.names.remove(*name);
                }
            }
            Some((Segment::One, below)) => {
                let Some(node) = &mut self.one else { return };
                node.remove(below, number);
                if node.is_empty() {
                    self.one = None;
                }
            }
        }
    }

    fn for_each_match<'a>(&'a self, segments: &[&str], show: &mut impl FnMut(&'a T)) {
        let Some((name, below)) = segments.split_first() else {
            return self.here.iter().for_each(|(_, thing)| show(thing));
        };
        self.rest.iter().for_each(|(_, thing)| show(thing));
        if let Some(node) = self.names.get(*name) {
            node.for_each_match(below, show);
        }
        if let Some(node) = &self.one {
            node.for_each_match(below, show);
        }
    }
}

fn take<T>(things: &mut Vec<(u64, T)>, number: u64) {
    if let Ok(at) = things.binary_search_by_key(&number, |(number, _)| *number) {
        things.remove(at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(trie: &Trie<u64>, topic: &str) -> Vec<u64> {
        let mut found = Vec::new();
        trie.for_each_match(&topic.parse().unwrap(), |thing| found.push(*thing));
        found.sort_unstable();
        found
    }

    fn trie(patterns: &[&str]) -> Trie<u64> {
        let mut trie = Trie::default();
        for (number, pattern) in (0..).zip(patterns) {
            trie.insert(&pattern.parse().unwrap(), number, number);
        }
        trie
    }

    #[test]
    fn a_topic_finds_its_patterns() {
        let trie = trie(&["a.b", "a.*", "*.b", "a.>", ">", "a", "a.b.c", "a.*.c", "*.*", "b.>"]);
        assert_eq!(found(&trie, "a.b"), [0, 1, 2, 3, 4, 8]);
        assert_eq!(found(&trie, "a"), [4, 5]);
        assert_eq!(found(&trie, "a.x.c"), [3, 4, 7]);
        assert_eq!(found(&trie, "x"), [4]);
    }

    #[test]
    fn nothing_is_left_of_what_was_removed() {
        let patterns = ["a.b", "a.*.>", "a.b", ">", "*.*.c.*"];
        let mut trie = trie(&patterns);
        for (number, pattern) in (0..).zip(patterns).collect::<Vec<_>>().into_iter().rev() {
            let pattern = pattern.parse().unwrap();
            trie.remove(&pattern, 99);
            trie.remove(&pattern, number);
            trie.remove(&pattern, number);
        }
        trie.remove(&"never.*.there".parse().unwrap(), 0);
        assert!(trie.root.is_empty(), "{trie:?}");
    }

    /// Few names, so that patterns and topics meet.
    fn segments(names: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
        prop::collection::vec(prop::sample::select(names), 1..6)
    }

    fn patterns() -> impl Strategy<Value = Pattern> {
        (segments(&["a", "b", "cc", "*"]), any::<bool>()).prop_map(|(mut segments, rest)| {
            if rest {
                segments.push(">");
            }
            segments.join(".").parse().unwrap()
        })
    }

    fn topics() -> impl Strategy<Value = Topic> {
        segments(&["a", "b", "cc", "d"]).prop_map(|segments| segments.join(".").parse().unwrap())
    }

    proptest! {
        #[test]
        fn agrees_with_matching_one_by_one(
            patterns in prop::collection::vec((patterns(), any::<bool>()), 0..40),
            topics in prop::collection::vec(topics(), 1..20),
        ) {
            let mut trie = Trie::default();
            for (number, (pattern, _)) in (0..).zip(&patterns) {
                trie.insert(pattern, number, number);
            }
            for (number, (pattern, _)) in (0..).zip(&patterns).filter(|(_, (_, stays))| !stays) {
                trie.remove(pattern, number);
            }
            for topic in topics {
                let matching = (0..).zip(&patterns).filter(|(_, (pattern, stays))| *stays && pattern.matches(&topic));
                let expected: Vec<u64> = matching.map(|(number, _)| number).collect();
                prop_assert_eq!(found(&trie, topic.as_str()), expected);
            }
        }
    }
}
