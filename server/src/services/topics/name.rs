//! Names of topics, and the patterns that subscribers give.

use std::fmt;
use std::str::FromStr;

/// The longest topic or pattern, in bytes.
pub const MAX_NAME: usize = 256;

/// The most segments of a topic or pattern.
pub const MAX_SEGMENTS: usize = 16;

/// Stands for exactly one segment.
const ONE: &str = "*";

/// Stands for one or more segments, to the end.
const REST: &str = ">";

/// What a message is published under: 1 to [`MAX_SEGMENTS`] segments with a `.` between them, at most [`MAX_NAME`] bytes in all.
///
/// A segment is printable ASCII without blanks, `.`, `*` and `>`. Upper and lower case differ.
///
/// ```
/// use bulla_server::services::topics::Topic;
/// assert!("sensors.kitchen.temperature".parse::<Topic>().is_ok());
/// for bad in ["", ".a", "a..b", "a b", "a.*", "räume.küche"] {
///     assert!(bad.parse::<Topic>().is_err(), "{bad}");
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic(Box<str>);

/// What a subscriber asks for: a topic in which a segment may be `*`, for exactly one segment of any name, and the last one `>`, for
/// one or more segments.
///
/// ```
/// use bulla_server::services::topics::{Pattern, Topic};
/// let topic: Topic = "sensors.kitchen.temperature".parse()?;
/// for pattern in ["sensors.kitchen.temperature", "sensors.*.temperature", "sensors.>", ">"] {
///     assert!(pattern.parse::<Pattern>()?.matches(&topic), "{pattern}");
/// }
/// for pattern in ["sensors", "sensors.*", "sensors.kitchen.temperature.>"] {
///     assert!(!pattern.parse::<Pattern>()?.matches(&topic), "{pattern}");
/// }
/// # Ok::<(), bulla_server::services::topics::InvalidName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(Box<str>);

/// A text that names no topic, or is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// Too many bytes.
    #[error("it is longer than {MAX_NAME} bytes")]
    TooLong,
    /// Too many segments.
    #[error("it has more than {MAX_SEGMENTS} segments")]
    TooManySegments,
    /// Nothing, or nothing between two points, before the first or behind the last.
    #[error("a segment is empty")]
    EmptySegment,
    /// A character that no segment may have.
    #[error("{0:?} is not printable ASCII")]
    Character(char),
    /// A wildcard in a topic, or as a part of a segment.
    #[error("* and > are for patterns, and stand alone in their segment")]
    Wildcard,
    /// `>` before the end.
    #[error("> stands for the rest, so nothing follows it")]
    RestNotLast,
}

impl Topic {
    /// The name.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, at least one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

impl Pattern {
    /// The pattern as it was given.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, wildcards included.
    pub(super) fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        self.0.split('.').map(|segment| match segment {
            ONE => Segment::One,
            REST => Segment::Rest,
            name => Segment::Name(name),
        })
    }

    /// Whether a topic fits.
    #[must_use]
    pub fn matches(&self, topic: &Topic) -> bool {
        self.fits(topic.segments())
    }

    /// Whether the name of a route fits, which may have characters that no topic has.
    pub(crate) fn fits_route(&self, route: &str) -> bool {
        self.fits(route.split('.'))
    }

    fn fits<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> bool {
        for segment in self.segments() {
            match (segment, names.next()) {
                (Segment::Rest, Some(_)) => return true,
                (Segment::One, Some(_)) => {}
                (Segment::Name(wanted), Some(name)) if wanted == name => {}
                _ => return false,
            }
        }
        names.next().is_none()
    }
}

/// A segment of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    Name(&'a str),
    One,
    Rest,
}

impl FromStr for Topic {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        check_size(text)?;
        text.split('.').try_for_each(check_segment)?;
        Ok(Self(text.into()))
    }
}

impl FromStr for Pattern {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        check_size(text)?;
        let mut segments = text.split('.').peekable();
        while let Some(segment) = segments.next() {
            match segment {
                ONE => {}
                REST if segments.peek().is_some() => return Err(InvalidName::RestNotLast),
                REST => {}
                name => check_segment(name)?,
            }
        }
        Ok(Self(text.into()))
    }
}

fn check_size(text: &str) -> Result<(), InvalidName> {
    if text.len() > MAX_NAME {
        return Err(InvalidName::TooLong);
    }
    if text.split('.').count() > MAX_SEGMENTS {
        return Err(InvalidName::TooManySegments);
    }
    Ok(())
}

fn check_segment(segment: &str) -> Result<(), InvalidName> {
    if segment.is_empty() {
        return Err(InvalidName::EmptySegment);
    }
    match segment.chars().find(|character| !character.is_ascii_graphic() || matches!(character, '*' | '>')) {
        None => Ok(()),
        Some('*' | '>') => Err(InvalidName::Wildcard),
        Some(other) => Err(InvalidName::Character(other)),
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_topic_is_named() {
        for (text, error) in [
            ("", InvalidName::EmptySegment),
            ("a.", InvalidName::EmptySegment),
            ("a b", InvalidName::Character(' ')),
            ("a\x1b", InvalidName::Character('\x1b')),
            ("a.ö", InvalidName::Character('ö')),
            ("a.*", InvalidName::Wildcard),
            ("a>", InvalidName::Wildcard),
            (&"a".repeat(MAX_NAME + 1), InvalidName::TooLong),
            (&["a"; MAX_SEGMENTS + 1].join("."), InvalidName::TooManySegments),
        ] {
            assert_eq!(text.parse::<Topic>(), Err(error), "{text:?}");
        }
        for text in ["a", &"a".repeat(MAX_NAME), &["a"; MAX_SEGMENTS].join("."), "$a.~!#.-_/:"] {
            assert_eq!(text.parse::<Topic>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn wildcards_stand_alone_and_the_rest_comes_last() {
        for (text, error) in [
            ("a*", InvalidName::Wildcard),
            ("**", InvalidName::Wildcard),
            ("a.>.b", InvalidName::RestNotLast),
            (">.>", InvalidName::RestNotLast),
            ("*.", InvalidName::EmptySegment),
        ] {
            assert_eq!(text.parse::<Pattern>(), Err(error), "{text:?}");
        }
        for text in ["*", ">", "*.>", "a.*.b.>", "a.b"] {
            assert_eq!(text.parse::<Pattern>().unwrap().as_str(), text);
        }
    }
}
