//! What is sent in measurements: the same values everywhere, so that numbers can be compared.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A value that a measurement sends and gets back.
pub trait Payload: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The value with this number.
    fn numbered(number: u64) -> Self;

    /// Gives the value another number, so that one value serves for many messages.
    fn renumber(&mut self, number: u64);

    /// Its number, which tells that an answer belongs to its question.
    fn number(&self) -> u64;
}

/// A small struct: about 125 bytes as JSON, 60 as bincode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// The number.
    pub id: u64,
    /// A short text.
    pub first_name: String,
    /// Another.
    pub last_name: String,
    /// A text that may be absent.
    pub email: Option<String>,
    /// A number with a fraction, in metres.
    pub height: f64,
    /// A short list.
    pub tags: Vec<String>,
}

impl Payload for Person {
    fn numbered(number: u64) -> Self {
        Self {
            id: number,
            first_name: "Ada".to_owned(),
            last_name: "Lovelace".to_owned(),
            email: Some("ada@example.org".to_owned()),
            height: 1.65,
            tags: vec!["mathematics".to_owned(), "poetry".to_owned()],
        }
    }

    fn renumber(&mut self, number: u64) {
        self.id = number;
    }

    fn number(&self) -> u64 {
        self.id
    }
}

/// The bytes of text in a [`Block`].
pub const BLOCK: usize = 64 << 10;

/// A block of text, which every format can carry: 64 KiB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// The number.
    pub id: u64,
    /// The text, plain ASCII.
    pub text: String,
}

impl Payload for Block {
    fn numbered(number: u64) -> Self {
        let text = "Sealed in clay, carried by donkey, broken by the one it was for. ".chars().cycle().take(BLOCK);
        Self { id: number, text: text.collect() }
    }

    fn renumber(&mut self, number: u64) {
        self.id = number;
    }

    fn number(&self) -> u64 {
        self.id
    }
}

/// A blob: bytes as bytes, never a list of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blob {
    /// The bytes.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}
