//! Names of files: what may be one, decided before any of it reaches the file system.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use bulla_core::text::escape;

/// The longest name, in bytes.
pub const MAX_NAME: usize = 1024;

/// The longest segment of a name, in bytes: what common file systems take.
pub const MAX_SEGMENT: usize = 255;

/// The most segments of a name.
pub const MAX_SEGMENTS: usize = 16;

/// The longest part of a name that an error shows, in characters.
const MAX_SHOWN: usize = 80;

/// What Windows keeps for devices, with whatever ending.
const DEVICES: [&str; 7] = ["aux", "clock$", "con", "conin$", "conout$", "nul", "prn"];

/// The name of a file, in UTF-8: segments apart by `/`, all but the last of which are folders.
///
/// ```text
/// name    = segment *15( "/" segment )                          at most 1,024 bytes
/// segment = 1 to 255 bytes, of all characters but
///             control characters       U+0000–001F, U+007F–009F
///             separators and wildcards / \ : * ? " < > |
///             what is not seen         U+061C, U+200B, U+200E, U+200F, U+2028–202E, U+2060–206F, U+FEFF
///           not with a point, a blank or "-" at its beginning, nor a point or a blank at its end,
///           and no device of Windows, whatever its ending:
///             AUX CON NUL PRN CLOCK$ CONIN$ CONOUT$ COM0–COM9 LPT0–LPT9 (¹ ² ³ are digits, too)
/// ```
///
/// So no name is hidden, names `.` or `..`, an absolute path, a drive or a stream, looks like an option to a command that is run over
/// the folder, or means something else on the system to which the folder may be copied. Names that differ are different files: neither
/// case nor Unicode forms are folded here. They are in order segment by segment, each by its bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FileName(String);

/// Why text is not the name of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing at all.
    #[error("the name of a file is empty")]
    Empty,
    /// More than [`MAX_NAME`] bytes.
    #[error("the name of a file has at most {MAX_NAME} bytes, this has {0}")]
    TooLong(usize),
    /// More than [`MAX_SEGMENTS`] segments.
    #[error("the name of a file has at most {MAX_SEGMENTS} segments, this has {0}")]
    TooDeep(usize),
    /// A `/` at the beginning.
    #[error("the name of a file does not begin with /: it is not a path of the server's system")]
    Absolute,
    /// Two `/` in a row, or one at the end.
    #[error("the name of a file has an empty segment")]
    EmptySegment,
    /// More than [`MAX_SEGMENT`] bytes between two `/`.
    #[error("a segment of a file's name has at most {MAX_SEGMENT} bytes, this has {0}")]
    SegmentTooLong(usize),
    /// A segment that begins with a point: `..`, hidden files, and what the server keeps for itself.
    #[error("a segment of a file's name does not begin with a point: {0}")]
    Hidden(String),
    /// A segment with something at its beginning or end that commands or systems take for something else.
    #[error("a segment of a file's name does not begin with a blank or \"-\", nor end with a blank or a point: {0}")]
    Edge(String),
    /// A character that no name has.
    #[error("the name of a file has no {0}")]
    Character(String),
    /// A device of Windows.
    #[error("{0} is the name of a device on some systems, not of a file")]
    Device(String),
}

impl FileName {
    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments: the folders, then the file.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The segments of the folders, and that of the file.
    pub(super) fn split(&self) -> (impl DoubleEndedIterator<Item = &str>, &str) {
        let (folders, file) = self.0.rsplit_once('/').map_or((None, self.0.as_str()), |(a, b)| (Some(a), b));
        (folders.into_iter().flat_map(|folders| folders.split('/')), file)
    }
}

impl FromStr for FileName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.len() {
            0 => return Err(NameError::Empty),
            length if length > MAX_NAME => return Err(NameError::TooLong(length)),
            _ => {}
        }
        if text.starts_with('/') {
            return Err(NameError::Absolute);
        }
        let segments = text.split('/').count();
        if segments > MAX_SEGMENTS {
            return Err(NameError::TooDeep(segments));
        }
        text.split('/').try_for_each(check_segment)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Ord for FileName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.segments().cmp(other.segments())
    }
}

