//! The marks on an element that say what its content alone does not, and the namespaces that they come from.

use crate::error::Error;
use crate::names::trim;

/// The most prefixes that may be bound to the namespaces that matter here, in any place of a document.
const MAX_BINDINGS: usize = 32;

/// What an element declares itself to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing: text or entries, as its content shows.
    None,
    /// `xsi:nil`: null.
    Nil,
    /// `xs:boolean`
    Boolean,
    /// `xs:integer` and the types derived from it.
    Integer,
    /// `xs:float`
    Float,
    /// `xs:double`
    Double,
    /// `xs:base64Binary`
    Base64,
    /// `xs:hexBinary`: read, never written.
    Hex,
    /// `xs:string`: read, never written.
    Text,
    /// `bulla:escaped`: a string in the backslash escape.
    Escaped,
    /// `bulla:nan`: the bits of a NaN other than the usual one, in hexadecimal; eight digits for an `f32`.
    Nan,
    /// `bulla:list`: the children are items.
    List,
    /// `bulla:map`: the children are entries; written on empty ones only.
    Map,
    /// `bulla:some`: `Some` of the one child, which is itself empty.
    Some,
}

impl Mark {
    /// The attribute that declares it, with the blank before.
    pub(crate) const fn attribute(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Nil => " xsi:nil=\"true\"",
            Self::Boolean => " xsi:type=\"xs:boolean\"",
            Self::Integer => " xsi:type=\"xs:integer\"",
            Self::Float => " xsi:type=\"xs:float\"",
            Self::Double => " xsi:type=\"xs:double\"",
            Self::Base64 => " xsi:type=\"xs:base64Binary\"",
            Self::Hex => " xsi:type=\"xs:hexBinary\"",
            Self::Text => " xsi:type=\"xs:string\"",
            Self::Escaped => " xsi:type=\"bulla:escaped\"",
            Self::Nan => " xsi:type=\"bulla:nan\"",
            Self::List => " xsi:type=\"bulla:list\"",
            Self::Map => " xsi:type=\"bulla:map\"",
            Self::Some => " xsi:type=\"bulla:some\"",
        }
    }

    /// The namespaces whose prefixes the attribute uses.
    pub(crate) const fn namespaces(self) -> &'static [Namespace] {
        match self {
            Self::None => &[],
            Self::Nil => &[Namespace::Xsi],
            Self::Boolean | Self::Integer | Self::Float | Self::Double | Self::Base64 | Self::Hex | Self::Text => {
                &[Namespace::Xsi, Namespace::Xs]
            }
            Self::Escaped | Self::Nan | Self::List | Self::Map | Self::Some => &[Namespace::Xsi, Namespace::Bulla],
        }
    }

    /// The mark of an element that has this mark so far, and also the attribute `xsi:local`. Nil wins over any type; attributes
    /// other than `nil` and `type` (schema locations) say nothing about the value.
    pub(crate) fn with_attribute(self, local: &str, value: &str, scopes: &Scopes<'_>) -> Result<Self, Error> {
        match (local, trim(value)) {
            ("nil", "true" | "1") => Ok(Self::Nil),
            ("nil", "false" | "0") => Ok(self),
            ("nil", _) => Err(Error::new("xsi:nil is neither true nor false")),
            ("type", name) if self != Self::Nil => Self::parse_type(name, scopes),
            _ => Ok(self),
        }
    }

    /// The mark for the value of an `xsi:type`. A type that we do not know (a date, a vendor's own) marks nothing.
    fn parse_type(name: &str, scopes: &Scopes<'_>) -> Result<Self, Error> {
        let (prefix, local) = split_name(name);
        match scopes.namespace(prefix) {
            Some(Namespace::Xs) => Ok(Self::parse_schema_type(local)),
            Some(Namespace::Bulla) => Self::parse_own_type(local),
            _ => Ok(Self::None),
        }
    }

    fn parse_schema_type(local: &str) -> Self {
        match local {
            "boolean" => Self::Boolean,
            "float" => Self::Float,
            "double" => Self::Double,
            "base64Binary" => Self::Base64,
            "hexBinary" => Self::Hex,
            "string" => Self::Text,
            "integer" | "long" | "int" | "short" | "byte" | "unsignedLong" | "unsignedInt" | "unsignedShort"
            | "unsignedByte" | "nonNegativeInteger" | "positiveInteger" | "nonPositiveInteger" | "negativeInteger" => {
                Self::Integer
            }
            _ => Self::None,
        }
    }

    fn parse_own_type(local: &str) -> Result<Self, Error> {
        match local {
            "escaped" => Ok(Self::Escaped),
            "nan" => Ok(Self::Nan),
            "list" => Ok(Self::List),
            "map" => Ok(Self::Map),
            "some" => Ok(Self::Some),
            _ => Err(Error::new(format_args!(
                "the type \"{local}\" is none of {}: escaped, nan, list, map, some",
                Namespace::Bulla.uri()
            ))),
        }
    }
}

