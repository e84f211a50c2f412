//! The input, and the head of each value in it: what it is, and how long.

use std::borrow::Cow;

use bulla_codec_reader::{Head, Input};
use bulla_core::codec::DecodeError;
use rmp::Marker;

/// What is left of the input. A copy looks ahead.
#[derive(Clone, Copy)]
pub(crate) struct Msgpack<'de>(&'de [u8]);

impl<'de> Input<'de> for Msgpack<'de> {
    #[inline]
    fn head(&mut self) -> Result<Head, DecodeError> {
        let [first] = self.array()?;
        Ok(match Marker::from_u8(first) {
            Marker::Null => Head::Null,
            Marker::False => Head::Bool(false),
            Marker::True => Head::Bool(true),
            Marker::FixPos(number) => Head::Unsigned(number.into()),
            Marker::U8 => Head::Unsigned(u8::from_be_bytes(self.array()?).into()),
            Marker::U16 => Head::Unsigned(u16::from_be_bytes(self.array()?).into()),
            Marker::U32 => Head::Unsigned(u32::from_be_bytes(self.array()?).into()),
            Marker::U64 => Head::Unsigned(u64::from_be_bytes(self.array()?)),
            Marker::FixNeg(number) => Head::Signed(number.into()),
            Marker::I8 => Head::Signed(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => Head::Signed(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => Head::Signed(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => Head::Signed(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Head::Single(f32::from_be_bytes(self.array()?)),
            Marker::F64 => Head::Double(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(len) => Head::Text(self.believe(len, 1)?),
            Marker::Str8 => Head::Text(self.length::<1>(1)?),
            Marker::Str16 => Head::Text(self.length::<2>(1)?),
            Marker::Str32 => Head::Text(self.length::<4>(1)?),
            Marker::Bin8 => Head::Bytes(self.length::<1>(1)?),
            Marker::Bin16 => Head::Bytes(self.length::<2>(1)?),
            Marker::Bin32 => Head::Bytes(self.length::<4>(1)?),
            Marker::FixArray(len) => Head::List(self.believe(len, 1)?),
            Marker::Array16 => Head::List(self.length::<2>(1)?),
            Marker::Array32 => Head::List(self.length::<4>(1)?),
            Marker::FixMap(len) => Head::Map(self.believe(len, 2)?),
            Marker::Map16 => Head::Map(self.length::<2>(2)?),
            Marker::Map32 => Head::Map(self.length::<4>(2)?),
            Marker::FixExt1 | Marker::FixExt2 | Marker::FixExt4 | Marker::FixExt8 | Marker::FixExt16 => {
                return Err(self.refused_extension::<0>());
            }
            Marker::Ext8 => return Err(self.refused_extension::<1>()),
            Marker::Ext16 => return Err(self.refused_extension::<2>()),
            Marker::Ext32 => return Err(self.refused_extension::<4>()),
            Marker::Reserved => return Err(DecodeError::new("the byte 0xc1 begins no value")),
        })
    }

    #[inline]
    fn text(&mut self, len: Option<usize>) -> Result<Cow<'de, str>, DecodeError> {
        let text = std::str::from_utf8(self.take(len)?);
        text.map(Cow::Borrowed).map_err(|error| DecodeError::new(format_args!("a text holds {error}")))
    }

    #[inline]
    fn bytes(&mut self, len: Option<usize>) -> Result<Cow<'de, [u8]>, DecodeError> {
        self.take(len).map(Cow::Borrowed)
    }

    /// Lists and maps have a length.
    fn take_end(&mut self) -> bool {
        true
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'de> Msgpack<'de> {
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Self(bytes)
    }

    /// The next bytes. There is always a length.
    #[inline]
    fn take(&mut self, len: Option<usize>) -> Result<&'de [u8], DecodeError> {
        let (taken, rest) = len.and_then(|len| self.0.split_at_checked(len)).ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A length of `N` bytes, big endian.
    #[inline]
    fn length<const N: usize>(&mut self, size: usize) -> Result<Option<usize>, DecodeError> {
        let bytes = self.array::<N>()?;
        self.believe(bytes.into_iter().fold(0, |len, byte| len << 8 | u32::from(byte)), size)
    }

    /// Believes a count of parts, each of at least `size` bytes, if there are as many bytes.
    #[inline]
    fn believe(self, count: impl Into<u32>, size: usize) -> Result<Option<usize>, DecodeError> {
        let count = usize::try_from(count.into()).ok();
        count.filter(|count| *count <= self.0.len() / size).map(Some).ok_or_else(cut_short)
    }

    /// Why an extension is refused, whose length has `N` bytes.
    fn refused_extension<const N: usize>(&mut self) -> DecodeError {
        match self.array::<N>().and_then(|_| self.array()) {
            Ok(kind) => {
                DecodeError::new(format_args!("the extension type {} is not read here", i8::from_be_bytes(kind)))
            }
            Err(error) => error,
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (array, rest) = self.0.split_first_chunk().ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(*array)
    }
}

#[cold]
fn cut_short() -> DecodeError {
    DecodeError::new("the input ends inside of a value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> Result<Head, String> {
        Msgpack::new(bytes).head().map_err(|error| error.to_string())
    }

    #[test]
    fn reads_the_heads_of_the_specification() {
        assert_eq!(head(b"\xc0"), Ok(Head::Null));
        assert_eq!(head(b"\xc2"), Ok(Head::Bool(false)));
        assert_eq!(head(b"\xc3"), Ok(Head::Bool(true)));
        assert_eq!(head(b"\x7f"), Ok(Head::Unsigned(127)));
        assert_eq!(head(b"\xe0"), Ok(Head::Signed(-32)));
        assert_eq!(head(b"\xcd\x01\x02"), Ok(Head::Unsigned(258)));
        assert_eq!(head(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), Ok(Head::Unsigned(u64::MAX)));
        assert_eq!(head(b"\xd3\x80\0\0\0\0\0\0\0"), Ok(Head::Signed(i64::MIN)));
        assert_eq!(head(b"\xca\x3f\xc0\0\0"), Ok(Head::Single(1.5)));
        assert_eq!(head(b"\xcb\x3f\xf8\0\0\0\0\0\0"), Ok(Head::Double(1.5)));
        assert_eq!(head(b"\xa2ab"), Ok(Head::Text(Some(2))));
        assert_eq!(head(b"\xdb\0\0\0\x01a"), Ok(Head::Text(Some(1))));
        assert_eq!(head(b"\xc5\0\x01\xff"), Ok(Head::Bytes(Some(1))));
        assert_eq!(head(b"\xdc\0\x02\xc0\xc0"), Ok(Head::List(Some(2))));
        assert_eq!(head(b"\x81\xc0\xc0"), Ok(Head::Map(Some(1))));
    }

    #[test]
    #[inline]
    fn believes_no_length_beyond_the_input() {
        for bytes in [
            &b"\xa1"[..],
            b"\xd9\x02a",
            b"\xdb\xff\xff\xff\xffa",
            b"\xc6\xff\xff\xff\xff",
            b"\x92\xc0",
            b"\xdd\xff\xff\xff\xff\xc0",
            b"\x82\xc0\xc0\xc0",
            b"\xdf\x80\0\0\x01\xc0\xc0",
            b"\xcd\x01",
            b"",
        ] {
            assert_eq!(head(bytes), Err("the input ends inside of a value".into()), "{bytes:x?}");
        }
    }

    #[test]
    fn names_what_it_refuses() {
        let refused = |kind: i8| Err(format!("the extension type {kind} is not read here"));
        assert_eq!(head(b"\xd6\xff\0\0\0\0"), refused(-1));
        assert_eq!(head(b"\xc7\x0c\xff"), refused(-1));
        assert_eq!(head(b"\xc9\xff\xff\xff\xff\x07"), refused(7));
        assert_eq!(head(b"\xc1"), Err("the byte 0xc1 begins no value".into()));
    }
}
