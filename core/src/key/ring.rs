//! A ring of keys: what a key file says.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Key, KeyError, KeyId, read_key_file};

/// The most keys in a ring.
pub const MAX_KEYS: usize = 10_000;
/// The longest name of a key, in bytes.
pub const MAX_KEY_NAME: usize = 64;

/// Keys in the order of their file, found by id. Never empty.
///
/// One key a line, the first is the current one. `name = key` gives the key a name, which is then the identity of the peer that
/// uses it. Blank lines and whatever follows a `#` are skipped.
///
/// ```
/// # use bulla_core::key::{Key, KeyRing};
/// let ring = KeyRing::parse(
///     "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=        # the current one
///      lab-scale = uXzBN3Y5mJk5mX0pJm6v0qCq3jHcM0n2hVwqv1bT8dQ=",
/// )?;
/// let id = Key::parse("uXzBN3Y5mJk5mX0pJm6v0qCq3jHcM0n2hVwqv1bT8dQ=")?.id();
/// assert_eq!(ring.find(&id).and_then(|named| named.name()), Some("lab-scale"));
/// assert_eq!(ring.current().id().to_string(), "50a70e59fd929f97");
/// # Ok::<(), bulla_core::key::KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeyRing {
    keys: Vec<NamedKey>,
    places: BTreeMap<KeyId, usize>,
}

impl KeyRing {
    /// Reads a key file with [`read_key_file`] and parses it.
    ///
    /// # Errors
    /// What [`read_key_file`] refuses, and what [`KeyRing::parse`] refuses, with the path.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        let text = read_key_file(path)?;
        Self::parse(&text).map_err(|reason| KeyError::File { path: path.into(), reason: Box::new(reason) })
    }

    /// Parses the text of a key file.
    ///
    /// # Errors
    /// [`KeyError::Line`] says which line is not a key, or repeats a key or a name; [`KeyError::Empty`], [`KeyError::TooManyKeys`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut builder = Builder::default();
        for (number, line) in (1..).zip(text.lines()) {
            let content = line.split('#').next().unwrap_or_default().trim_ascii();
            if !content.is_empty() {
                builder.add(number, content).map_err(|reason| at_line(number, reason))?;
            }
        }
        if builder.keys.is_empty() { Err(KeyError::Empty) } else { Ok(builder.into_ring()) }
    }

    /// A ring of one key without a name.
    #[must_use]
    pub fn single(key: Key) -> Self {
        let key = NamedKey { id: key.id(), name: None, key };
        Self { places: BTreeMap::from([(key.id, 0)]), keys: vec![key] }
    }

    /// The first key: what a client connects with and what seals.
    #[must_use]
    pub fn current(&self) -> &NamedKey {
        &self.keys[0]
    }

    /// The key of that id.
    #[must_use]
    pub fn find(&self, id: &KeyId) -> Option<&NamedKey> {
        self.places.get(id).map(|&place| &self.keys[place])
    }

    /// All keys, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, NamedKey> {
        self.keys.iter()
    }

    /// How many keys there are, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a ring is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }
}

impl<'a> IntoIterator for &'a KeyRing {
    type Item = &'a NamedKey;
    type IntoIter = std::slice::Iter<'a, NamedKey>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A key of a ring, with its id and, if the file gives one, its name.
#[derive(Clone, Debug)]
pub struct NamedKey {
    id: KeyId,
    name: Option<String>,
    key: Key,
}

impl NamedKey {
    /// The id, computed once.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The identity of the peer that uses this key; `None` for a key without a name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The key itself.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }
}

fn at_line(line: usize, reason: KeyError) -> KeyError {
    match reason {
        KeyError::TooManyKeys => reason,
        reason => KeyError::Line { line, reason: Box::new(reason) },
    }
}

/// A ring in the making; remembers which line brought what.
#[derive(Default)]
struct Builder {
    keys: Vec<NamedKey>,
    lines: Vec<usize>,
    places: BTreeMap<KeyId, usize>,
    names: BTreeMap<String, usize>,
}

impl Builder {
    fn add(&mut self, line: usize, content: &str) -> Result<(), KeyError> {
        if self.keys.len() == MAX_KEYS {
            return Err(KeyError::TooManyKeys);
        }
        let (name, key) = parse_line(content)?;
        if let Some(name) = &name
            && let Some(&first) = self.names.get(name)
        {
            return Err(KeyError::DuplicateName { name: name.clone(), first });
        }
        let id = key.id();
        if let Some(&place) = self.places.get(&id) {
            return Err(KeyError::DuplicateKey { first: self.lines[place] });
        }
        self.names.extend(name.clone().map(|name| (name, line)));
        self.places.insert(id, self.keys.len());
        self.lines.push(line);
        self.keys.push(NamedKey { id, name, key });
        Ok(())
    }