/// The namespaces that have a meaning here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// XML Schema, as used in instances: `nil` and `type`.
    Xsi,
    /// The types of XML Schema.
    Xs,
    /// Our own.
    Bulla,
}

impl Namespace {
    pub(crate) const ALL: [Self; 3] = [Self::Xsi, Self::Xs, Self::Bulla];

    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Xsi => "xsi",
            Self::Xs => "xs",
            Self::Bulla => "bulla",
        }
    }

    pub(crate) const fn uri(self) -> &'static str {
        match self {
            Self::Xsi => "http://www.w3.org/2001/XMLSchema-instance",
            Self::Xs => "http://www.w3.org/2001/XMLSchema",
            Self::Bulla => "urn:bulla:xml",
        }
    }
}

/// Which prefix means which namespace at one place of a document.
///
/// Only what concerns the namespaces above is kept. Their usual prefixes are bound from the start, since
/// many a program forgets to declare them.
#[derive(Debug, Default)]
pub(crate) struct Scopes<'a> {
    /// Depth of the declaring element, prefix, meaning.
    bindings: Vec<(usize, &'a str, Option<Namespace>)>,
}

impl<'a> Scopes<'a> {
    /// What `prefix` means here, if it matters; the empty one stands for the default namespace.
    pub(crate) fn namespace(&self, prefix: &str) -> Option<Namespace> {
        match self.bindings.iter().rev().find(|(_, bound, _)| *bound == prefix) {
            Some((_, _, known)) => *known,
            None if prefix == "xsd" => Some(Namespace::Xs),
            None => Namespace::ALL.into_iter().find(|known| known.prefix() == prefix),
        }
    }

    /// Takes in the declaration of a prefix on the element at `depth`, where the root is at 1.
    pub(crate) fn declare(&mut self, depth: usize, prefix: &'a str, uri: &str) -> Result<(), Error> {
        let known = Namespace::ALL.into_iter().find(|known| known.uri() == uri);
        if self.namespace(prefix) == known {
            return Ok(());
        }
        if self.bindings.len() >= MAX_BINDINGS {
            return Err(Error::new(format_args!("more than {MAX_BINDINGS} prefixes for the namespaces of types")));
        }
        self.bindings.push((depth, prefix, known));
        Ok(())
    }

    /// Forgets what the elements at `depth` and below declared.
    pub(crate) fn leave(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|(declared, ..)| *declared >= depth) {
            self.bindings.pop();
        }
    }
}

/// The prefix of a qualified name, empty if it has none, and the rest.
pub(crate) fn split_name(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_mean_what_the_nearest_declaration_says() {
        let mut scopes = Scopes::default();
        assert_eq!(scopes.namespace("xsi"), Some(Namespace::Xsi));
        assert_eq!(scopes.namespace(""), None);
        scopes.declare(1, "i", Namespace::Xsi.uri()).unwrap();
        scopes.declare(2, "xsi", "urn:other").unwrap();
        assert_eq!((scopes.namespace("i"), scopes.namespace("xsi")), (Some(Namespace::Xsi), None));
        scopes.leave(2);
        assert_eq!(scopes.namespace("xsi"), Some(Namespace::Xsi));
        scopes.leave(1);
        assert_eq!(scopes.namespace("i"), None);
    }

    #[test]
    fn a_flood_of_bindings_is_refused_and_other_namespaces_cost_nothing() {
        let prefixes: Vec<String> = (0..100).map(|n| format!("p{n}")).collect();
        let mut scopes = Scopes::default();
        for prefix in &prefixes {
            scopes.declare(1, prefix, "urn:other").unwrap();
        }
        assert!(scopes.bindings.is_empty());
        assert!(prefixes.iter().any(|prefix| scopes.declare(1, prefix, Namespace::Xs.uri()).is_err()));
    }

    #[test]
    fn every_written_mark_reads_as_itself() {
        use Mark::*;
        for mark in [Nil, Boolean, Integer, Float, Double, Base64, Hex, Text, Escaped, Nan, List, Map, Some] {
            let (name, value) = mark.attribute().trim().split_once('=').unwrap();
            let read = None.with_attribute(split_name(name).1, value.trim_matches('"'), &Scopes::default());
            assert_eq!(read.unwrap(), mark);
        }
    }
}
