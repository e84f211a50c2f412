//! The input, and the head of each value in it: what it is, and how long (RFC 8949, section 3).

use std::borrow::Cow;

use bulla_codec_reader::{Head, Input};
use bulla_core::codec::DecodeError;
use half::f16;

/// The tags of big numbers (section 3.4.3).
const BIG_POSITIVE: u64 = 2;
const BIG_NEGATIVE: u64 = 3;
/// The tag that says no more than that this is CBOR (section 3.4.6).
const SELF_DESCRIBED: u64 = 55_799;
/// What ends a value without a length.
const BREAK: u8 = 0xff;

/// What is left of the input. A copy looks ahead.
#[derive(Clone, Copy)]
pub(crate) struct Cbor<'de>(&'de [u8]);

impl<'de> Input<'de> for Cbor<'de> {
    #[inline]
    fn head(&mut self) -> Result<Head, DecodeError> {
        loop {
            let (kind, low) = self.initial()?;
            return Ok(match kind {
                0 => Head::Unsigned(self.number(low)?),
                1 => negative(self.number(low)?.into())?,
                2 => Head::Bytes(self.length(low, 1)?),
                3 => Head::Text(self.length(low, 1)?),
                4 => Head::List(self.length(low, 1)?),
                5 => Head::Map(self.length(low, 2)?),
                6 => match self.number(low)? {
                    SELF_DESCRIBED => continue,
                    BIG_POSITIVE => positive(self.big_number()?),
                    BIG_NEGATIVE => negative(self.big_number()?)?,
                    tag => return Err(DecodeError::new(format_args!("the tag {tag} is not read here"))),
                },
                _ => self.simple(low)?,
            });
        }
    }

    /// Pieces are joined. A character may not lie in two of them (section 3.2.3).
    #[inline]
    fn text(&mut self, len: Option<usize>) -> Result<Cow<'de, str>, DecodeError> {
        if let Some(len) = len {
            return self.take_text(len).map(Cow::Borrowed);
        }
        let mut joined = String::new();
        while let Some(len) = self.piece(3)? {
            joined.push_str(self.take_text(len)?);
        }
        Ok(Cow::Owned(joined))
    }

    /// Pieces are joined: no more bytes than the input has.
    #[inline]
    fn bytes(&mut self, len: Option<usize>) -> Result<Cow<'de, [u8]>, DecodeError> {
        if let Some(len) = len {
            return self.take(len).map(Cow::Borrowed);
        }
        let mut joined = Vec::new();
        while let Some(len) = self.piece(2)? {
            joined.extend_from_slice(self.take(len)?);
        }
        Ok(Cow::Owned(joined))
    }

    fn take_end(&mut self) -> bool {
        let Some(rest) = self.0.strip_prefix(&[BREAK]) else { return false };
        self.0 = rest;
        true
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'de> Cbor<'de> {
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Self(bytes)
    }

    /// The kind of a value, 0 to 7, and the five bits beside it.
    #[inline]
    fn initial(&mut self) -> Result<(u8, u8), DecodeError> {
        let [byte] = self.array()?;
        Ok((byte >> 5, byte & 0x1f))
    }

    /// What the five bits say, or the bytes behind them.
    #[inline]
    fn number(&mut self, low: u8) -> Result<u64, DecodeError> {
        Ok(match low {
            0..24 => low.into(),
            24 => u8::from_be_bytes(self.array()?).into(),
            25 => u16::from_be_bytes(self.array()?).into(),
            26 => u32::from_be_bytes(self.array()?).into(),
            27 => u64::from_be_bytes(self.array()?),
            _ => return Err(malformed()),
        })
    }

    /// A count of parts, each of at least `size` bytes, believed if there are as many bytes. `None` goes on until a break.
    #[inline]
    fn length(&mut self, low: u8, size: usize) -> Result<Option<usize>, DecodeError> {
        if low == 31 {
            return Ok(None);
        }
        let count = usize::try_from(self.number(low)?).ok();
        count.filter(|count| *count <= self.0.len() / size).map(Some).ok_or_else(cut_short)
    }

    /// A value of kind 7.
    #[inline]
    fn simple(&mut self, low: u8) -> Result<Head, DecodeError> {
        Ok(match low {
            20 => Head::Bool(false),
            21 => Head::Bool(true),
            // Null and undefined.
            22 | 23 => Head::Null,
            // In two bytes: those below 32 are malformed, and there are no others yet.
            24 => return Err(DecodeError::new("a simple value that is not read here")),
            25 => Head::Double(f16::from_be_bytes(self.array()?).into()),
            26 => Head::Single(f32::from_be_bytes(self.array()?)),
            27 => Head::Double(f64::from_be_bytes(self.array()?)),
            31 => return Err(DecodeError::new("a break where a value is expected")),
            28..31 => return Err(malformed()),
            number => return Err(DecodeError::new(format_args!("the simple value {number} is not read here"))),
        })
    }

    /// The byte string that is an integer, big endian.
    fn big_number(&mut self) -> Result<u128, DecodeError> {
        let (2, low) = self.initial()? else {
            return Err(DecodeError::new("a big number is no byte string"));
        };
        let len = self.length(low, 1)?;
        self.bytes(len)?.iter().try_fold(0_u128, |number, byte| {
            let shifted = number.checked_mul(1 << 8).ok_or_else(beyond_128_bits)?;
            Ok(shifted | u128::from(*byte))
        })
    }

    /// The length of the next piece of a string of this kind, which has one; `None` behind the last.
    fn piece(&mut self, kind: u8) -> Result<Option<usize>, DecodeError> {
        if self.take_end() {
            return Ok(None);
        }
        let (found, low) = self.initial()?;
        match (found == kind).then(|| self.length(low, 1)).transpose()?.flatten() {
            Some(len) => Ok(Some(len)),
            None => Err(DecodeError::new("a piece of a string is none")),
        }
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&'de [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline]
    fn take_text(&mut self, len: usize) -> Result<&'de str, DecodeError> {
        std::str::from_utf8(self.take(len)?).map_err(|error| DecodeError::new(format_args!("a text holds {error}")))
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (array, rest) = self.0.split_first_chunk().ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(*array)
    }
}