    fn into_ring(self) -> KeyRing {
        KeyRing { keys: self.keys, places: self.places }
    }
}

/// Splits `name = key`; a line without a name is a key alone, whose padding ends in `=`, too.
fn parse_line(content: &str) -> Result<(Option<String>, Key), KeyError> {
    match content.split_once('=') {
        Some((name, key)) if !key.trim_matches(['=', ' ', '\t']).is_empty() => {
            let name = parse_name(name.trim_ascii())?;
            Ok((Some(name), Key::parse(key)?))
        }
        _ => Ok((None, Key::parse(content)?)),
    }
}

/// Two keys joined into one line would make the first one a name, to be shown in logs: so no name may look like a key.
fn parse_name(name: &str) -> Result<String, KeyError> {
    let is_key = name.len() == 43 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte));
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
    match name {
        _ if is_key => Err(KeyError::KeyAsName),
        _ if starts_well && name.len() <= MAX_KEY_NAME && name.bytes().all(is_name) => Ok(name.into()),
        _ => Err(KeyError::BadName),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(byte: u8) -> String {
        Key::from_bytes([byte; 32]).to_text().to_string()
    }

    fn refused(text: &str) -> (usize, KeyError) {
        match KeyRing::parse(text) {
            Err(KeyError::Line { line, reason }) => (line, *reason),
            other => panic!("expected a refused line, got {other:?}"),
        }
    }

    #[test]
    fn reads_names_comments_and_blank_lines() {
        let (one, two, three) = (text_of(1), text_of(2), text_of(3));
        let text = format!("# keys\r\n\r\n  {one} # ours\r\nada@lab-1.example = {two}\n\n0={three}");
        let ring = KeyRing::parse(&text).unwrap();
        let names: Vec<_> = ring.iter().map(NamedKey::name).collect();
        assert_eq!(names, [None, Some("ada@lab-1.example"), Some("0")]);
        assert_eq!(*ring.current().key(), Key::from_bytes([1; 32]));
        for (byte, named) in (1..).zip(&ring) {
            let id = Key::from_bytes([byte; 32]).id();
            assert_eq!((named.id(), named.key()), (id, &Key::from_bytes([byte; 32])));
            assert_eq!(ring.find(&id).unwrap().name(), named.name());
        }
        assert!(ring.find(&Key::from_bytes([4; 32]).id()).is_none());
    }

    #[test]
    fn takes_the_file_of_python_as_it_is() {
        for end in ["", "\n", "\r\n"] {
            let ring = KeyRing::parse(&format!("{}{end}", text_of(7))).unwrap();
            assert_eq!((ring.len(), ring.current().name()), (1, None));
            assert_eq!(ring.current().id(), KeyRing::single(Key::from_bytes([7; 32])).current().id());
        }
    }

    #[test]
    fn refuses_lines_by_number() {
        let (one, two) = (text_of(1), text_of(2));
        for (text, line, error) in [
            (format!("{one}\n{two}\n\n{one}"), 4, KeyError::DuplicateKey { first: 1 }),
            (format!("a = {one}\nb = {one}"), 2, KeyError::DuplicateKey { first: 1 }),
            (format!("\na={one}\na={two}"), 3, KeyError::DuplicateName { name: "a".into(), first: 2 }),
            (format!("-a = {one}"), 1, KeyError::BadName),
            (format!("a b = {one}"), 1, KeyError::BadName),
            (format!("ä = {one}"), 1, KeyError::BadName),
            (format!("= {one}"), 1, KeyError::BadName),
            (format!("{} = {one}", "n".repeat(65)), 1, KeyError::BadName),
            (format!("a = {one}{two}"), 1, KeyError::WrongLength { characters: 88 }),
            ("a = ".into(), 1, KeyError::NotBase64),
            (one[..43].into(), 1, KeyError::WrongLength { characters: 43 }),
            (format!("{one}\nwhat?"), 2, KeyError::NotBase64),
        ] {
            assert_eq!(refused(&text), (line, error), "{text}");
        }
        assert!(KeyRing::parse(&format!("{} = {one}", "n".repeat(64))).is_ok());
    }

    /// `cat a.key b.key`, where a.key has no line end: the first key would become a name, and names are logged.
    #[test]
    fn a_key_never_becomes_a_name() {
        let (one, two) = (text_of(1), text_of(0xfb));
        for text in [format!("{one}{two}"), format!("{two}{one}"), format!("{one} {two}"), format!("{one}ada = {two}")]
        {
            let error = KeyRing::parse(&text).unwrap_err();
            assert_eq!(error, KeyError::Line { line: 1, reason: Box::new(KeyError::KeyAsName) }, "{text}");
            assert!(!error.to_string().contains(&one[..8]) && !error.to_string().contains(&two[..8]));
        }
    }

    #[test]
    fn a_ring_is_neither_empty_nor_endless() {
        for empty in ["", "\n\n", "# nothing\n  # here"] {
            assert_eq!(KeyRing::parse(empty).unwrap_err(), KeyError::Empty);
        }
        let key = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            Key::from_bytes(bytes).to_text()
        };
        let mut text: String = (0..MAX_KEYS).map(|number| format!("{}\n", &*key(number))).collect();
        assert_eq!(KeyRing::parse(&text).unwrap().len(), MAX_KEYS);
        text.push_str(&key(MAX_KEYS));
        assert_eq!(KeyRing::parse(&text).unwrap_err(), KeyError::TooManyKeys);
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, lines in "([a-z@.#-]{0,3}[ =]{0,3}[A-Za-z0-9+/_-]{43}=?\r?\n?){0,4}") {
            let _ = KeyRing::parse(&text);
            if let Err(error) = KeyRing::parse(&lines) {
                // Whatever is wrong, no run of characters long enough to be a part of a key is shown.
                let shown = error.to_string();
                prop_assert!(!lines.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| run.len() > 12 && shown.contains(run)));
            }
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", KeyRing::parse(&format!("ada = {}", text_of(1))).unwrap());
        assert!(shown.contains("ada") && !shown.contains(&text_of(1)[..8]), "{shown}");
    }
}
