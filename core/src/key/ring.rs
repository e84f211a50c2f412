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
