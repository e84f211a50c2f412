//! The input, and the head of each value in it: what it is, and how long.

use std::borrow::Cow;

use bulla_core::codec::DecodeError;
use ciborium_ll::{Decoder, Header, simple, tag};

/// The tag that says no more than that this is CBOR (RFC 8949, section 3.4.6).
const SELF_DESCRIBED: u64 = 55_799;

/// What is left of the input. A copy looks ahead.
#[derive(Clone, Copy)]
pub(crate) struct Input<'de>(&'de [u8]);

/// The head of a value: the whole of a scalar, the length of the rest. A length is no more than the input can hold; a value without one
/// goes on until the break.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Head {
    Null,
    Bool(bool),
    /// Zero or more.
    Positive(u128),
    /// The number that is `-1 - n`.
    Negative(u128),
    Float(f64),
    Text(Option<usize>),
    Bytes(Option<usize>),
    List(Option<usize>),
    Map(Option<usize>),
}

impl<'de> Input<'de> {
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    /// The head of the next value.
    pub(crate) fn head(&mut self) -> Result<Head, DecodeError> {
        let mut header = self.header()?;
        while header == Header::Tag(SELF_DESCRIBED) {
            header = self.header()?;
        }
        Ok(match header {
            Header::Positive(number) => Head::Positive(number.into()),
            Header::Negative(number) => Head::Negative(number.into()),
            Header::Tag(tag::BIGPOS) => Head::Positive(self.big_number()?),
            Header::Tag(tag::BIGNEG) => Head::Negative(self.big_number()?),
            Header::Tag(tag) => return Err(DecodeError::new(format_args!("the tag {tag} is not read here"))),
            Header::Float(number) => Head::Float(number),
            Header::Simple(simple::NULL | simple::UNDEFINED) => Head::Null,
            Header::Simple(simple::FALSE) => Head::Bool(false),
            Header::Simple(simple::TRUE) => Head::Bool(true),
            Header::Simple(number) => {
                return Err(DecodeError::new(format_args!("the simple value {number} is not read here")));
            }
            Header::Text(len) => Head::Text(self.believe(len, 1)?),
            Header::Bytes(len) => Head::Bytes(self.believe(len, 1)?),
            Header::Array(count) => Head::List(self.believe(count, 1)?),
            Header::Map(count) => Head::Map(self.believe(count, 2)?),
            Header::Break => return Err(DecodeError::new("a break where a value is expected")),
        })
    }

    /// Whether a break is next, which is then behind us.
    pub(crate) fn take_break(&mut self) -> bool {
        let Some(rest) = self.0.strip_prefix(b"\xff") else { return false };
        self.0 = rest;
        true
    }

    /// The bytes whose head has been read. Pieces are joined: no more bytes than the input has.
    pub(crate) fn bytes(&mut self, len: Option<usize>) -> Result<Cow<'de, [u8]>, DecodeError> {
        if let Some(len) = len {
            return self.take(len).map(Cow::Borrowed);
        }
        let mut joined = Vec::new();
        while !self.take_break() {
            let Header::Bytes(Some(len)) = self.header()? else {
                return Err(DecodeError::new("a piece of a byte string is none"));
            };
            joined.extend_from_slice(self.take(len)?);
        }
        Ok(Cow::Owned(joined))
    }

    /// The text whose head has been read. A character may not lie in two pieces (RFC 8949, section 3.2.3).
    pub(crate) fn text(&mut self, len: Option<usize>) -> Result<Cow<'de, str>, DecodeError> {
        if let Some(len) = len {
            return self.take_text(len).map(Cow::Borrowed);
        }
        let mut joined = String::new();
        while !self.take_break() {
            let Header::Text(Some(len)) = self.header()? else {
                return Err(DecodeError::new("a piece of a text string is none"));
            };
            joined.push_str(self.take_text(len)?);
        }
        Ok(Cow::Owned(joined))
    }

    fn header(&mut self) -> Result<Header, DecodeError> {
        // A simple value in two bytes: those below 32 are malformed, and there are no others yet.
        if self.0.first() == Some(&0xf8) {
            return Err(DecodeError::new("a simple value that is not read here"));
        }
        let mut decoder = Decoder::from(self.0);
        let header = decoder.pull().map_err(|error| match error {
            ciborium_ll::Error::Io(_) => cut_short(),
            ciborium_ll::Error::Syntax(_) => DecodeError::new("the head of a value is malformed"),
        })?;
        self.0 = &self.0[decoder.offset()..];
        Ok(header)
    }

    /// The byte string that is an integer, big endian.
    fn big_number(&mut self) -> Result<u128, DecodeError> {
        let Header::Bytes(len) = self.header()? else {
            return Err(DecodeError::new("a big number is no byte string"));
        };
        let len = self.believe(len, 1)?;
        self.bytes(len)?.iter().try_fold(0_u128, |number, byte| {
            let shifted = number.checked_mul(1 << 8).ok_or_else(beyond_128_bits)?;
            Ok(shifted | u128::from(*byte))
        })
    }

    /// Believes a count of parts, each of at least `size` bytes, if there are as many bytes.
    fn believe(self, count: Option<usize>, size: usize) -> Result<Option<usize>, DecodeError> {
        match count {
            Some(count) if count > self.len() / size => Err(cut_short()),
            count => Ok(count),
        }
    }

    fn take(&mut self, len: usize) -> Result<&'de [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn take_text(&mut self, len: usize) -> Result<&'de str, DecodeError> {
        std::str::from_utf8(self.take(len)?).map_err(|error| DecodeError::new(format_args!("a text holds {error}")))
    }
}

