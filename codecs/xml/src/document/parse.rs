//! From bytes to a [`Document`]: quick-xml cuts the pieces, this checks all that makes them well-formed.

use quick_xml::Reader;
use quick_xml::events::{BytesPI, Event};

use crate::document::attributes::{parse_attributes, start_of};
use crate::document::prolog::{check_declaration, parse_source};
use crate::document::{Attribute, Document, Element, Span};
use crate::error::Error;
use crate::marks::{Mark, Namespace, Scopes, split_name};
use crate::names::{is_blank, is_name};
use crate::text::{parse_attribute_value, parse_reference};
use crate::{ENTRY, MAX_DEPTH};

/// Reads a document, in time linear in its length and without recursion.
pub(crate) fn parse_document(input: &[u8]) -> Result<Document<'_>, Error> {
    let source = parse_source(input)?;
    let mut parser = Parser::new(source);
    loop {
        let at = parser.position();
        match parser.reader.read_event() {
            Ok(Event::Eof) => return parser.into_document(),
            Ok(event) => parser.handle_event(at, event).map_err(|error| error.at(at))?,
            Err(error) => return Err(Error::new(error).at(at)),
        }
    }
}

struct Parser<'a> {
    reader: Reader<&'a [u8]>,
    document: Document<'a>,
    /// The indices of the elements whose end tag is to come.
    open: Vec<usize>,
    scopes: Scopes<'a>,
    /// All attributes of the last tag; kept for its memory.
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            reader: Reader::from_str(source),
            document: Document { source, elements: Vec::with_capacity(most_elements(source)), attributes: Vec::new() },
            open: Vec::new(),
            scopes: Scopes::default(),
            attributes: Vec::new(),
        }
    }

    fn position(&self) -> usize {
        self.reader.buffer_position() as usize
    }

    /// Takes in the piece that begins at `at` and ends at the reader's position.
    fn handle_event(&mut self, at: usize, event: Event<'a>) -> Result<(), Error> {
        match event {
            Event::Start(tag) => self.handle_start(at, tag.name().0.len(), 1),
            Event::Empty(tag) => {
                self.handle_start(at, tag.name().0.len(), 2)?;
                let end = self.position();
                self.handle_end(end)
            }
            Event::End(_) => self.handle_end(at),
            Event::Text(text) => self.handle_text(at, &text),
            Event::CData(text) => self.handle_cdata(at, &text),
            Event::GeneralRef(reference) => self.handle_reference(at, &reference),
            Event::Comment(comment) => check_comment(&comment),
            Event::PI(instruction) => check_instruction(&instruction),
            Event::Decl(declaration) if at == 0 => check_declaration(&declaration["xml".len()..]),
            Event::Decl(_) => Err(Error::new("an XML declaration that is not at the very start")),
            Event::DocType(_) => Err(Error::new("document type declarations are refused")),
            Event::Eof => Ok(()),
        }
    }

    /// A start tag, or an empty element tag: `tail` is the length of its `>` or `/>`.
    fn handle_start(&mut self, at: usize, name_len: usize, tail: usize) -> Result<(), Error> {
        if self.open.is_empty() && !self.document.elements.is_empty() {
            return Err(self.trailing(at));
        }
        if self.open.len() >= MAX_DEPTH as usize {
            return Err(Error::TooDeep);
        }
        let (end, after_name) = (self.position(), at + 1 + name_len);
        let source = self.document.source;
        let name = &source[at + 1..after_name];
        if !is_name(name) {
            return Err(Error::new(format_args!("\"{}\" is no name of an element", start_of(name))));
        }
        parse_attributes(&source[after_name..end - tail], &mut self.attributes)?;
        let mut element = self.classify(name)?;
        element.name = span(at + 1, after_name);
        element.content = span(end, end);
        self.open.push(self.document.elements.len());
        self.document.elements.push(element);
        Ok(())
    }

    /// An element of this name with the attributes just read: declarations first, as they hold for the element itself.
    fn classify(&mut self, name: &'a str) -> Result<Element, Error> {
        let depth = self.open.len() + 1;
        for (name, raw) in &self.attributes {
            if let Some(prefix) = declared_prefix(name) {
                self.scopes.declare(depth, prefix, &parse_attribute_value(raw)?)?;
            }
        }
        let first = self.document.attributes.len();
        let mut mark = Mark::None;
        for (name, raw) in &self.attributes {
            let (prefix, local) = split_name(name);
            if !prefix.is_empty() && self.scopes.namespace(prefix) == Some(Namespace::Xsi) {
                mark = mark.with_attribute(local, &parse_attribute_value(raw)?, &self.scopes)?;
            } else if declared_prefix(name).is_none() {
                self.document.attributes.push(Attribute { name, raw });
            }
        }
        let (prefix, local) = split_name(name);
        Ok(Element {
            name: Span::default(),
            content: Span::default(),
            end: 0,
            attributes: first as u32,
            attribute_count: (self.document.attributes.len() - first) as u16,
            mark,
            is_entry: local == ENTRY && self.scopes.namespace(prefix) == Some(Namespace::Bulla),
            has_text: false,
        })
    }

    /// An end tag that begins at `at`; quick-xml has compared the names.
    fn handle_end(&mut self, at: usize) -> Result<(), Error> {
        let index = self.open.pop().ok_or_else(|| Error::new("an end tag without its start tag"))?;
        self.scopes.leave(self.open.len() + 1);
        let end = self.document.elements.len() as u32;
        let element = &mut self.document.elements[index];
        element.end = end;
        element.content.end = at as u32;
        Ok(())
    }

    fn handle_text(&mut self, at: usize, text: &str) -> Result<(), Error> {
        if text.contains('>') && text.contains("]]>") {
            return Err(Error::new("]]> in text"));
        }
        if is_blank(text) { Ok(()) } else { self.mark_text(at) }
    }

    fn handle_cdata(&mut self, at: usize, text: &str) -> Result<(), Error> {
        if is_blank(text) && !self.open.is_empty() { Ok(()) } else { self.mark_text(at) }
    }

    fn handle_reference(&mut self, at: usize, reference: &str) -> Result<(), Error> {
        parse_reference(reference)?;
        self.mark_text(at)
    }

    /// Notes that the open element holds text, which begins at `at`.
    fn mark_text(&mut self, at: usize) -> Result<(), Error> {
        match self.open.last() {
            Some(index) => self.document.elements[*index].has_text = true,
            None if self.document.elements.is_empty() => return Err(Error::new("text before the root element")),
            None => return Err(self.trailing(at)),
        }
        Ok(())
    }

    fn trailing(&self, at: usize) -> Error {
        Error::Trailing(self.document.source.len() - at)
    }

    fn into_document(self) -> Result<Document<'a>, Error> {
        if let Some(index) = self.open.last() {
            let name = self.document.text(self.document.elements[*index].name);
            return Err(Error::new(format_args!("the document ends inside the element {}", start_of(name))));
        }
        if self.document.elements.is_empty() {
            return Err(Error::new("there is no root element"));
        }
        Ok(self.document)
    }
}