fn positive(number: u128) -> Head {
    u64::try_from(number).map_or(Head::WideUnsigned(number), Head::Unsigned)
}

/// The number that is `-1 - n`.
#[inline]
fn negative(n: u128) -> Result<Head, DecodeError> {
    let number = -1 - i128::try_from(n).map_err(|_| beyond_128_bits())?;
    Ok(i64::try_from(number).map_or(Head::WideSigned(number), Head::Signed))
}

#[cold]
fn cut_short() -> DecodeError {
    DecodeError::new("the input ends inside of a value")
}

#[cold]
fn malformed() -> DecodeError {
    DecodeError::new("the head of a value is malformed")
}

#[cold]
fn beyond_128_bits() -> DecodeError {
    DecodeError::new("an integer beyond 128 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> Result<Head, String> {
        Cbor::new(bytes).head().map_err(|error| error.to_string())
    }

    #[test]
    fn reads_the_examples_of_the_specification() {
        // RFC 8949, appendix A.
        assert_eq!(head(b"\x17"), Ok(Head::Unsigned(23)));
        assert_eq!(head(b"\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00"), Ok(Head::Unsigned(1_000_000_000_000)));
        assert_eq!(head(b"\xc2\x49\x01\0\0\0\0\0\0\0\0"), Ok(Head::WideUnsigned(1 << 64)));
        assert_eq!(head(b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff"), Ok(Head::WideSigned(-1 - i128::from(u64::MAX))));
        assert_eq!(head(b"\xc3\x49\x01\0\0\0\0\0\0\0\0"), Ok(Head::WideSigned(-1 - (1 << 64))));
        assert_eq!(head(b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"), Ok(Head::Signed(i64::MIN)));
        assert_eq!(head(b"\xc2\x41\x07"), Ok(Head::Unsigned(7)));
        assert_eq!(head(b"\x20"), Ok(Head::Signed(-1)));
        assert_eq!(head(b"\xf9\x3c\x00"), Ok(Head::Double(1.0)));
        assert_eq!(head(b"\xf9\x00\x01"), Ok(Head::Double(5.960_464_477_539_063e-8)));
        assert_eq!(head(b"\xfa\x47\xc3\x50\x00"), Ok(Head::Single(100_000.0)));
        assert_eq!(head(b"\xfb\x7f\xf0\0\0\0\0\0\0"), Ok(Head::Double(f64::INFINITY)));
        assert_eq!(head(b"\xf4"), Ok(Head::Bool(false)));
        assert_eq!(head(b"\xf7"), Ok(Head::Null));
        assert_eq!(head(b"\x5f\xff"), Ok(Head::Bytes(None)));
        assert_eq!(head(b"\x83\x01\x02\x03"), Ok(Head::List(Some(3))));
        assert_eq!(head(b"\xd9\xd9\xf7\xa1\x01\x02"), Ok(Head::Map(Some(1))));
    }

    #[test]
    fn joins_the_pieces_of_strings() {
        let mut input = Cbor::new(b"\x5f\x42\x01\x02\x40\x43\x03\x04\x05\xff\x7f\x65strea\x64ming\xff\x01");
        assert_eq!(input.head(), Ok(Head::Bytes(None)));
        assert_eq!(input.bytes(None).as_deref(), Ok(&[1, 2, 3, 4, 5][..]));
        assert_eq!(input.head(), Ok(Head::Text(None)));
        assert_eq!(input.text(None).as_deref(), Ok("streaming"));
        assert_eq!(input.len(), 1);
        for bad in [&b"\x61a\x41b\xff"[..], b"\x7f\x61a\xff\xff", b"\x61a", b"\x61\xc3\x61\xb6\xff", b"\x61a\x01\xff"] {
            assert!(Cbor::new(bad).text(None).is_err(), "{bad:x?}");
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
        refused(b"\xdf\x01", "the head of a value is malformed");
        refused(b"\xfc", "the head of a value is malformed");
        refused(b"\xc2\x01", "a big number is no byte string");
        refused(b"\xc2\x51\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "an integer beyond 128 bits");
    }
}
