//! Reading a line without trusting its length.

use std::io::{self, BufRead, Read};

/// What the next line is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// There is none.
    End,
    /// Its bytes, without the line's end.
    Bytes(Vec<u8>),
    /// It is longer than allowed; it was skipped.
    TooLong,
}

/// Reads a line of at most `longest` bytes.
pub(crate) fn read_line(input: &mut dyn BufRead, longest: usize) -> io::Result<Line> {
    let mut line = Vec::new();
    let room = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(2);
    let read = input.take(room).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(Line::End);
    }
    let ended = line.last() == Some(&b'\n');
    if ended {
        line.pop();
        line.pop_if(|last| *last == b'\r');
    }
    if line.len() <= longest {
        return Ok(Line::Bytes(line));
    }
    if !ended {
        input.skip_until(b'\n')?;
    }
    Ok(Line::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_they_like_and_long_ones_are_skipped() {
        let mut input: &[u8] = b"one\r\n\nfour!\n12345\nlast";
        let mut next = || read_line(&mut input, 4).unwrap();
        assert_eq!(next(), Line::Bytes(b"one".to_vec()));
        assert_eq!(next(), Line::Bytes(Vec::new()));
        assert_eq!(next(), Line::TooLong);
        assert_eq!(next(), Line::TooLong);
        assert_eq!(next(), Line::Bytes(b"last".to_vec()));
        assert_eq!(next(), Line::End);
    }
}
