//! Documents against the recommendation: XML 1.0, fifth edition. Each that must be refused breaks one rule, named here by its
//! production, or by its well-formedness constraint (WFC), or by our own stricter rule (ours).

mod common;

use serde::de::IgnoredAny;

use crate::common::decode;

const REFUSED: &[(&str, &[u8])] = &[
    // Documents
    ("[1] document: one root is required", b""),
    ("[1] document: one root is required", b" \n"),
    ("[1] document: one root is required", b"<?xml version='1.0'?>"),
    ("[1] document: one root is required", b"<!-- only -->"),
    ("[1] document: one root is required", b"text"),
    ("[1] document: one root only", b"<a/><b/>"),
    ("[1] document: one root only", b"<a></a><a></a>"),
    ("[22] prolog: no text before the root", b"text<a/>"),
    ("[22] prolog: no reference before the root", b"&#32;<a/>"),
    ("[22] prolog: no CDATA before the root", b"<![CDATA[ ]]><a/>"),
    ("[27] Misc: no text behind the root", b"<a/>text"),
    ("[27] Misc: no reference behind the root", b"<a/>&#32;"),
    ("[27] Misc: no CDATA behind the root", b"<a/><![CDATA[]]>"),
    ("[27] Misc: no end tag behind the root", b"<a/></a>"),
    ("[27] Misc: no zero byte behind the root", b"<a/>\0"),
    // Characters
    ("[2] Char: U+0000", b"<a>\0</a>"),
    ("[2] Char: U+0001", b"<a>\x01</a>"),
    ("[2] Char: U+0008", b"<a>\x08</a>"),
    ("[2] Char: U+000B", b"<a>\x0B</a>"),
    ("[2] Char: U+000C between attributes", b"<a\x0Cb='1'/>"),
    ("[2] Char: U+001F in an attribute", b"<a b='\x1F'/>"),
    ("[2] Char: U+FFFE", "<a>\u{FFFE}</a>".as_bytes()),
    ("[2] Char: U+FFFF in a comment", "<a><!--\u{FFFF}--></a>".as_bytes()),
    ("[2] Char: U+001B in CDATA", b"<a><![CDATA[\x1B]]></a>"),
    ("[2] Char: U+0002 in a processing instruction", b"<a><?p \x02?></a>"),
    ("[2] Char: a surrogate", b"<a>\xED\xA0\x80</a>"),
    ("[2] Char: beyond U+10FFFF", b"<a>\xF4\x90\x80\x80</a>"),
    // Names
    ("[4] NameStartChar: a digit", b"<1a/>"),
    ("[4] NameStartChar: a hyphen", b"<-a/>"),
    ("[4] NameStartChar: a full stop", b"<.a/>"),
    ("[4] NameStartChar: U+00B7", "<\u{B7}/>".as_bytes()),
    ("[4] NameStartChar: U+00D7", "<\u{D7}/>".as_bytes()),
    ("[4] NameStartChar: a combining mark", "<\u{301}a/>".as_bytes()),
    ("[4] NameStartChar: U+F0000", "<\u{F0000}/>".as_bytes()),
    ("[4] NameStartChar: of an attribute", b"<a 1='x'/>"),
    ("[4a] NameChar: in an element", b"<a$b/>"),
    ("[4a] NameChar: in an attribute", b"<a b!='x'/>"),
    ("[4a] NameChar: U+037E", "<a\u{37E}/>".as_bytes()),
    ("[4a] NameChar: U+2000", "<a\u{2000}/>".as_bytes()),
    ("[5] Name: empty", b"<>x</>"),
    ("[5] Name: white space before it", b"< a/>"),
    // Attribute values
    ("[10] AttValue: no quotes", b"<a b=c/>"),
    ("[10] AttValue: no closing quote", b"<a b='c/>"),
    ("[10] AttValue: other closing quote", b"<a b='c\"/>"),
    ("[10] AttValue: <", b"<a b='<'/>"),
    ("[10] AttValue: < in double quotes", b"<a b=\"x<y\"/>"),
    ("[10] AttValue: a lone &", b"<a b='&'/>"),
    ("[10] AttValue: & without semicolon", b"<a b='&amp'/>"),
    ("[10] AttValue: missing", b"<a b/>"),
    ("[10] AttValue: missing behind the sign", b"<a b=/>"),
    ("[25] Eq: no sign", b"<a b 'c'/>"),
    ("[25] Eq: twice", b"<a b=='c'/>"),
    // Character data
    ("[14] CharData: ]]>", b"<a>]]></a>"),
    ("[14] CharData: ]]> in a longer text", b"<a>x]]>y</a>"),
    ("[14] CharData: ]]]>", b"<a>]]]></a>"),
    ("[14] CharData: a lone &", b"<a>&</a>"),
    ("[14] CharData: & before a blank", b"<a>a & b</a>"),
    ("[14] CharData: <", b"<a>1 < 2</a>"),
    // Comments
    ("[15] Comment: two hyphens", b"<a><!-- x -- y --></a>"),
    ("[15] Comment: three hyphens at the end", b"<a><!-- x ---></a>"),
    ("[15] Comment: nothing but hyphens", b"<a><!-----></a>"),
    ("[15] Comment: too short", b"<a><!--></a>"),
    ("[15] Comment: too short by one", b"<a><!---></a>"),
    ("[15] Comment: unterminated", b"<a><!-- </a>"),
    ("[15] Comment: unterminated behind the root", b"<a/><!-- "),
    ("[15] Comment: one hyphen to open", b"<a><!- x --></a>"),
    ("[15] Comment: in a tag", b"<a <!-- x --> />"),
    ("[15] Comment: two hyphens in the prolog", b"<!-- -- --><a/>"),
    // Processing instructions
    ("[16] PI: unterminated", b"<a><?p </a>"),
    ("[16] PI: closed like a tag", b"<a><?p x></a>"),
    ("[16] PI: no target", b"<a><? ?></a>"),
    ("[16] PI: no target at all", b"<a><??></a>"),
    ("[16] PI: white space before the target", b"<a><? p?></a>"),
    ("[17] PITarget: xml", b"<a><?xml x?></a>"),
    ("[17] PITarget: XML", b"<?XML version='1.0'?><a/>"),
    ("[17] PITarget: xMl", b"<a/><?xMl?>"),
    ("[17] PITarget: no Name", b"<a><?1p?></a>"),
    ("[17] PITarget: a quote in the name", b"<a><?p\"x\"?></a>"),
    // CDATA
    ("[18] CDSect: unterminated", b"<a><![CDATA[x</a>"),
    ("[18] CDSect: half terminated", b"<a><![CDATA[x]]</a>"),
    ("[19] CDStart: lower case", b"<a><![cdata[x]]></a>"),
    ("[19] CDStart: white space", b"<a><![ CDATA[x]]></a>"),
    ("[19] CDStart: no second bracket", b"<a><![CDATA x]]></a>"),
    ("[20] CData: nested", b"<a><![CDATA[<![CDATA[]]>]]></a>"),
    // XML declaration
    ("[23] XMLDecl: not at the start", b" <?xml version='1.0'?><a/>"),
    ("[23] XMLDecl: behind a comment", b"<!-- --><?xml version='1.0'?><a/>"),
    ("[23] XMLDecl: in the root", b"<a><?xml version='1.0'?></a>"),
    ("[23] XMLDecl: behind the root", b"<a/><?xml version='1.0'?>"),
    ("[23] XMLDecl: twice", b"<?xml version='1.0'?><?xml version='1.0'?><a/>"),
    ("[23] XMLDecl: empty", b"<?xml?><a/>"),
    ("[23] XMLDecl: no version", b"<?xml encoding='UTF-8'?><a/>"),
    ("[23] XMLDecl: encoding first", b"<?xml encoding='UTF-8' version='1.0'?><a/>"),
    ("[23] XMLDecl: standalone before encoding", b"<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>"),
    ("[23] XMLDecl: unknown attribute", b"<?xml version='1.0' lang='en'?><a/>"),
    ("[23] XMLDecl: version twice", b"<?xml version='1.0' version='1.0'?><a/>"),
    ("[23] XMLDecl: no white space", b"<?xml version='1.0'encoding='UTF-8'?><a/>"),
    ("[23] XMLDecl: closed like a tag", b"<?xml version='1.0'><a/>"),
    ("[24] VersionInfo: upper case", b"<?xml VERSION='1.0'?><a/>"),
    ("[24] VersionInfo: no quotes", b"<?xml version=1.0?><a/>"),
    ("[24] VersionInfo: unequal quotes", b"<?xml version='1.0\"?><a/>"),
    ("[26] VersionNum: 2.0", b"<?xml version='2.0'?><a/>"),
    ("[26] VersionNum: 1.", b"<?xml version='1.'?><a/>"),
    ("[26] VersionNum: 1.0a", b"<?xml version='1.0a'?><a/>"),
    ("[26] VersionNum: a blank", b"<?xml version='1.0 '?><a/>"),
    ("[32] SDDecl: neither yes nor no", b"<?xml version='1.0' standalone='maybe'?><a/>"),
    ("[32] SDDecl: upper case", b"<?xml version='1.0' standalone='YES'?><a/>"),
    ("[80] EncodingDecl: empty", b"<?xml version='1.0' encoding=''?><a/>"),
    ("[81] EncName: begins with a digit", b"<?xml version='1.0' encoding='8UTF'?><a/>"),
    ("ours: encoding ISO-8859-1", b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>"),
    ("ours: encoding UTF-16, declared", b"<?xml version='1.0' encoding='UTF-16'?><a/>"),
    ("ours: encoding UTF-16, big end first", b"\xFE\xFF\0<\0a\0/\0>"),
    ("ours: encoding UTF-16, little end first", b"\xFF\xFE<\0a\0/\0>\0"),
    ("ours: encoding UTF-16 without mark", b"<\0a\0/\0>\0"),
    ("4.3.3: not UTF-8", b"<a>\xFF</a>"),
    ("4.3.3: not UTF-8, overlong", b"<a>\xC0\x80</a>"),
    ("4.3.3: Latin-1 taken for UTF-8", b"<a>\xE4</a>"),
    ("4.3.3: two byte order marks", b"\xEF\xBB\xBF\xEF\xBB\xBF<a/>"),
    // Document types
    ("ours: document type", b"<!DOCTYPE a><a/>"),
    ("ours: document type with a subset", b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"),
    ("ours: document type with a system identifier", b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"),
    ("[28] doctypedecl: lower case", b"<!doctype a><a/>"),
    ("[28] doctypedecl: behind the root", b"<a/><!DOCTYPE a>"),
    ("[28] doctypedecl: in the root", b"<a><!DOCTYPE a></a>"),
    ("[28] doctypedecl: unterminated", b"<!DOCTYPE a [<a/>"),
    ("[45] elementdecl: outside a document type", b"<!ELEMENT a ANY><a/>"),
    ("[71] GEDecl: outside a document type", b"<!ENTITY x 'y'><a/>"),
    // Elements
    ("[39] element: no end tag", b"<a>"),
    ("[39] element: no end tag of the root", b"<a><b></b>"),
    ("[39] element: no end tag of a child", b"<a><b></a>"),
    ("WFC Element Type Match: other name", b"<a></b>"),
    ("WFC Element Type Match: other case", b"<a></A>"),
    ("WFC Element Type Match: other prefix", b"<a:b></b>"),
    ("WFC Element Type Match: overlapping", b"<a><b></a></b>"),
    ("[39] element: an end tag alone", b"</a>"),
    ("[40] STag: unterminated", b"<a"),
    ("[40] STag: unterminated behind a name", b"<a b='c'"),
    ("[40] STag: no white space between attributes", b"<a b='1'c='2'/>"),
    ("[40] STag: no white space before the first attribute", b"<a'b'/>"),
    ("[40] STag: a comma between attributes", b"<a b='1', c='2'/>"),
    ("[40] STag: a tag in a tag", b"<a <b/> />"),
    ("WFC Unique Att Spec: twice", b"<a b='1' b='2'/>"),
    ("WFC Unique Att Spec: twice, apart", b"<a b='1' c='2' b='1'></a>"),
    ("WFC Unique Att Spec: a declaration twice", b"<a xmlns:p='x' xmlns:p='y'/>"),
    ("[42] ETag: attributes", b"<a></a b='c'>"),
    ("[42] ETag: white space before the name", b"<a></ a>"),
    ("[42] ETag: white space before the solidus", b"<a>< /a>"),
    ("[42] ETag: unterminated", b"<a></a"),
    ("[42] ETag: empty", b"<a></>"),
    ("[42] ETag: closed like an empty tag", b"<a></a/>"),
    ("[44] EmptyElemTag: white space behind the solidus", b"<a/ >"),
    ("[44] EmptyElemTag: two solidi", b"<a//>"),
    ("[44] EmptyElemTag: solidus before an attribute", b"<a/ b='c'>"),
    ("[44] EmptyElemTag: a lone <", b"<"),
    ("[44] EmptyElemTag: a lone < behind the root", b"<a/><"),
    // References
    ("[66] CharRef: no digits", b"<a>&#;</a>"),
    ("[66] CharRef: no hex digits", b"<a>&#x;</a>"),
    ("[66] CharRef: upper case X", b"<a>&#X41;</a>"),
    ("[66] CharRef: hex digits without x", b"<a>&#4A;</a>"),
    ("[66] CharRef: a sign", b"<a>&#+65;</a>"),
    ("[66] CharRef: a blank", b"<a>&# 65;</a>"),
    ("[66] CharRef: no semicolon", b"<a>&#65</a>"),
    ("WFC Legal Character: U+0000", b"<a>&#0;</a>"),
    ("WFC Legal Character: U+0001", b"<a>&#x1;</a>"),
    ("WFC Legal Character: U+FFFE", b"<a>&#xFFFE;</a>"),
    ("WFC Legal Character: a surrogate", b"<a>&#xD800;</a>"),
    ("WFC Legal Character: beyond U+10FFFF", b"<a>&#x110000;</a>"),
    ("WFC Legal Character: beyond 32 bits", b"<a>&#4294967361;</a>"),
    ("WFC Legal Character: in an attribute", b"<a b='&#0;'/>"),
    ("[68] EntityRef: empty", b"<a>&;</a>"),
    ("[68] EntityRef: no name", b"<a>&1;</a>"),
    ("[68] EntityRef: white space", b"<a>& amp;</a>"),
    ("[68] EntityRef: no semicolon", b"<a>&amp</a>"),
    ("[68] EntityRef: broken by markup", b"<a>&am<b/>p;</a>"),
    ("WFC Entity Declared: nbsp", b"<a>&nbsp;</a>"),
    ("WFC Entity Declared: upper case", b"<a>&AMP;</a>"),
    ("WFC Entity Declared: in an attribute", b"<a b='&x;'/>"),
    ("[69] PEReference: reads as text only", b"%x;<a/>"),
    // Conditional sections
    ("[62] includeSect: outside a document type", b"<a><![INCLUDE[x]]></a>"),
    ("[43] content: unknown markup", b"<a><!x></a>"),
];

const ACCEPTED: &[(&str, &[u8])] = &[
    ("[1] document: an empty root", b"<a/>"),
    ("[1] document: an empty root with white space", b"<a />"),
    ("[1] document: start and end tag", b"<a></a>"),
    ("[22] prolog: white space", b" \t\r\n<a/>"),
    ("[22] prolog: comments and instructions", b"<!-- x --><?p?> <!-- y --><a/>"),
    ("[27] Misc: behind the root", b"<a/> <!-- x --> <?p x?>\n"),
    ("[2] Char: tab, line feed, return", b"<a>\t\n\r</a>"),
    ("[2] Char: the controls from U+007F to U+009F", "<a>\u{7F}\u{80}\u{85}\u{9F}</a>".as_bytes()),
    ("[2] Char: the ends of the planes", "<a>\u{D7FF}\u{E000}\u{FFFD}\u{10000}\u{10FFFF}</a>".as_bytes()),
    ("[2] Char: a mark for the byte order in text", "<a>\u{FEFF}</a>".as_bytes()),
    ("[4] NameStartChar: underscore and colon", b"<_/>"),
    ("[4] NameStartChar: a colon", b"<:/>"),
    ("[4] NameStartChar: fifth edition", "<\u{C0}\u{370}\u{2070}\u{3001}\u{10000}/>".as_bytes()),
    ("[4] NameStartChar: another script", "<名前>x</名前>".as_bytes()),
    ("[4a] NameChar: digits, hyphen, full stop", b"<a1-2.3/>"),
    ("[4a] NameChar: U+00B7 and combining marks", "<a\u{B7}\u{301}\u{203F}/>".as_bytes()),
    ("[10] AttValue: single and double quotes", b"<a b='\"' c=\"'\"/>"),
    ("[10] AttValue: empty", b"<a b=''/>"),
    ("[10] AttValue: > and ]]>", b"<a b='>' c=']]>'/>"),
    ("[10] AttValue: references", b"<a b='&lt;&#38;&#x26;&quot;&apos;&gt;'/>"),
    ("[10] AttValue: line ends", b"<a b='\n\r\t'/>"),
    ("[14] CharData: > and ]]", b"<a>> ]] ]&gt; ]]&gt;</a>"),
    ("[14] CharData: quotes", b"<a>\"'</a>"),
    ("[15] Comment: empty", b"<a><!----></a>"),
    ("[15] Comment: single hyphens", b"<a><!-- - - x- y --></a>"),
    ("[15] Comment: markup", b"<a><!-- <b> & ]]> <? ?> --></a>"),
    ("[16] PI: without data", b"<a><?p?></a>"),
    ("[16] PI: any data", b"<a><?p <x> ? > & -- ?></a>"),
    ("[17] PITarget: begins with xml", b"<?xml-stylesheet href='x'?><a/>"),
    ("[17] PITarget: a longer name", b"<a><?xmlx?></a>"),
    ("[18] CDSect: empty", b"<a><![CDATA[]]></a>"),
    ("[18] CDSect: markup", b"<a><![CDATA[<b>&x; <!-- ]] > ]]></a>"),
    ("[18] CDSect: brackets at the end", b"<a><![CDATA[]]]]></a>"),
    ("[18] CDSect: one behind the other", b"<a><![CDATA[]]]]><![CDATA[>]]></a>"),
    ("[23] XMLDecl: version", b"<?xml version=\"1.0\"?><a/>"),
    ("[23] XMLDecl: all", b"<?xml version='1.0' encoding='utf-8' standalone='no' ?><a/>"),
    ("[23] XMLDecl: standalone only", b"<?xml version='1.0' standalone='yes'?>\n<a/>"),
    ("[23] XMLDecl: white space", b"<?xml\tversion = '1.0'\n encoding\r=\r'UTF-8'?><a/>"),
    ("[26] VersionNum: of a later version", b"<?xml version='1.9'?><a/>"),
    ("4.3.3: a byte order mark", b"\xEF\xBB\xBF<a/>"),
    ("4.3.3: a byte order mark and a declaration", b"\xEF\xBB\xBF<?xml version='1.0'?><a/>"),
    ("[39] element: nested by the same name", b"<a><a><a/></a></a>"),
    ("[40] STag: white space", b"<a\n\tb = 'c'\r\n  d\n=\n'e' ></a >"),
    ("[40] STag: names that differ in case or prefix", b"<a b='1' B='2' x:b='3'/>"),
    ("[42] ETag: white space", b"<a></a\n>"),
    ("[44] EmptyElemTag: attributes", b"<a b='c'/>"),
    ("[43] content: all kinds", b"<a>t<b/>&amp;<![CDATA[c]]><?p?><!-- x -->t</a>"),
    ("[66] CharRef: leading zeros", b"<a>&#0000000065;&#x000041;</a>"),
    ("[66] CharRef: both cases of hex digits", b"<a>&#xaB;&#x10fFfF;</a>"),
    ("[68] EntityRef: the five", b"<a>&lt;&gt;&amp;&apos;&quot;</a>"),
    ("[69] PEReference: plain text in content", b"<a>%x;</a>"),
];

#[test]
fn what_is_not_well_formed_is_refused() {
    assert!(REFUSED.len() > 100);
    for (rule, document) in REFUSED {
        let text = String::from_utf8_lossy(document);
        assert!(decode::<IgnoredAny>(document).is_err(), "{rule}: {text:?}");
    }
}

#[test]
fn what_is_well_formed_is_accepted() {
    assert!(ACCEPTED.len() > 40);
    for (rule, document) in ACCEPTED {
        let text = String::from_utf8_lossy(document);
        assert!(decode::<IgnoredAny>(document).is_ok(), "{rule}: {text:?}: {:?}", decode::<IgnoredAny>(document));
    }
}

/// A byte left out, put in or cut off never panics; and what is still accepted is a document that quick-xml reads too.
#[test]
fn damaged_documents_never_panic() {
    for (_, document) in ACCEPTED.iter().chain(REFUSED) {
        for at in 0..document.len() {
            let (before, after) = document.split_at(at);
            let _ = decode::<IgnoredAny>(before);
            let _ = decode::<IgnoredAny>(&[before, &after[1..]].concat());
            for byte in *b"<>&;'\"=/!?-[] x\0\xEF" {
                let _ = decode::<bulla_core::value::Value>(&[before, &[byte], after].concat());
            }
        }
    }
}

#[test]
fn the_reason_is_named() {
    for (document, reason) in [
        ("<!DOCTYPE a><a/>", "document type declarations are refused (byte 0)"),
        ("<a>&nbsp;</a>", "the entity &nbsp; is unknown: only lt, gt, amp, apos and quot are (byte 3)"),
        ("<a b='1' b='2'/>", "the attribute b is there twice (byte 0)"),
        ("<a>]]></a>", "]]> in text (byte 3)"),
        ("<a><b>", "the document ends inside the element b"),
        (
            "<?xml version='1.0' encoding='latin1'?><a/>",
            "the document declares the encoding \"latin1\"; only UTF-8 is read (byte 0)",
        ),
        ("", "there is no root element"),
        ("<a/>x", "1 bytes trail the value"),
        ("<a/><b/>", "4 bytes trail the value"),
    ] {
        assert_eq!(decode::<IgnoredAny>(document).unwrap_err().to_string(), reason, "{document}");
    }
}
