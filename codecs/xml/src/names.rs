//! Which characters and names XML 1.0 (fifth edition) allows.

/// Production \[2\] `Char`: what a document may hold at all, also as a character reference.
pub(crate) const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Production \[3\] `S`, one byte of it.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// `text` without the white space around it.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// `text` without the white space before it.
pub(crate) fn trim_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// Whether `text` is white space, or nothing.
pub(crate) fn is_blank(text: &str) -> bool {
    text.bytes().all(is_space)
}

/// Whether there is white space before or after `text`, which a reader may drop.
pub(crate) fn has_outer_space(text: &str) -> bool {
    trim(text).len() < text.len()
}

/// Production \[5\] `Name`.
pub(crate) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// Whether `text` can name an element that we write: a `Name` without a colon (namespaces give it a meaning), and none of those
/// that begin with `xml` (the recommendation reserves them).
pub(crate) fn is_plain_name(text: &str) -> bool {
    let reserved = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"));
    !reserved && is_name(text) && !text.contains(':')
}

/// The first character of `text` that no document may hold, and where it is.
pub(crate) fn find_forbidden(text: &str) -> Option<(usize, char)> {
    // Only these bytes begin a forbidden character: the controls, and U+FFFE with U+FFFF.
    let suspicious = |byte: u8| byte < b' ' && !is_space(byte) || byte == 0xEF;
    if !text.bytes().any(suspicious) {
        return None;
    }
    text.char_indices().find(|(_, c)| !is_char(*c))
}

/// Production \[4\] `NameStartChar`.
const fn is_name_start(c: char) -> bool {
    matches!(c,
        ':' | 'A'..='Z' | '_' | 'a'..='z'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// Production \[4a\] `NameChar`.
const fn is_name_char(c: char) -> bool {
    is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_recommendation() {
        for good in ["a", "_", ":", "a:b", "Ünï", "x-1.2", "名", "a\u{B7}", "\u{10000}", "\u{EFFFF}"] {
            assert!(is_name(good), "{good:?}");
        }
        for bad in ["", "1", "-a", ".a", "a b", "a\u{D7}", "\u{B7}", "\u{F0000}", "a/b", "\u{300}"] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn plain_names_avoid_colons_and_the_reserved_ones() {
        assert!(is_plain_name("first_name") && is_plain_name("xm") && is_plain_name("axml"));
        for bad in ["a:b", "xml", "XmL-thing", "xmlns", "", "@id"] {
            assert!(!is_plain_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn finds_what_no_document_may_hold() {
        assert_eq!(find_forbidden("tab\t line\n return\r \u{7F} \u{85} \u{FEFF} \u{FFFD} \u{10FFFF}"), None);
        assert_eq!(find_forbidden("a\0"), Some((1, '\0')));
        assert_eq!(find_forbidden("ä\u{1F}"), Some((2, '\u{1F}')));
        assert_eq!(find_forbidden("\u{FFFE}"), Some((0, '\u{FFFE}')));
        assert_eq!(find_forbidden("\u{FEFF}\u{FFFF}"), Some((3, '\u{FFFF}')));
    }
}
