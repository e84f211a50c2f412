//! What a scalar is: tags, and the core schema of YAML 1.2 (section 10.3) for plain ones.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use granit_parser::{ScalarStyle, Tag};
use serde::de::Visitor;

use crate::error::Error;

/// A scalar, resolved to what it holds.
#[derive(Debug, PartialEq)]
pub(crate) enum Scalar<'de> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    WideUnsigned(u128),
    WideSigned(i128),
    Float(f64),
    Text(Cow<'de, str>),
    Bytes(Vec<u8>),
}

impl<'de> Scalar<'de> {
    /// Resolves a scalar as its tag says, or by the core schema if it is plain and has none.
    pub(crate) fn resolve(text: Cow<'de, str>, style: ScalarStyle, kind: Option<Kind>) -> Result<Self, Error> {
        match kind {
            None if style == ScalarStyle::Plain => Self::core(text),
            None | Some(Kind::Str) => Ok(Self::Text(text)),
            Some(Kind::Binary) => decode_base64(&text).map(Self::Bytes),
            Some(Kind::Float) => parse_float(&text)?.map(Self::Float).ok_or_else(|| mismatch("float", &text)),
            Some(kind) => {
                let scalar = Self::core(text)?;
                if scalar.kind() == kind { Ok(scalar) } else { Err(Error::new("a scalar does not fit its tag")) }
            }
        }
    }

    fn core(text: Cow<'de, str>) -> Result<Self, Error> {
        match &*text {
            "" | "~" | "null" | "Null" | "NULL" => return Ok(Self::Null),
            "true" | "True" | "TRUE" => return Ok(Self::Bool(true)),
            "false" | "False" | "FALSE" => return Ok(Self::Bool(false)),
            _ => {}
        }
        if let Some(integer) = parse_integer(&text)? {
            return Ok(integer);
        }
        Ok(parse_float(&text)?.map_or(Self::Text(text), Self::Float))
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Unsigned(_) | Self::Signed(_) | Self::WideUnsigned(_) | Self::WideSigned(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Text(_) => Kind::Str,
            Self::Bytes(_) => Kind::Binary,
        }
    }

    pub(crate) fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Unsigned(value) => visitor.visit_u64(value),
            Self::Signed(value) => visitor.visit_i64(value),
            Self::WideUnsigned(value) => visitor.visit_u128(value),
            Self::WideSigned(value) => visitor.visit_i128(value),
            Self::Float(value) => visitor.visit_f64(value),
            Self::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Self::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Self::Bytes(bytes) => visitor.visit_byte_buf(bytes),
        }
    }
}

/// The tags that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Int,
    Float,
    Str,
    Binary,
    Seq,
    Map,
}

impl Kind {
    /// What a tag asks for; `None` without one. `!` alone says that a scalar is a string.
    pub(crate) fn of(tag: Option<&Tag>) -> Result<Option<Self>, Error> {
        let Some(tag) = tag else { return Ok(None) };
        let kind = match tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() {
            Some("null") => Self::Null,
            Some("bool") => Self::Bool,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("str") => Self::Str,
            Some("binary") => Self::Binary,
            Some("seq") => Self::Seq,
            Some("map") => Self::Map,
            _ if matches!(tag.parts(), ("!", "") | ("", "!")) => Self::Str,
            _ => {
                let (handle, suffix) = tag.original_parts();
                return Err(Error::new(format_args!("the tag {handle}{suffix} is not read here")));
            }
        };
        Ok(Some(kind))
    }
}

/// Decimal, `0x` and `0o` integers; `None` if the text is none. Leading zeros make a string, since half the world's parsers
/// would read an octal number.
fn parse_integer<'de>(text: &str) -> Result<Option<Scalar<'de>>, Error> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, radix) = match unsigned.as_bytes() {
        [b'0', b'x', ..] if unsigned == text => (&unsigned[2..], 16),
        [b'0', b'o', ..] if unsigned == text => (&unsigned[2..], 8),
        [b'0', _, ..] => return Ok(None),
        _ => (unsigned, 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Ok(None);
    }
    let scalar = if text.starts_with('-') {
        text.parse().map(Scalar::Signed).or_else(|_| text.parse().map(Scalar::WideSigned))
    } else {
        u64::from_str_radix(digits, radix)
            .map(Scalar::Unsigned)
            .or_else(|_| u128::from_str_radix(digits, radix).map(Scalar::WideUnsigned))
    };
    scalar.map(Some).map_err(|_| Error::new("an integer beyond 128 bits"))
}

