//! Text from a peer, made safe for a log or a terminal.

use std::fmt::{Display, Write};

/// Writes `text` with control characters, line ends, bidirectional overrides and other invisible characters escaped, and cut to
/// at most `max_chars` characters (`…` marks the cut).
#[must_use]
pub fn escape(text: &(impl Display + ?Sized), max_chars: usize) -> String {
    let mut sink = Sink { out: String::new(), left: max_chars };
    // An error only says that the sink is full.
    let _ = write!(sink, "{text}");
    sink.out
}

struct Sink {
    out: String,
    left: usize,
}

impl Sink {
    fn push(&mut self, piece: impl Iterator<Item = char>) -> std::fmt::Result {
        for character in piece {
            if self.left == 0 {
                self.out.pop();
                self.out.push('…');
                return Err(std::fmt::Error);
            }
            self.out.push(character);
            self.left -= 1;
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write_str(&mut self, piece: &str) -> std::fmt::Result {
        for character in piece.chars() {
            // Printable characters, the quotes and the backslash pass: the text is read by people, not parsed again.
            match character {
                '"' | '\'' | '\\' => self.push(std::iter::once(character))?,
                _ => self.push(character.escape_debug())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_plain_text_and_escapes_what_could_steer_a_terminal() {
        assert_eq!(escape("Ada \"L\" ö 漢 \\", 200), "Ada \"L\" ö 漢 \\");
        assert_eq!(escape("a\x1b[31m\r\nb\u{202e}c\u{7f}", 200), "a\\u{1b}[31m\\r\\nb\\u{202e}c\\u{7f}");
    }

    #[test]
    fn cuts_long_text() {
        assert_eq!(escape("abcde", 4), "abc…");
        assert_eq!(escape("abcd", 4), "abcd");
        assert_eq!(escape(&"x".repeat(1000), 200).chars().count(), 200);
    }
}
