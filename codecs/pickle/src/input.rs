//! The input: arguments of instructions, in bytes or in lines of text.

use std::borrow::Cow;

use bulla_core::codec::DecodeError;

/// What is left of the input. A copy looks ahead.
#[derive(Clone, Copy)]
pub(crate) struct Input<'de>(&'de [u8]);

/// A number out of a pickle: in the smallest type that holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Integer {
    Narrow(i64),
    Signed(i128),
    Unsigned(u128),
}

impl From<i128> for Integer {
    fn from(number: i128) -> Self {
        i64::try_from(number).map_or(Self::Signed(number), Self::Narrow)
    }
}

impl From<u128> for Integer {
    fn from(number: u128) -> Self {
        i128::try_from(number).map_or(Self::Unsigned(number), Self::from)
    }
}

impl<'de> Input<'de> {
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'de [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (array, rest) = self.0.split_first_chunk().ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    /// A length of `N` bytes, little endian, and as many bytes.
    pub(crate) fn counted<const N: usize>(&mut self) -> Result<&'de [u8], DecodeError> {
        let len = self.array::<N>()?.into_iter().rev().fold(0, |len, byte| len << 8 | u64::from(byte));
        self.take(usize::try_from(len).map_err(|_| cut_short())?)
    }

    /// The same, as text.
    pub(crate) fn counted_text<const N: usize>(&mut self) -> Result<&'de str, DecodeError> {
        let bytes = self.counted::<N>()?;
        std::str::from_utf8(bytes).map_err(|error| DecodeError::new(format_args!("a text holds {error}")))
    }

    /// An integer of as many bytes as its length of `N` bytes says: two's complement, little endian.
    pub(crate) fn counted_integer<const N: usize>(&mut self) -> Result<Integer, DecodeError> {
        let bytes = self.counted::<N>()?;
        let is_negative = bytes.last().is_some_and(|last| *last >= 0x80);
        let fill = if is_negative { 0xff } else { 0 };
        let significant = bytes.iter().rposition(|byte| *byte != fill).map_or(0, |last| last + 1);
        let mut number = [fill; 16];
        let Some(low) = number.get_mut(..significant) else { return Err(beyond_128_bits()) };
        low.copy_from_slice(&bytes[..significant]);
        match i128::from_le_bytes(number) {
            number if is_negative && number >= 0 => Err(beyond_128_bits()),
            number if is_negative => Ok(number.into()),
            number => Ok(number.cast_unsigned().into()),
        }
    }

    /// A line, without its end.
    pub(crate) fn line(&mut self) -> Result<&'de [u8], DecodeError> {
        let end = self.0.iter().position(|byte| *byte == b'\n').ok_or_else(cut_short)?;
        let line = self.take(end)?;
        self.take(1)?;
        Ok(line)
    }

    /// A line that is a decimal number, less a suffix that it may have.
    pub(crate) fn number_line(&mut self, suffix: &str) -> Result<Integer, DecodeError> {
        let line = std::str::from_utf8(self.line()?).unwrap_or_default();
        let digits = line.strip_suffix(suffix).unwrap_or(line);
        let unsigned = digits.strip_prefix('-').unwrap_or(digits);
        if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DecodeError::new("a line that is no decimal number"));
        }
        let number = if digits == unsigned {
            digits.parse::<u128>().map(Integer::from)
        } else {
            digits.parse::<i128>().map(Integer::from)
        };
        number.map_err(|_| beyond_128_bits())
    }

    /// A line that is an index.
    pub(crate) fn index_line(&mut self) -> Result<u32, DecodeError> {
        match self.number_line("")? {
            Integer::Narrow(index) => u32::try_from(index).ok(),
            _ => None,
        }
        .ok_or_else(|| DecodeError::new("a memo index that is none"))
    }

    /// A line that is a float.
    pub(crate) fn float_line(&mut self) -> Result<f64, DecodeError> {
        /// More than Python ever writes, less than would take time.
        const LONGEST: usize = 64;
        let line = self.line()?;
        let text = std::str::from_utf8(line).ok().filter(|text| text.len() <= LONGEST);
        let number = text.and_then(|text| text.parse().ok());
        number.ok_or_else(|| DecodeError::new("a line that is no float"))
    }

    /// A line of text in Python's `raw-unicode-escape`: Latin-1, and `\u` or `\U` with the number of a character.
    pub(crate) fn text_line(&mut self) -> Result<Cow<'de, str>, DecodeError> {
        let line = self.line()?;
        match std::str::from_utf8(line) {
            Ok(text) if line.is_ascii() && !line.contains(&b'\\') => Ok(Cow::Borrowed(text)),
            _ => unescape(line).map(Cow::Owned),
        }
    }
}

