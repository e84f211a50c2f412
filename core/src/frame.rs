//! Frames: what a record carries. `u8 kind | u8 flags | u32 stream | u32 length | payload`, integers big-endian.
//!
//! | kind | payload | flags |
//! |---|---|---|
//! | 1 OPEN | route (`u8 length`, text) · `u32` deadline in ms · `u32` credit · `u8` pairs · pairs (`u8 length`, key, `u16 length`, value) | ONE_WAY |
//! | 2 DATA | a fragment of a message | MORE, END |
//! | 3 CREDIT | `u32` bytes granted beyond those before | |
//! | 4 RESET | `u8` status code · reason (`u16 length`, text) · `u8` pairs · pairs as in OPEN | |
//! | 5 PING, 6 PONG | 8 bytes | |
//! | 7 GO_AWAY | `u32` last stream served | |
//! | 8 CLOSE | `u8` 0 orderly, 1 protocol broken · reason (text to the end) | |
//!
//! Flags: MORE 0x01, END 0x02, ONE_WAY 0x04, IGNORE 0x80. A DATA frame without MORE completes a message, with one exception:
//! empty, with END, and outside a message it is the end of the stream alone.

use crate::connection::{Open, Violation};
use crate::status::{Code, MAX_DETAIL_KEY, MAX_DETAIL_VALUE, MAX_DETAILS, MAX_REASON, Status};
use crate::text::escape;
use crate::wire::{Put, Reader, put_long_text, put_short_text};

/// The length of a frame's header, in bytes.
pub(crate) const HEADER: usize = 10;

/// The longest route, in bytes.
pub(crate) const MAX_ROUTE: usize = 128;
/// The most metadata pairs of an OPEN.
pub(crate) const MAX_PAIRS: usize = 32;
/// The longest metadata key, in bytes.
pub(crate) const MAX_KEY: usize = MAX_DETAIL_KEY;
/// The longest metadata value, in bytes.
pub(crate) const MAX_VALUE: usize = MAX_DETAIL_VALUE;

/// DATA: the message goes on in the next DATA frame of the stream.
pub(crate) const MORE: u8 = 1;
/// DATA: its sender says no more on the stream.
pub(crate) const END: u8 = 2;
/// OPEN: no answer is wanted.
const ONE_WAY: u8 = 4;
/// Any kind: whoever does not know it may skip it.
pub(crate) const IGNORE: u8 = 0x80;

const OPEN: u8 = 1;
const DATA: u8 = 2;
const CREDIT: u8 = 3;
const RESET: u8 = 4;
const PING: u8 = 5;
const PONG: u8 = 6;
const GO_AWAY: u8 = 7;
const CLOSE: u8 = 8;

/// A frame as it was received. Texts are escaped where they end up in a log, checked where they are looked up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    Open { stream: u32, open: Open, credit: u32 },
    Data { stream: u32, more: bool, end: bool, payload: &'a [u8] },
    Credit { stream: u32, bytes: u32 },
    Reset { stream: u32, status: Status },
    Ping([u8; 8]),
    Pong([u8; 8]),
    GoAway { last: u32 },
    Close { orderly: bool, reason: String },
    Ignored,
}

/// Takes the next frame off the front of a record's frames.
pub(crate) fn parse_frame<'a>(frames: &mut &'a [u8]) -> Result<Frame<'a>, Violation> {
    let mut reader = Reader(frames);
    let (kind, flags, stream, payload) = take_parts(&mut reader).ok_or(Violation::FrameLength)?;
    *frames = reader.0;
    let malformed = |name| move || Violation::Malformed(name);
    match kind {
        OPEN => parse_open(stream, flags, payload).ok_or_else(malformed("OPEN")),
        DATA => Ok(Frame::Data { stream, more: flags & MORE != 0, end: flags & END != 0, payload }),
        CREDIT => parse_u32(payload).map(|bytes| Frame::Credit { stream, bytes }).ok_or_else(malformed("CREDIT")),
        RESET => parse_reset(stream, payload).ok_or_else(malformed("RESET")),
        PING => payload.try_into().map(Frame::Ping).map_err(|_| Violation::Malformed("PING")),
        PONG => payload.try_into().map(Frame::Pong).map_err(|_| Violation::Malformed("PONG")),
        GO_AWAY => parse_u32(payload).map(|last| Frame::GoAway { last }).ok_or_else(malformed("GO_AWAY")),
        CLOSE => parse_close(payload).ok_or_else(malformed("CLOSE")),
        _ if flags & IGNORE != 0 => Ok(Frame::Ignored),
        unknown => Err(Violation::FrameKind(unknown)),
    }
}

