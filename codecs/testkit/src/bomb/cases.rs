//! The known bombs of formats that many speak.
//!
//! Each is small, asks for much, and is to be refused whatever it is read as.

use std::fmt::{self, Debug};

/// Bytes that ask for much.
#[derive(Clone, PartialEq, Eq)]
pub struct Case {
    /// What they are, for a table.
    pub name: String,
    /// They themselves.
    pub bytes: Vec<u8>,
    /// Whether they are few: then the refusal must be quick. Else they are about as many as a message may have, and reading them takes
    /// what it takes; but the memory is bounded.
    pub is_small: bool,
}

impl Case {
    /// A bomb.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), is_small: true }
    }

    /// The same for bytes that are many.
    #[must_use]
    pub fn large(self) -> Self {
        Self { is_small: false, ..self }
    }

    /// Many times the same, and something before and behind.
    fn repeated(name: &str, before: &[u8], level: &[u8], times: usize, behind: &[u8]) -> Self {
        Self::new(name, [before, &level.repeat(times), behind].concat())
    }

    /// Nested 100,000 deep, and never closed.
    fn deep(name: &str, level: &[u8]) -> Self {
        Self::repeated(name, b"", level, DEEP, b"")
    }
}

/// Without the bytes, which are many.
impl Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.name, self.bytes.len())
    }
}

/// How deep bombs nest.
const DEEP: usize = 100_000;

/// More elements than any limit allows, of one byte each.
const MANY: usize = 4_000_000;

/// Bombs in JSON, which are those of every format with brackets.
#[must_use]
pub fn json() -> Vec<Case> {
    vec![
        Case::deep("lists, 100,000 deep", b"["),
        Case::deep("objects, 100,000 deep", b"{\"a\":"),
        Case::deep("both in turn", b"[{\"a\":"),
        Case::repeated("lists, closed again", b"", b"[", DEEP, &[b"null", &b"]".repeat(DEEP)[..]].concat()),
        Case::repeated("a chain of variants", b"", b"{\"link\":", DEEP, &[b"\"end\"", &b"}".repeat(DEEP)[..]].concat()),
        Case::deep("variants of tuples", b"{\"pair\":["),
        Case::deep("variants of structs", b"{\"named\":{\"next\":"),
        Case::repeated("lists in an unknown field", b"{\"unknown\":", b"[", DEEP, b""),
        Case::repeated("4,000,000 nulls", b"[null", b",null", MANY / 5, b"").large(),
        Case::repeated("a number of 4,000,000 digits", b"", b"9", MANY, b"x").large(),
        Case::repeated("a text without an end", b"\"", b"\\u0041", MANY / 6, b"").large(),
    ]
}

/// Bombs in XML.
#[must_use]
pub fn xml() -> Vec<Case> {
    let attributes: String = (0..80_000).map(|number| format!(" a{number}=\"\"")).collect();
    let bindings: String = (0..80_000).map(|number| format!(" xmlns:p{number}=\"u:{number}\"")).collect();
    let mut laughs = String::from("<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY e0 \"lol\">");
    for level in 1..20 {
        laughs += &format!("<!ENTITY e{level} \"{}\">", format!("&e{};", level - 1).repeat(10));
    }
    let quadratic = format!("<!DOCTYPE a [<!ENTITY e \"{}\">]><a>{}</a>", "x".repeat(50_000), "&e;".repeat(50_000));
    vec![
        Case::deep("elements, 100,000 deep", b"<a>"),
        Case::repeated("elements, closed again", b"", b"<a>", DEEP, &b"</a>".repeat(DEEP)),
        Case::deep("elements with attributes", b"<a b=\"c\" d=\"e\">"),
        Case::repeated("elements in an unknown field", b"<a><unknown>", b"<b>", DEEP, b""),
        Case::deep("a chain of variants", b"<link>"),
        Case::new("80,000 attributes", format!("<a{attributes}/>")),
        Case::new("80,000 bindings of prefixes", format!("<a{bindings}/>")),
        Case::new("entities that laugh", laughs + "]><a>&e19;</a>"),
        Case::new("a long entity, often", quadratic),
        Case::new("an entity from a file", "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///dev/zero\">]><a>&e;</a>"),
        Case::repeated("comments without an end", b"<a>", b"<!--", DEEP, b""),
        Case::repeated("4,000,000 bytes of elements", b"<a>", b"<b/>", MANY / 4, b"").large(),
    ]
}