fn unescape(line: &[u8]) -> Result<String, DecodeError> {
    let mut rest = line.iter();
    let mut text = String::new();
    while let Some(byte) = rest.next() {
        let digits = match (byte, rest.as_slice().first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            (b'\\', Some(_)) => {
                // What an escaped backslash hides is no escape.
                text.push('\\');
                text.extend(rest.next().map(|byte| char::from(*byte)));
                continue;
            }
            _ => {
                text.push(char::from(*byte));
                continue;
            }
        };
        let number = rest.as_slice().get(1..=digits).and_then(|digits| std::str::from_utf8(digits).ok());
        text.push(number.and_then(escaped).ok_or_else(|| DecodeError::new("an escape that is no character"))?);
        rest.nth(digits);
    }
    Ok(text)
}

/// The character whose number is in hexadecimal digits.
fn escaped(digits: &str) -> Option<char> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_plain).and_then(char::from_u32)
}

#[cold]
fn cut_short() -> DecodeError {
    DecodeError::new("the input ends inside of a pickle")
}

#[cold]
fn beyond_128_bits() -> DecodeError {
    DecodeError::new("an integer beyond 128 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(bytes: &[u8]) -> Result<Integer, DecodeError> {
        Input::new(&[&[bytes.len() as u8], bytes].concat()).counted_integer::<1>()
    }

    #[test]
    fn integers_of_any_length() {
        assert_eq!(long(b""), Ok(Integer::Narrow(0)));
        assert_eq!(long(b"\xff\x00"), Ok(Integer::Narrow(255)));
        assert_eq!(long(b"\xff\x7f"), Ok(Integer::Narrow(32_767)));
        assert_eq!(long(b"\x00\xff"), Ok(Integer::Narrow(-256)));
        assert_eq!(long(b"\x00\x80"), Ok(Integer::Narrow(-32_768)));
        assert_eq!(long(b"\x80"), Ok(Integer::Narrow(-128)));
        assert_eq!(long(b"\xff\xff\xff"), Ok(Integer::Narrow(-1)));
        assert_eq!(long(b"\xff\xff\xff\xff\xff\xff\xff\xff\x00"), Ok(Integer::Signed(u64::MAX.into())));
        assert_eq!(long(&[&[0xff; 16][..], &[0; 9]].concat()), Ok(Integer::Unsigned(u128::MAX)));
        assert_eq!(long(&[&[0; 15][..], &[0x80, 0xff, 0xff]].concat()), Ok(Integer::Signed(i128::MIN)));
        assert_eq!(long(&[&[0; 16][..], &[1]].concat()), Err(beyond_128_bits()));
        assert_eq!(long(&[&[0xff; 15][..], &[0x7f, 0xff]].concat()), Err(beyond_128_bits()));
        assert_eq!(long(&[&[0; 16][..], &[0xff]].concat()), Err(beyond_128_bits()));
    }

    #[test]
    fn numbers_in_lines() {
        let number = |line: &str| Input::new(line.as_bytes()).number_line("L");
        assert_eq!(number("-12L\n"), Ok(Integer::Narrow(-12)));
        assert_eq!(number("0\n"), Ok(Integer::Narrow(0)));
        assert_eq!(number(&format!("{}L\n", i128::MIN)), Ok(Integer::Signed(i128::MIN)));
        assert_eq!(number(&format!("{}L\n", u128::MAX)), Ok(Integer::Unsigned(u128::MAX)));
        for bad in ["\n", "L\n", "-\n", "+1\n", "1_0\n", " 1\n", "0x1\n", "1", "--1\n"] {
            assert!(number(bad).is_err(), "{bad:?}");
        }
        assert_eq!(number(&format!("{}\n", "9".repeat(40))), Err(beyond_128_bits()));
        assert_eq!(number(&format!("-{}\n", u128::MAX)), Err(beyond_128_bits()));
        assert_eq!(Input::new(b"1e300\n").float_line(), Ok(1e300));
        assert!(Input::new(b"1e300x\n").float_line().is_err());
        assert!(Input::new(format!("0.{}\n", "1".repeat(64)).as_bytes()).float_line().is_err());
    }

    #[test]
    fn text_in_lines() {
        let text = |line: &[u8]| Input::new(&[line, b"\n"].concat()).text_line().map(Cow::into_owned).ok();
        assert_eq!(text(b"").as_deref(), Some(""));
        assert_eq!(text(b"gr\xfc\xdfe").as_deref(), Some("grüße"));
        assert_eq!(text(b"a\\u000ab\\u005cu0041\\U0001f980").as_deref(), Some("a\nb\\u0041🦀"));
        assert_eq!(text(b"\\\\u0041\\x\\").as_deref(), Some("\\\\u0041\\x\\"));
        for bad in [&b"\\u"[..], b"\\u004", b"\\u00g1", b"\\u+041", b"\\ud800", b"\\U00110000", b"\\u00\xff1"] {
            assert_eq!(text(bad), None, "{bad:x?}");
        }
    }
}