fn take_parts<'a>(reader: &mut Reader<'a>) -> Option<(u8, u8, u32, &'a [u8])> {
    let (kind, flags, stream, length) = (reader.u8()?, reader.u8()?, reader.u32()?, reader.u32()?);
    let payload = reader.bytes(usize::try_from(length).ok()?)?;
    Some((kind, flags, stream, payload))
}

fn parse_open<'a>(stream: u32, flags: u8, payload: &[u8]) -> Option<Frame<'a>> {
    let mut reader = Reader(payload);
    let route = reader.short_text().filter(|route| is_route(route))?.to_owned();
    let (deadline_ms, credit) = (reader.u32()?, reader.u32()?);
    let metadata = parse_pairs(&mut reader, MAX_PAIRS)?;
    let open = Open { route, deadline_ms, one_way: flags & ONE_WAY != 0, metadata };
    reader.end(Frame::Open { stream, open, credit })
}

fn parse_pairs(reader: &mut Reader<'_>, most: usize) -> Option<Vec<(String, String)>> {
    let count = usize::from(reader.u8()?);
    if count > most {
        return None;
    }
    (0..count).map(|_| parse_pair(reader)).collect()
}

fn parse_pair(reader: &mut Reader<'_>) -> Option<(String, String)> {
    let key = reader.short_text().filter(|key| key.len() <= MAX_KEY)?;
    let value = reader.long_text().filter(|value| value.len() <= MAX_VALUE)?;
    Some((key.to_owned(), value.to_owned()))
}