/// Bombs in YAML.
#[must_use]
pub fn yaml() -> Vec<Case> {
    let ten = |alias: &str| [alias; 10].join(", ");
    let mut laughs = format!("a0: &a0 [{}]\n", ten("lol"));
    for level in 1..20 {
        laughs += &format!("a{level}: &a{level} [{}]\n", ten(&format!("*a{}", level - 1)));
    }
    let quadratic = format!("a: &a {}\nb: [{}]\n", "x".repeat(50_000), ["*a"; 10_000].join(", "));
    let blocks: String = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let kib = |level: &str| level.repeat((56 << 10) / level.len());
    vec![
        Case::new("aliases that laugh", laughs),
        Case::new("a long alias, often", quadratic),
        Case::new("an alias of itself", "&a [*a]"),
        Case::new("56 KiB of [", kib("[")),
        Case::new("56 KiB of {", kib("{")),
        Case::new("56 KiB of {a: ", kib("{a: ")),
        Case::new("56 KiB of ? ", kib("? ")),
        Case::new("56 KiB of - ", kib("- ")),
        Case::new("56 KiB of tags", kib("!!map {? ")),
        Case::deep("lists, 100,000 deep", b"["),
        Case::new("blocks, 2,000 deep", blocks),
        Case::repeated("lists in an unknown field", b"unknown: ", b"[", DEEP, b""),
        Case::new("a chain of variants", kib("{link: ")),
        Case::repeated("4,000,000 bytes of nulls", b"[~", b",~", MANY / 2, b"]").large(),
    ]
}

