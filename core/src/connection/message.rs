//! The bytes of a message on its way out.

use std::sync::Arc;

/// The bytes of one message to send: its own, or shared with other streams, so that what goes to many is encoded once and held
/// once. Bytes are copied only into the record that carries them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Bytes that nobody else holds.
    Owned(Vec<u8>),
    /// Bytes that others may hold, too.
    Shared(Arc<[u8]>),
}

impl Message {
    /// The length, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_ref().len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Owned(bytes)
    }
}

impl From<Arc<[u8]>> for Message {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::Shared(bytes)
    }
}