/// Whether a text may name a route: 1 to [`MAX_ROUTE`] printable characters of ASCII, without blanks.
pub(crate) fn is_route(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ROUTE && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether metadata keeps its limits.
pub(crate) fn is_metadata(pairs: &[(String, String)]) -> bool {
    pairs.len() <= MAX_PAIRS && pairs.iter().all(|(key, value)| key.len() <= MAX_KEY && value.len() <= MAX_VALUE)
}

fn parse_u32(payload: &[u8]) -> Option<u32> {
    payload.try_into().ok().map(u32::from_be_bytes)
}

fn parse_reset<'a>(stream: u32, payload: &[u8]) -> Option<Frame<'a>> {
    let mut reader = Reader(payload);
    let code = Code::from_number(reader.u8()?);
    let reason = reader.long_text().filter(|reason| reason.len() <= MAX_REASON)?;
    let details = parse_pairs(&mut reader, MAX_DETAILS)?;
    reader.end(Frame::Reset { stream, status: Status::new(code, reason).with_details(details) })
}

fn parse_close<'a>(payload: &[u8]) -> Option<Frame<'a>> {
    let (&code, reason) = payload.split_first()?;
    let reason = std::str::from_utf8(reason).ok().filter(|reason| reason.len() <= MAX_REASON)?;
    Some(Frame::Close { orderly: code == 0, reason: escape(reason, MAX_REASON) })
}

/// Appends a header; the payload's `length` bytes are the caller's to append.
fn put_header(out: &mut impl Put, kind: u8, flags: u8, stream: u32, length: usize) {
    let mut header = [0; HEADER];
    header[0] = kind;
    header[1] = flags;
    header[2..6].copy_from_slice(&stream.to_be_bytes());
    header[6..].copy_from_slice(&u32::try_from(length).expect("a payload fits a record").to_be_bytes());
    out.put(&header);
}

fn put_frame(out: &mut impl Put, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    put_header(out, kind, flags, stream, payload.len());
    out.put(payload);
}

/// Appends an OPEN; route and metadata have been checked.
pub(crate) fn put_open(out: &mut Vec<u8>, stream: u32, open: &Open, credit: u32) {
    let mut payload = Vec::with_capacity(10 + open.route.len());
    put_short_text(&mut payload, &open.route);
    payload.extend_from_slice(&open.deadline_ms.to_be_bytes());
    payload.extend_from_slice(&credit.to_be_bytes());
    put_pairs(&mut payload, &open.metadata);
    put_frame(out, OPEN, if open.one_way { ONE_WAY } else { 0 }, stream, &payload);
}

fn put_pairs(out: &mut Vec<u8>, pairs: &[(String, String)]) {
    out.push(u8::try_from(pairs.len()).expect("checked where the pairs came in"));
    for (key, value) in pairs {
        put_short_text(out, key);
        put_long_text(out, value);
    }
}

pub(crate) fn put_data(out: &mut impl Put, stream: u32, flags: u8, payload: &[u8]) {
    put_frame(out, DATA, flags, stream, payload);
}

pub(crate) fn put_credit(out: &mut impl Put, stream: u32, bytes: u32) {
    put_frame(out, CREDIT, 0, stream, &bytes.to_be_bytes());
}

pub(crate) fn put_reset(out: &mut Vec<u8>, stream: u32, status: &Status) {
    let mut payload = Vec::with_capacity(4 + status.reason().len());
    payload.push(status.code().number());
    put_long_text(&mut payload, status.reason());
    put_pairs(&mut payload, status.details());
    put_frame(out, RESET, 0, stream, &payload);
}

pub(crate) fn put_ping(out: &mut Vec<u8>, bytes: [u8; 8]) {
    put_frame(out, PING, 0, 0, &bytes);
}

pub(crate) fn put_pong(out: &mut Vec<u8>, bytes: [u8; 8]) {
    put_frame(out, PONG, 0, 0, &bytes);
}

pub(crate) fn put_go_away(out: &mut Vec<u8>, last: u32) {
    put_frame(out, GO_AWAY, 0, 0, &last.to_be_bytes());
}

/// Appends a CLOSE: orderly without a reason, or for the reason given.
pub(crate) fn put_close(out: &mut impl Put, reason: Option<&str>) {
    let text = reason.unwrap_or_default();
    put_header(out, CLOSE, 0, 0, 1 + text.len());
    out.put(&[u8::from(reason.is_some())]);
    out.put(text.as_bytes());
}

/// The length of the frame at the front of bytes that this side wrote.
pub(crate) fn written_length(frames: &[u8]) -> usize {
    let length = frames[6..HEADER].try_into().map(u32::from_be_bytes).expect("four bytes");
    HEADER + length as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(mut bytes: &[u8]) -> Result<Frame<'_>, Violation> {
        let frame = parse_frame(&mut bytes)?;
        assert!(bytes.is_empty(), "a frame ends where its length says");
        Ok(frame)
    }

    fn written(put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out);
        assert_eq!(written_length(&out), out.len());
        out
    }

    #[test]
    fn what_is_written_is_read() {
        let open = Open {
            route: "records.append".to_owned(),
            deadline_ms: 1500,
            one_way: true,
            metadata: vec![("trace".to_owned(), "7 ö".to_owned())],
        };
        let bytes = written(|out| put_open(out, 3, &open, 99));
        assert_eq!(parse(&bytes), Ok(Frame::Open { stream: 3, open, credit: 99 }));
        let bytes = written(|out| put_data(out, 3, MORE, b"abc"));
        assert_eq!(parse(&bytes), Ok(Frame::Data { stream: 3, more: true, end: false, payload: b"abc" }));
        assert_eq!(parse(&written(|out| put_credit(out, 3, 7))), Ok(Frame::Credit { stream: 3, bytes: 7 }));
        let status = Status::new(Code::NotFound, "no such route").with_detail("route", "a\tb").with_detail("", "");
        assert_eq!(parse(&written(|out| put_reset(out, 3, &status))), Ok(Frame::Reset { stream: 3, status }));
        assert_eq!(parse(&written(|out| put_ping(out, *b"12345678"))), Ok(Frame::Ping(*b"12345678")));
        assert_eq!(parse(&written(|out| put_pong(out, *b"12345678"))), Ok(Frame::Pong(*b"12345678")));
        assert_eq!(parse(&written(|out| put_go_away(out, 5))), Ok(Frame::GoAway { last: 5 }));
        let close = Frame::Close { orderly: true, reason: String::new() };
        assert_eq!(parse(&written(|out| put_close(out, None))), Ok(close));
        let close = Frame::Close { orderly: false, reason: "why".to_owned() };
        assert_eq!(parse(&written(|out| put_close(out, Some("why")))), Ok(close));
    }

    #[test]
    fn a_frame_cut_anywhere_is_refused() {
        let bytes = written(|out| put_reset(out, 3, &Status::new(Code::Internal, "why").with_detail("a", "b")));
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut]), Err(Violation::FrameLength));
        }
    }

    #[test]
    fn the_bytes_of_a_reset() {
        let bytes = written(|out| put_reset(out, 3, &Status::new(Code::NotFound, "no").with_detail("id", "7")));
        assert_eq!(bytes, b"\x04\0\0\0\0\x03\0\0\0\x0c\x05\0\x02no\x01\x02id\0\x017");
    }

    #[test]
    fn the_bounds_of_a_reset_are_checked() {
        let reset = |payload: &[u8]| {
            let bytes = written(|out| put_frame(out, RESET, 0, 1, payload));
            parse(&bytes).map(|_| ())
        };
        let pairs = |count: u8, key: usize, value: u16| {
            let mut payload = vec![5, 0, 0, count];
            for _ in 0..count {
                payload.push(u8::try_from(key).expect("short"));
                payload.resize(payload.len() + key, b'k');
                payload.extend_from_slice(&value.to_be_bytes());
                payload.resize(payload.len() + usize::from(value), b'v');
            }
            payload
        };
        let malformed = Err(Violation::Malformed("RESET"));
        assert_eq!(reset(&pairs(16, 64, 1024)), Ok(()));
        assert_eq!(reset(&pairs(17, 1, 1)), malformed);
        assert_eq!(reset(&pairs(1, 65, 1)), malformed);
        assert_eq!(reset(&pairs(1, 1, 1025)), malformed);
        assert_eq!(reset(&[&[5, 4, 1][..], &[b'r'; 1025], &[0]].concat()), malformed, "a reason of 1,025 bytes");
        assert_eq!(reset(&[5, 0, 0, 0, 0]), malformed, "a byte too many");
        assert_eq!(reset(b"\x05\0\0\x01\x01\xff\0\0"), malformed, "not UTF-8");
    }

    #[test]
    fn an_unknown_kind_passes_only_when_it_may_be_ignored() {
        assert_eq!(parse(&[99, IGNORE, 0, 0, 0, 0, 0, 0, 0, 1, 7]), Ok(Frame::Ignored));
        assert_eq!(parse(&[99, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7]), Err(Violation::FrameKind(99)));
    }

    #[test]
    fn malformed_payloads_are_named() {
        assert_eq!(parse(&[PING, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7]), Err(Violation::Malformed("PING")));
        assert_eq!(parse(&[CREDIT, 0, 0, 0, 0, 1, 0, 0, 0, 0]), Err(Violation::Malformed("CREDIT")));
        assert_eq!(parse(&[RESET, 0, 0, 0, 0, 1, 0, 0, 0, 0]), Err(Violation::Malformed("RESET")));
        assert_eq!(parse(&[CLOSE, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0xff]), Err(Violation::Malformed("CLOSE")));
        for route in ["", "a b", "ä", &"r".repeat(129)] {
            let open = Open { route: route.to_owned(), ..Open::default() };
            let bytes = written(|out| put_open(out, 1, &open, 1));
            assert_eq!(parse(&bytes), Err(Violation::Malformed("OPEN")), "{route:?}");
        }
    }
}