impl PartialOrd for FileName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether a segment is one that a name may have; the one judge of what is a name, in requests and on disk.
pub(super) fn check_segment(segment: &str) -> Result<(), NameError> {
    let shown = || escape(segment, MAX_SHOWN);
    if segment.is_empty() {
        return Err(NameError::EmptySegment);
    }
    if segment.len() > MAX_SEGMENT {
        return Err(NameError::SegmentTooLong(segment.len()));
    }
    if let Some(character) = segment.chars().find(|character| is_refused(*character)) {
        return Err(NameError::Character(describe(character)));
    }
    if segment.starts_with('.') {
        return Err(NameError::Hidden(shown()));
    }
    if segment.starts_with([' ', '-']) || segment.ends_with([' ', '.']) {
        return Err(NameError::Edge(shown()));
    }
    if is_device(segment) {
        return Err(NameError::Device(shown()));
    }
    Ok(())
}

fn is_refused(character: char) -> bool {
    let invisible = matches!(
        character,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    character.is_control() || invisible || matches!(character, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

fn describe(character: char) -> String {
    if character.is_ascii_graphic() {
        return character.to_string();
    }
    format!("character U+{:04X}", u32::from(character))
}

/// Windows takes the part before the first point for the device, blanks at its end aside.
fn is_device(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end_matches(' ').to_ascii_lowercase();
    let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let numbered = port.is_some_and(|number| {
        let mut characters = number.chars();
        let digit = characters.next().is_some_and(|one| one.is_ascii_digit() || matches!(one, '¹' | '²' | '³'));
        digit && characters.next().is_none()
    });
    numbered || DEVICES.contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<FileName, NameError> {
        text.parse()
    }

    #[test]
    fn ordinary_names_are_names() {
        let long = "x".repeat(MAX_SEGMENT);
        let deep = ["a"; MAX_SEGMENTS].join("/");
        for text in [
            "a",
            "report.pdf",
            "a b",
            "reports/2026/Q1 (final).pdf",
            "ö/漢字",
            "console",
            "com10",
            "e\u{301}",
            &long,
            &deep,
        ] {
            assert_eq!(name(text).map(|name| name.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_named() {
        let shown = |text: &str| text.to_owned();
        let long = "x".repeat(MAX_SEGMENT + 1);
        for (text, error) in [
            ("", NameError::Empty),
            ("/etc/passwd", NameError::Absolute),
            ("/", NameError::Absolute),
            ("a//b", NameError::EmptySegment),
            ("a/", NameError::EmptySegment),
            ("..", NameError::Hidden(shown(".."))),
            (".", NameError::Hidden(shown("."))),
            ("a/../b", NameError::Hidden(shown(".."))),
            (".bulla-parts/x", NameError::Hidden(shown(".bulla-parts"))),
            ("-rf", NameError::Edge(shown("-rf"))),
            ("a /b", NameError::Edge(shown("a "))),
            ("a.", NameError::Edge(shown("a."))),
            (" a", NameError::Edge(shown(" a"))),
            ("a\\b", NameError::Character(shown("\\"))),
            ("C:", NameError::Character(shown(":"))),
            ("a\0b", NameError::Character(shown("character U+0000"))),
            ("a\nb", NameError::Character(shown("character U+000A"))),
            ("a\u{202e}b", NameError::Character(shown("character U+202E"))),
            ("nul", NameError::Device(shown("nul"))),
            ("a/COM1.txt", NameError::Device(shown("COM1.txt"))),
            ("Aux .tar.gz", NameError::Device(shown("Aux .tar.gz"))),
            ("lpt²", NameError::Device(shown("lpt²"))),
            (&long, NameError::SegmentTooLong(MAX_SEGMENT + 1)),
            (&["a"; MAX_SEGMENTS + 1].join("/"), NameError::TooDeep(MAX_SEGMENTS + 1)),
            (&"x".repeat(MAX_NAME + 1), NameError::TooLong(MAX_NAME + 1)),
        ] {
            assert_eq!(name(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn names_are_in_order_segment_by_segment() {
        let mut names: Vec<FileName> =
            ["b", "a-b", "a/c", "a.txt", "a/b/c", "B"].map(|text| name(text).unwrap()).into();
        names.sort();
        assert_eq!(names.iter().map(FileName::as_str).collect::<Vec<_>>(), ["B", "a/b/c", "a/c", "a-b", "a.txt", "b"]);
    }

    #[test]
    fn a_name_falls_into_folders_and_file() {
        let parts = |text: &str| {
            let name = name(text).unwrap();
            let (folders, file) = name.split();
            (folders.map(str::to_owned).collect::<Vec<_>>(), file.to_owned())
        };
        assert_eq!(parts("a"), (vec![], "a".to_owned()));
        assert_eq!(parts("a/b/c"), (vec!["a".to_owned(), "b".to_owned()], "c".to_owned()));
    }
}
