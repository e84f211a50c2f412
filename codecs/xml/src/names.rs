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

/// Whether `text` can name an element that we write: a name by every edition of XML 1.0, without a colon (namespaces give it a
/// meaning), and none of those that begin with `xml` (the recommendation reserves them).
pub(crate) fn is_plain_name(text: &str) -> bool {
    let mut chars = text.chars();
    let reserved = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"));
    !reserved && chars.next().is_some_and(is_plain_name_start) && chars.all(is_plain_name_char)
}

/// Letters of common scripts that the first four editions allow as well: many parsers, such as expat, are of those.
const fn is_plain_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z'
        // Latin
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{131}' | '\u{134}'..='\u{13E}' | '\u{141}'..='\u{148}'
        | '\u{14A}'..='\u{17E}' | '\u{1E00}'..='\u{1E9B}' | '\u{1EA0}'..='\u{1EF9}'
        // Greek, Cyrillic, Hebrew, Arabic
        | '\u{388}'..='\u{38A}' | '\u{38C}' | '\u{38E}'..='\u{3A1}' | '\u{3A3}'..='\u{3CE}'
        | '\u{401}'..='\u{40C}' | '\u{40E}'..='\u{44F}' | '\u{451}'..='\u{45C}' | '\u{45E}'..='\u{481}'
        | '\u{5D0}'..='\u{5EA}' | '\u{621}'..='\u{63A}' | '\u{641}'..='\u{64A}'
        // Kana, Han, Hangul
        | '\u{3041}'..='\u{3094}' | '\u{30A1}'..='\u{30FA}' | '\u{4E00}'..='\u{9FA5}' | '\u{AC00}'..='\u{D7A3}')
}

const fn is_plain_name_char(c: char) -> bool {
    is_plain_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{30FC}'..='\u{30FE}')
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
        for good in ["Größe", "ключ", "日本語", "データ", "이름", "שם", "اسم", "tên"] {
            assert!(is_plain_name(good), "{good:?}");
        }
        for bad in ["👧", "a\u{200D}b", "e\u{301}", "ー", "\u{3400}", "ᚠ"] {
            assert!(!is_plain_name(bad), "{bad:?}");
        }
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
