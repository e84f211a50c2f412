//! The texts of numbers, truth values and bytes, as XML Schema part 2 defines them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Visitor;

use crate::error::Error;
use crate::names::{is_space, trim};

/// `xs:boolean`
pub(crate) fn parse_bool(text: &str) -> Result<bool, Error> {
    match trim(text) {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(mismatch(text, "a boolean (true, false, 1 or 0)")),
    }
}

/// Hands the visitor an `xs:integer` in the first type that holds it: `u64`, `i64`, `u128`, `i128`.
pub(crate) fn visit_integer<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
    let digits = trim(text);
    if let Ok(value) = digits.parse::<u64>() {
        return visitor.visit_u64(value);
    }
    if let Ok(value) = digits.parse::<i64>() {
        return visitor.visit_i64(value);
    }
    if let Ok(value) = digits.parse::<u128>() {
        return visitor.visit_u128(value);
    }
    match digits.parse::<i128>() {
        Ok(value) => visitor.visit_i128(value),
        Err(_) => Err(mismatch(text, "an integer of at most 128 bits")),
    }
}

/// `xs:double`
pub(crate) fn parse_f64(text: &str) -> Result<f64, Error> {
    parse_float(text, f64::INFINITY, f64::NAN, f64::is_infinite)
}

/// `xs:float`
pub(crate) fn parse_f32(text: &str) -> Result<f32, Error> {
    parse_float(text, f32::INFINITY, f32::NAN, f32::is_infinite)
}

/// Numbers too large for the type are refused: they are no infinities.
fn parse_float<F>(text: &str, infinity: F, nan: F, is_infinite: fn(F) -> bool) -> Result<F, Error>
where
    F: std::str::FromStr + std::ops::Neg<Output = F> + Copy,
{
    let number = trim(text);
    match number {
        "INF" | "+INF" => return Ok(infinity),
        "-INF" => return Ok(-infinity),
        "NaN" => return Ok(nan),
        _ => {}
    }
    let is_decimal = number.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    match number.parse::<F>() {
        Ok(value) if is_decimal && !is_infinite(value) => Ok(value),
        _ => Err(mismatch(text, "a floating point number in its range")),
    }
}

/// A NaN of `bulla:nan`: 16 digits are an `f64`, 8 an `f32`.
pub(crate) fn visit_nan<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
    let digits = trim(text);
    let bits = u64::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match (bits, digits.len()) {
        (Some(bits), 16) if f64::from_bits(bits).is_nan() => visitor.visit_f64(f64::from_bits(bits)),
        (Some(bits), 8) if f32::from_bits(bits as u32).is_nan() => visitor.visit_f32(f32::from_bits(bits as u32)),
        _ => Err(mismatch(text, "the bits of a NaN in 8 or 16 hex digits")),
    }
}

/// Appends `bytes` as `xs:base64Binary`.
pub(crate) fn push_base64(bytes: &[u8], out: &mut String) {
    STANDARD.encode_string(bytes, out);
}

/// `xs:base64Binary`, which may hold white space anywhere.
pub(crate) fn parse_base64(text: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(without_space(text)).map_err(|_| mismatch(text, "bytes in base64"))
}

/// `xs:hexBinary`
pub(crate) fn parse_hex(text: &str) -> Result<Vec<u8>, Error> {
    let pair = |pair: &[u8]| match *pair {
        [high, low] => Some((char::from(high).to_digit(16)? * 16 + char::from(low).to_digit(16)?) as u8),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = trim(text).as_bytes().chunks(2).map(pair).collect();
    bytes.ok_or_else(|| mismatch(text, "bytes in hexadecimal"))
}

fn without_space(text: &str) -> Vec<u8> {
    text.bytes().filter(|byte| !is_space(*byte)).collect()
}

fn mismatch(text: &str, expected: &str) -> Error {
    let start: String = text.chars().take(60).collect();
    Error::new(format_args!("{start:?} is not {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_those_of_the_schema() {
        assert_eq!(parse_f64(" -INF\n").unwrap(), f64::NEG_INFINITY);
        assert_eq!(parse_f64("-0").unwrap().to_bits(), (-0.0_f64).to_bits());
        assert_eq!(parse_f32("+1.5E2").unwrap(), 150.0);
        for bad in ["", "inf", "nan", "infinity", "1e999", "-1e999", "1_0", "0x1", "1 2", "--1", "NAN"] {
            assert!(parse_f64(bad).is_err(), "{bad:?}");
        }
        assert!(parse_f32("1e39").is_err());
    }

    #[test]
    fn bytes_are_strict_but_for_white_space() {
        assert_eq!(parse_base64(" YW\nJj ").unwrap(), b"abc");
        assert_eq!(parse_hex(" 00fF ").unwrap(), [0, 255]);
        for bad in ["YWJ", "YWJjZ", "YW=Jj", "*", "YR=="] {
            assert!(parse_base64(bad).is_err(), "{bad:?}");
        }
        assert!(parse_hex("0").is_err() && parse_hex("0g").is_err() && parse_hex("ä").is_err());
    }
}