/// How many elements there are at most. A list that grew as they come would take three times its size while it moves.
fn most_elements(source: &str) -> usize {
    const SHORTEST: usize = "<a>".len();
    let begins = |pair: &&[u8]| pair[0] == b'<' && !matches!(pair[1], b'/' | b'!' | b'?');
    // What only looks like a tag, in a comment say, is shorter than one.
    source.as_bytes().windows(2).filter(begins).count().min(source.len() / SHORTEST + 1)
}

/// The prefix that an attribute of this name declares; empty for the default namespace.
fn declared_prefix(name: &str) -> Option<&str> {
    if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:").filter(|prefix| !prefix.is_empty()) }
}

/// Production \[15\].
fn check_comment(comment: &str) -> Result<(), Error> {
    if comment.contains("--") || comment.ends_with('-') {
        return Err(Error::new("two hyphens in a comment"));
    }
    Ok(())
}

/// Productions \[16\] and \[17\].
fn check_instruction(instruction: &BytesPI<'_>) -> Result<(), Error> {
    let target = instruction.target();
    if !is_name(target) {
        return Err(Error::new(format_args!("\"{}\" is no target of a processing instruction", start_of(target))));
    }
    if target.eq_ignore_ascii_case("xml") {
        return Err(Error::new("a processing instruction named xml"));
    }
    // quick-xml ends the target at white space, as the grammar does.
    Ok(())
}

fn span(start: usize, end: usize) -> Span {
    // The length of the source was checked to fit.
    Span { start: start as u32, end: end as u32 }
}
