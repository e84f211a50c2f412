//! The attributes of a tag, or of the XML declaration: strictly `(S Name Eq AttValue)* S?`.

use crate::MAX_ATTRIBUTES;
use crate::error::Error;
use crate::names::{is_name, trim_start};
use crate::text::parse_reference;

/// Reads attributes one by one from what follows the name in a tag.
#[derive(Debug)]
pub(crate) struct RawAttributes<'a> {
    rest: &'a str,
}

impl<'a> RawAttributes<'a> {
    pub(crate) const fn new(after_name: &'a str) -> Self {
        Self { rest: after_name }
    }

    /// One attribute from `text`, which begins with its name: name, what stands between the quotes, and what follows.
    fn parse(text: &'a str) -> Result<(&'a str, &'a str, &'a str), Error> {
        let end = text.find(['=', ' ', '\t', '\n', '\r']).unwrap_or(text.len());
        let (name, after) = text.split_at(end);
        if !is_name(name) {
            return Err(Error::new(format_args!("\"{}\" is no name of an attribute", start_of(name))));
        }
        let quoted = trim_start(after)
            .strip_prefix('=')
            .map(trim_start)
            .ok_or_else(|| Error::new(format_args!("the attribute {} has no value", start_of(name))))?;
        let quote = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\''));
        quote
            .and_then(|quote| quoted[1..].split_once(quote))
            .map(|(value, rest)| (name, value, rest))
            .ok_or_else(|| Error::new(format_args!("the value of the attribute {} is not in quotes", start_of(name))))
    }
}

impl<'a> Iterator for RawAttributes<'a> {
    type Item = Result<(&'a str, &'a str), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = trim_start(self.rest);
        if text.is_empty() {
            return None;
        }
        if text.len() == self.rest.len() {
            return Some(Err(Error::new("attributes without white space between them")));
        }
        Some(Self::parse(text).map(|(name, value, rest)| {
            self.rest = rest;
            (name, value)
        }))
    }
}

/// Collects the attributes of a tag into `into`, checked: values (3.1), number, no name twice.
pub(crate) fn parse_attributes<'a>(after_name: &'a str, into: &mut Vec<(&'a str, &'a str)>) -> Result<(), Error> {
    into.clear();
    for attribute in RawAttributes::new(after_name) {
        let (name, value) = attribute?;
        if into.len() == MAX_ATTRIBUTES {
            return Err(Error::new(format_args!("more than {MAX_ATTRIBUTES} attributes on one element")));
        }
        check_value(name, value)?;
        into.push((name, value));
    }
    check_unique(into)
}

fn check_value(name: &str, value: &str) -> Result<(), Error> {
    if value.contains('<') {
        return Err(Error::new(format_args!("the value of the attribute {} holds <", start_of(name))));
    }
    let mut rest = value;
    while let Some((_, reference)) = rest.split_once('&') {
        let (reference, after) =
            reference.split_once(';').ok_or_else(|| Error::new("a reference without its semicolon"))?;
        parse_reference(reference)?;
        rest = after;
    }
    Ok(())
}

fn check_unique(attributes: &[(&str, &str)]) -> Result<(), Error> {
    if attributes.len() < 2 {
        return Ok(());
    }
    let mut names: Vec<&str> = attributes.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::new(format_args!("the attribute {} is there twice", start_of(pair[0])))),
        None => Ok(()),
    }
}

/// Enough of a peer's text for a message.
pub(crate) fn start_of(text: &str) -> &str {
    text.char_indices().nth(60).map_or(text, |(end, _)| &text[..end])
}
