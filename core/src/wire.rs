//! Reading and writing fields: big-endian integers and counted texts, from bytes that nobody vouches for.

use crate::record::Frames;

/// Takes fields off the front of a slice; every method gives `None` when too little is left.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A text behind a one-byte length.
    pub(crate) fn short_text(&mut self) -> Option<&'a str> {
        let count = self.u8()?;
        std::str::from_utf8(self.bytes(usize::from(count))?).ok()
    }

    /// A text behind a two-byte length.
    pub(crate) fn long_text(&mut self) -> Option<&'a str> {
        let count = self.u16()?;
        std::str::from_utf8(self.bytes(usize::from(count))?).ok()
    }

    /// `value`, if nothing is left.
    pub(crate) fn end<T>(self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

/// Where bytes are appended: a buffer, or a record in the making.
pub(crate) trait Put {
    /// Appends bytes; the caller has seen to it that there is room.
    fn put(&mut self, bytes: &[u8]);
}

impl Put for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Put for Frames<'_> {
    fn put(&mut self, bytes: &[u8]) {
        Frames::put(self, bytes).expect("the caller has asked for the room");
    }
}

/// Appends a text behind a one-byte length; the caller has checked that it fits.
pub(crate) fn put_short_text(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).expect("checked where the text came in"));
    out.extend_from_slice(text.as_bytes());
}

/// Appends a text behind a two-byte length; the caller has checked that it fits.
pub(crate) fn put_long_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&u16::try_from(text.len()).expect("checked where the text came in").to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}