#[cold]
fn cut_short() -> DecodeError {
    DecodeError::new("the input ends inside of a value")
}

#[cold]
pub(crate) fn beyond_128_bits() -> DecodeError {
    DecodeError::new("an integer beyond 128 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> Result<Head, String> {
        Input::new(bytes).head().map_err(|error| error.to_string())
    }

    #[test]
    fn reads_the_examples_of_the_specification() {
        // RFC 8949, appendix A.
        assert_eq!(head(b"\x17"), Ok(Head::Positive(23)));
        assert_eq!(head(b"\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00"), Ok(Head::Positive(1_000_000_000_000)));
        assert_eq!(head(b"\xc2\x49\x01\0\0\0\0\0\0\0\0"), Ok(Head::Positive(1 << 64)));
        assert_eq!(head(b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff"), Ok(Head::Negative(u64::MAX.into())));
        assert_eq!(head(b"\xc3\x49\x01\0\0\0\0\0\0\0\0"), Ok(Head::Negative(1 << 64)));
        assert_eq!(head(b"\x20"), Ok(Head::Negative(0)));
        assert_eq!(head(b"\xf9\x3c\x00"), Ok(Head::Float(1.0)));
        assert_eq!(head(b"\xf9\x00\x01"), Ok(Head::Float(5.960_464_477_539_063e-8)));
        assert_eq!(head(b"\xfa\x47\xc3\x50\x00"), Ok(Head::Float(100_000.0)));
        assert_eq!(head(b"\xfb\x7f\xf0\0\0\0\0\0\0"), Ok(Head::Float(f64::INFINITY)));
        assert_eq!(head(b"\xf4"), Ok(Head::Bool(false)));
        assert_eq!(head(b"\xf7"), Ok(Head::Null));
        assert_eq!(head(b"\x5f\xff"), Ok(Head::Bytes(None)));
        assert_eq!(head(b"\x83\x01\x02\x03"), Ok(Head::List(Some(3))));
        assert_eq!(head(b"\xd9\xd9\xf7\xa1\x01\x02"), Ok(Head::Map(Some(1))));
    }

    #[test]
    fn joins_the_pieces_of_strings() {
        let mut input = Input::new(b"\x5f\x42\x01\x02\x40\x43\x03\x04\x05\xff\x7f\x65strea\x64ming\xff\x01");
        assert_eq!(input.head(), Ok(Head::Bytes(None)));
        assert_eq!(input.bytes(None).as_deref(), Ok(&[1, 2, 3, 4, 5][..]));
        assert_eq!(input.head(), Ok(Head::Text(None)));
        assert_eq!(input.text(None).as_deref(), Ok("streaming"));
        assert_eq!(input.len(), 1);
        for bad in [&b"\x61a\x41b\xff"[..], b"\x7f\x61a\xff\xff", b"\x61a", b"\x61\xc3\x61\xb6\xff", b"\x61a\x01\xff"] {
            assert!(Input::new(bad).text(None).is_err(), "{bad:x?}");
        }
    }

    #[test]
    fn believes_no_length_beyond_the_input() {
        for bytes in [
            &b"\x61"[..],
            b"\x78\x02a",
            b"\x7b\xff\xff\xff\xff\xff\xff\xff\xffa",
            b"\x5a\xff\xff\xff\xff",
            b"\x82\xf6",
            b"\x9b\x80\0\0\0\0\0\0\0\xf6",
            b"\xa2\x01\x02\x03",
            b"\xc2\x42\x01",
            b"\x19\x01",
            b"",
        ] {
            assert_eq!(head(bytes), Err("the input ends inside of a value".into()), "{bytes:x?}");
        }
    }

    #[test]
    fn names_what_it_refuses() {
        let refused = |bytes: &[u8], words: &str| assert_eq!(head(bytes), Err(words.into()));
        refused(b"\xc1\x1a\x51\x4b\x67\xb0", "the tag 1 is not read here");
        refused(b"\xd8\x1d\x00", "the tag 29 is not read here");
        refused(b"\xf0", "the simple value 16 is not read here");
        refused(b"\xf8\x14", "a simple value that is not read here");
        refused(b"\xff", "a break where a value is expected");
        refused(b"\x1c", "the head of a value is malformed");
        refused(b"\x1f", "the head of a value is malformed");
        refused(b"\xc2\x01", "a big number is no byte string");
        refused(b"\xc2\x51\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "an integer beyond 128 bits");
    }
}