/// A type of float that can be read.
pub(crate) trait Float: std::str::FromStr + Copy {
    const INFINITY: Self;
    const NEG_INFINITY: Self;
    const NAN: Self;
    fn is_finite(self) -> bool;
}

macro_rules! float {
    ($($type:ident)*) => {$(
        impl Float for $type {
            const INFINITY: Self = $type::INFINITY;
            const NEG_INFINITY: Self = $type::NEG_INFINITY;
            const NAN: Self = $type::NAN;
            fn is_finite(self) -> bool {
                self.is_finite()
            }
        }
    )*};
}

float!(f32 f64);

/// Decimal floats (integers are, too), infinities and NaN; `None` if the text is none. One that overflows is an error, not an
/// infinity.
pub(crate) fn parse_float<F: Float>(text: &str) -> Result<Option<F>, Error> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Ok(Some(F::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Ok(Some(F::NEG_INFINITY)),
        ".nan" | ".NaN" | ".NAN" => return Ok(Some(F::NAN)),
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let zeros = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if zeros || !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return Ok(None);
    }
    match text.parse::<F>() {
        Ok(value) if value.is_finite() => Ok(Some(value)),
        Ok(_) => Err(Error::new("a float beyond the range of its type")),
        Err(_) => Ok(None),
    }
}

fn decode_base64(text: &str) -> Result<Vec<u8>, Error> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(digits).map_err(|error| Error::new(format_args!("!!binary holds no base64: {error}")))
}

fn mismatch(kind: &str, text: &str) -> Error {
    Error::new(format_args!("{text:?} is no {kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar<'_> {
        Scalar::resolve(Cow::Borrowed(text), ScalarStyle::Plain, None).unwrap()
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        assert_eq!(plain("~"), Scalar::Null);
        assert_eq!(plain("TRUE"), Scalar::Bool(true));
        assert_eq!(plain("+12"), Scalar::Unsigned(12));
        assert_eq!(plain("-0"), Scalar::Signed(0));
        assert_eq!(plain("-9223372036854775809"), Scalar::WideSigned(-9_223_372_036_854_775_809));
        assert_eq!(plain("18446744073709551616"), Scalar::WideUnsigned(1 << 64));
        assert_eq!(plain("0x1F"), Scalar::Unsigned(31));
        assert_eq!(plain("0o17"), Scalar::Unsigned(15));
        assert_eq!(plain("-.INF"), Scalar::Float(f64::NEG_INFINITY));
        assert_eq!(plain("1."), Scalar::Float(1.0));
        assert_eq!(plain(".5"), Scalar::Float(0.5));
        assert_eq!(plain("+1e3"), Scalar::Float(1000.0));
        assert_eq!(plain("0.5"), Scalar::Float(0.5));
    }

    #[test]
    fn the_rest_is_text() {
        let texts = [
            "yes",
            "No",
            "on",
            "y",
            "014",
            "-07",
            "08.5",
            "1_000",
            "0b1",
            "0X1",
            "0x",
            "-0x1",
            "+0o7",
            "12:30",
            "2020-01-01",
            ".",
            "-",
            "+",
            "e5",
            ".e5",
            "1e",
            "inf",
            "nan",
            "Infinity",
            "+.nan",
            "=",
            "<<",
            "nULL",
            "1 ",
            "١",
            "--1",
            "+-1",
            "1e5.0",
        ];
        for text in texts {
            assert_eq!(plain(text), Scalar::Text(Cow::Borrowed(text)), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in
            ["1e999", "-1e400", "340282366920938463463374607431768211456", "-170141183460469231731687303715884105729"]
        {
            assert!(Scalar::resolve(Cow::Borrowed(text), ScalarStyle::Plain, None).is_err(), "{text}");
        }
        assert!(parse_float::<f32>("1e39").is_err());
        for (text, kind) in
            [("x", Kind::Int), ("1.5", Kind::Int), ("yes", Kind::Bool), ("1", Kind::Null), ("%", Kind::Binary)]
        {
            assert!(Scalar::resolve(Cow::Borrowed(text), ScalarStyle::Plain, Some(kind)).is_err(), "{text}");
        }
    }
}
