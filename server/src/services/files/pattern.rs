//! Patterns over names of files, as a shell has them.

use crate::services::files::{FileName, MAX_NAME};

/// Which files a list shows.
///
/// `*` stands for any characters of one segment, `?` for one, `**` as a whole segment for any number of segments, none included. What
/// matches a folder matches everything in it. So `reports` and `reports/**` give all of that folder, `*.pdf` the PDF files
/// at the top, `**/*.pdf` those everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    segments: Vec<Vec<char>>,
}

/// A pattern that is longer than any name, or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pattern has 1 to {MAX_NAME} bytes")]
pub(super) struct InvalidPattern;

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text.is_empty() || text.len() > MAX_NAME {
            return Err(InvalidPattern);
        }
        // A slash at the end says that a folder is meant, which is no difference here.
        let text = text.strip_suffix('/').unwrap_or(text);
        let mut segments: Vec<Vec<char>> = text.split('/').map(|segment| segment.chars().collect()).collect();
        // Everything below what matches.
        segments.push(vec!['*', '*']);
        Ok(Self { segments })
    }

    pub(super) fn matches(&self, name: &FileName) -> bool {
        let segments: Vec<Vec<char>> = name.segments().map(|segment| segment.chars().collect()).collect();
        let is_any = |segment: &Vec<char>| segment[..] == ['*', '*'];
        matches(&self.segments, &segments, is_any, |pattern, segment| {
            matches(pattern, segment, |one| *one == '*', |one, character| *one == '?' || one == character)
        })
    }
}

/// Whether all of `text` fits `pattern`, in which `is_any` tells what stands for any number of items. In the worst case it takes as many
/// steps as the product of both lengths: only the last such item is ever tried again.
fn matches<P, T>(pattern: &[P], text: &[T], is_any: impl Fn(&P) -> bool, fits: impl Fn(&P, &T) -> bool) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut retry = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(item) if is_any(item) => {
                retry = Some((at, from));
                at += 1;
            }
            Some(item) if fits(item, &text[from]) => (at, from) = (at + 1, from + 1),
            _ => match retry {
                Some((any, begin)) => {
                    retry = Some((any, begin + 1));
                    (at, from) = (any + 1, begin + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(is_any)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shows(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(&name.parse().unwrap())
    }

    #[test]
    fn stars_stay_within_a_segment_and_double_stars_do_not() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "a", true),
            ("*.pdf", "a.pdf", true),
            ("*.pdf", "b/a.pdf", false),
            ("**/*.pdf", "a.pdf", true),
            ("**/*.pdf", "c/b/a.pdf", true),
            ("**/*.pdf", "c/b/a.txt", false),
            ("b", "b/a.pdf", true),
            ("b/", "b/a.pdf", true),
            ("b/**", "b/a.pdf", true),
            ("*/a?c", "b/abc", true),
            ("*/a?c", "b/ac", false),
            ("c/**/a", "c/a", true),
            ("c/**/a", "c/x/y/a", true),
            ("c/**/a", "c/x/y/b", false),
            ("?", "ö", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
        ] {
            assert_eq!(shows(pattern, name), expected, "{pattern} {name}");
        }
        assert_eq!(Pattern::parse(""), Err(InvalidPattern));
        assert_eq!(Pattern::parse(&"*".repeat(MAX_NAME + 1)), Err(InvalidPattern));
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!shows(&"*a".repeat(500), &"a".repeat(255)));
        assert!(!shows(&format!("{}b", "**/".repeat(300)), &["a"; 16].join("/")));
    }

    /// The definition, word by word.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|taken| by_definition(rest, &text[taken..])),
            [one, rest @ ..] => {
                text.first().is_some_and(|first| *one == '?' || one == first) && by_definition(rest, &text[1..])
            }
        }
    }

    proptest! {
        #[test]
        fn the_fast_way_is_the_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            let fast = matches(&pattern, &text, |one| *one == '*', |one, other| *one == '?' || one == other);
            prop_assert_eq!(fast, by_definition(&pattern, &text));
        }
    }
}
