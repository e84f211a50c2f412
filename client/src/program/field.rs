//! Fields: `key=value` and `key:=JSON` on the command line, `name`, `name?`, `name:int` in a form.

use std::str::FromStr;
use std::time::Duration;

use bulla_core::text::escape;
use bulla_core::value::{Map, Value};

use super::exit::{Exit, Failure};
use super::json::parse_json;

/// The longest part of an argument that an error shows, in characters.
const MAX_SHOWN: usize = 80;

/// A time, as the options take it.
pub(crate) fn parse_time(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "expected a number and its unit, such as 500ms, 90s or 2m")
}

/// Builds a document from `key=value` and `key:=JSON`, in order.
pub(crate) fn parse_fields(fields: &[String]) -> Result<Value, Failure> {
    let mut map = Map::new();
    for field in fields {
        let (key, value) = parse_field(field)?;
        if map.get(&key).is_some() {
            return Err(Failure::new(Exit::Usage, format!("the field {} is given twice", escape(&key, MAX_SHOWN))));
        }
        map.push(key, value);
    }
    Ok(map.into())
}

/// The first `=` decides: what is before it is the key, and a colon at the key's end says that the value is JSON.
fn parse_field(field: &str) -> Result<(String, Value), Failure> {
    let shown = || escape(field, MAX_SHOWN);
    let (key, value) = field.split_once('=').ok_or_else(|| {
        let problem = format!(
            "{} is no field: expected key=value, key:=JSON for anything but text, or a whole document alone",
            shown()
        );
        Failure::new(Exit::Usage, problem)
    })?;
    let (key, value) = match key.strip_suffix(':') {
        None => (key, Value::from(value)),
        Some(key) => {
            let problem =
                |error| Failure::new(Exit::Document, format!("the value of {} is not JSON: {error}", shown()));
            (key, parse_json(value.as_bytes()).map_err(problem)?)
        }
    };
    if key.is_empty() {
        return Err(Failure::new(Exit::Usage, format!("{} has no key before the =", shown())));
    }
    Ok((key.to_owned(), value))
}

/// A field that a form asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormField {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

/// What the answer to a question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Int,
    Number,
    Bool,
    Json,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Text, Self::Int, Self::Number, Self::Bool, Self::Json];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "int",
            Self::Number => "number",
            Self::Bool => "bool",
            Self::Json => "json",
        }
    }

    /// Reads an answer; an error says what was expected.
    pub(crate) fn parse(self, answer: &str) -> Result<Value, &'static str> {
        match self {
            Self::Text => Ok(answer.into()),
            Self::Int => answer.parse().map(Value::Integer).map_err(|_| "a whole number, such as 42"),
            Self::Number => match answer.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(number.into()),
                _ => Err("a number, such as 1.5"),
            },
            Self::Bool => match answer.to_ascii_lowercase().as_str() {
                "y" | "yes" | "true" => Ok(true.into()),
                "n" | "no" | "false" => Ok(false.into()),
                _ => Err("yes or no"),
            },
            Self::Json => parse_json(answer.as_bytes()).map_err(|_| "JSON, such as [1, 2]"),
        }
    }
}

impl FromStr for FormField {
    type Err = String;

    /// `name`, `name?`, `name:int`, `name:int?`, `name?:int`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (text, mut optional) = strip_mark(text);
        let (name, kind) = match text.rsplit_once(':') {
            None => (text, Kind::Text),
            Some((name, kind)) => {
                let known = Kind::ALL.into_iter().find(|known| known.name() == kind);
                let problem = || format!("no type is named {kind}: expected text, int, number, bool or json");
                (name, known.ok_or_else(problem)?)
            }
        };
        let (name, mark) = strip_mark(name);
        optional |= mark;
        if name.is_empty() {
            return Err("a field needs a name, such as email? or age:int".to_owned());
        }
        Ok(Self { name: name.to_owned(), kind, optional })
    }
}

fn strip_mark(text: &str) -> (&str, bool) {
    text.strip_suffix('?').map_or((text, false), |text| (text, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(fields: &[&str]) -> Result<String, Failure> {
        parse_fields(&fields.iter().map(ToString::to_string).collect::<Vec<_>>()).map(|document| document.to_string())
    }

    #[test]
    fn fields_become_a_document() {
        let document =
            parsed(&["name=Ada", "age:=36", "tags:=[\"a\", null]", "empty=", "formula=a=b", "url=http://x:=y"]);
        let expected =
            r#"{"name": "Ada", "age": 36, "tags": ["a", null], "empty": "", "formula": "a=b", "url": "http://x:=y"}"#;
        assert_eq!(document.unwrap(), expected);
    }

    #[test]
    fn bad_fields_are_named() {
        let message = |fields: &[&str]| parsed(fields).unwrap_err().message;
        assert!(message(&["name"]).starts_with("name is no field: expected key=value"));
        assert!(message(&["=x"]).contains("has no key"));
        assert!(message(&["age:=old"]).starts_with("the value of age:=old is not JSON: "));
        assert!(message(&["a=1", "a=2"]).contains("given twice"));
        assert_eq!(parsed(&["age:=old"]).unwrap_err().exit, Exit::Document);
    }

    #[test]
    fn form_fields_have_types_and_may_be_optional() {
        let field = |name: &str, kind, optional| Ok(FormField { name: name.to_owned(), kind, optional });
        assert_eq!("name".parse(), field("name", Kind::Text, false));
        assert_eq!("email?".parse(), field("email", Kind::Text, true));
        assert_eq!("age:int".parse(), field("age", Kind::Int, false));
        assert_eq!("age:int?".parse(), field("age", Kind::Int, true));
        assert_eq!("age?:int".parse(), field("age", Kind::Int, true));
        assert!("age:integer".parse::<FormField>().unwrap_err().contains("expected text, int"));
        assert!("?".parse::<FormField>().is_err());
    }

    #[test]
    fn answers_are_read_as_their_type_says() {
        assert_eq!(Kind::Int.parse("-42"), Ok(Value::from(-42)));
        assert_eq!(Kind::Int.parse("4.5"), Err("a whole number, such as 42"));
        assert_eq!(Kind::Number.parse("4.5"), Ok(Value::from(4.5)));
        assert!(Kind::Number.parse("NaN").is_err());
        assert_eq!(Kind::Bool.parse("Yes"), Ok(true.into()));
        assert_eq!(Kind::Json.parse("[]"), Ok(Value::List(Vec::new())));
    }
}