/// Bombs in CBOR.
#[must_use]
pub fn cbor() -> Vec<Case> {
    vec![
        Case::deep("lists, 100,000 deep", b"\x81"),
        Case::deep("maps, 100,000 deep", b"\xa1\x61a"),
        Case::deep("maps in keys", b"\xa1"),
        Case::deep("lists without a length", b"\x9f"),
        Case::deep("maps without a length", b"\xbf\x61a"),
        Case::deep("lists and maps without a length, with tags", b"\xd9\xd9\xf7\x9f\xbf\x01"),
        Case::repeated("lists in an unknown field", b"\xa2\x67unknown", b"\x81", DEEP, b""),
        Case::repeated("endless lists in an unknown field", b"\xa2\x67unknown", b"\x9f", DEEP, b""),
        Case::repeated("a chain of variants", b"", b"\xa1\x64link", DEEP, b"\x63end"),
        Case::deep("variants of tuples", b"\xa1\x64pair\x82"),
        Case::deep("variants of structs", b"\xa1\x65named\xa1\x64next"),
        Case::deep("tags on tags", b"\xd9\xd9\xf7"),
        Case::deep("big numbers of big numbers", b"\xc2"),
        Case::repeated("texts in pieces of nothing", b"\x7f", b"\x60", DEEP, b""),
        Case::repeated("bytes in pieces without an end", b"\x5f", b"\x5f", DEEP, b""),
        Case::new("a list of 2^32", [b"\x9b", &(1_u64 << 32).to_be_bytes()[..]].concat()),
        Case::new("a list of 2^64 - 1", b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
        Case::new("a map of 2^34", [b"\xbb", &(1_u64 << 34).to_be_bytes()[..]].concat()),
        Case::new("a text of 2^34 bytes", [b"\x7b", &(1_u64 << 34).to_be_bytes()[..]].concat()),
        Case::new("2^63 bytes", [b"\x5b", &(1_u64 << 63).to_be_bytes()[..]].concat()),
        Case::repeated("4,000,000 nulls", b"\x9f", b"\xf6", MANY, b"\xff").large(),
    ]
}

/// Bombs in MessagePack.
#[must_use]
pub fn msgpack() -> Vec<Case> {
    // Each list claims all that is left.
    let mut claims = Vec::new();
    for level in 0..50_u32 {
        claims.push(0xdd);
        claims.extend_from_slice(&(1_000_000 - 5 * (level + 1)).to_be_bytes());
    }
    claims.resize(1_000_000, 0xc0);
    vec![
        Case::deep("lists, 100,000 deep", b"\x91"),
        Case::deep("maps, 100,000 deep", b"\x81\xa1a"),
        Case::deep("maps in keys", b"\x81"),
        Case::deep("long lists of one", b"\xdd\0\0\0\x01"),
        Case::repeated("lists in an unknown field", b"\x82\xa7unknown", b"\x91", DEEP, b""),
        Case::repeated("a chain of variants", b"", b"\x81\xa4link", DEEP, b"\xa3end"),
        Case::deep("variants of tuples", b"\x81\xa4pair\x92"),
        Case::deep("variants of structs", b"\x81\xa5named\x81\xa4next"),
        Case::deep("variants of options", b"\x81\xa5maybe"),
        Case::new("a list of 2^32 - 1", b"\xdd\xff\xff\xff\xff"),
        Case::new("a map of 2^32 - 1", b"\xdf\xff\xff\xff\xff"),
        Case::new("a text of 2^32 - 1 bytes", b"\xdb\xff\xff\xff\xff"),
        Case::new("2^32 - 1 bytes", b"\xc6\xff\xff\xff\xff"),
        Case::new("an extension of 2^32 - 1 bytes", b"\xc9\xff\xff\xff\xff\x01"),
        Case::new("lists that claim what is left", claims).large(),
        Case::repeated("4,000,000 nulls", b"\xdd\x00\x3d\x09\x00", b"\xc0", MANY, b"").large(),
    ]
}

/// Bombs in bincode 2, standard configuration.
#[must_use]
pub fn bincode() -> Vec<Case> {
    let len = |len: u64| [b"\xfd", &len.to_le_bytes()[..]].concat();
    unnamed(len, b"\x01")
}

/// Bombs in postcard.
#[must_use]
pub fn postcard() -> Vec<Case> {
    unnamed(varint, b"\x01")
}

/// Bombs in a format that names nothing: lengths that are written by `len`, and a byte for one level of nesting.
fn unnamed(len: impl Fn(u64) -> Vec<u8>, level: &[u8]) -> Vec<Case> {
    // In documents the adaptor writes a tag before each node: 7 is a text, 9 a list, 10 a map.
    let in_document = |tag: u8, claim: u64| [vec![tag], len(claim)].concat();
    vec![
        Case::new("nothing, 2^34 times", len(1 << 34)),
        Case::new("nothing, 2^64 - 1 times", len(u64::MAX)),
        Case::new("lists of nothing, 2^34 times each", len(1 << 34).repeat(1_000)),
        Case::new("2^32 elements, and few bytes", [len(1 << 32), vec![0; 64]].concat()),
        Case::new("a document that is a text of 2^34 bytes", in_document(7, 1 << 34)),
        Case::new("a document that is a list of 2^34", in_document(9, 1 << 34)),
        Case::new("a document that is a map of 2^34", in_document(10, 1 << 34)),
        Case::deep("a chain of variants, 100,000 deep", level),
        Case::deep("lists in a document, 100,000 deep", &[9, 1]),
        Case::deep("maps in a document, 100,000 deep", &[10, 1]),
    ]
}

/// A varint of seven bits a byte.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

/// Bombs in pickle, and pickles that are programs.
#[must_use]
pub fn pickle() -> Vec<Case> {
    // Each list holds the one before ten times.
    let mut laughs = b"]\x94".to_vec();
    for level in 0..100_u8 {
        laughs.extend_from_slice(b"]\x94(");
        laughs.extend_from_slice(&[b'h', level].repeat(10));
        laughs.push(b'e');
    }
    let text = [&b"(X\0\0\x10\0"[..], &vec![b'x'; 1 << 20], b"\x94", &b"h\0".repeat(100_000), b"l."].concat();
    let mut memo = b"N\x85\x94".to_vec();
    for index in 0..100_000_u32 {
        memo.extend_from_slice(&[&b"j"[..], &index.to_le_bytes(), b"\x85\x94"].concat());
    }
    let nested = |open: &[u8], close: &[u8]| [&open.repeat(DEEP)[..], b"N", &close.repeat(DEEP), b"."].concat();
    vec![
        Case::new("lists, 100,000 deep", nested(b"]", b"a")),
        Case::new("dictionaries, 100,000 deep", nested(b"}N", b"s")),
        Case::new("tuples, 100,000 deep", nested(b"", b"\x85")),
        Case::new("tuples from the memo", [&memo[..], b"."].concat()),
        Case::repeated("1,000,000 marks", b"", b"(", 1_000_000, b""),
        Case::repeated("100,000 DUP", b"", b"]2a", DEEP, b"."),
        Case::new("lists that laugh", [&laughs[..], b"."].concat()),
        Case::new("a shared text, 100,000 times", text),
        Case::new("a list that holds itself", b"]\x94h\0a."),
        Case::new("a text of 2^32 - 1 bytes", b"X\xff\xff\xff\xff"),
        Case::new("bytes, 2^63 of them", b"\x8e\0\0\0\0\0\0\0\x80"),
        Case::new("a number of 2^31 - 1 bytes", b"\x8b\xff\xff\xff\x7f"),
        Case::new("a frame of 2^64 - 1 bytes", b"\x95\xff\xff\xff\xff\xff\xff\xff\xff"),
        Case::new("memo place 2^32 - 1", b"Nr\xff\xff\xff\xff."),
        Case::repeated("a number of 4,000,000 digits", b"I", b"9", MANY, b"\n.").large(),
        Case::repeated("4,000,000 nulls", b"](", b"N", MANY, b"e.").large(),
        Case::new("a call of os.system", b"cos\nsystem\n(S'true'\ntR."),
    ]
}
