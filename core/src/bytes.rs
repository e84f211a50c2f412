//! Bytes inside messages: as bytes where the codec has them, as text where people read it, never as a list of numbers. And the checksum
//! that goes with those that matter.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use sha2::Digest as _;

/// How much a [`Digester`] reads at once, in bytes.
const STEP: u64 = 128 << 10;

/// Any bytes. A codec that is not for people (bincode, CBOR, …) carries them as they are, one that is (JSON, XML, YAML) as base64 text
/// with the standard alphabet and padding ([RFC 4648](https://www.rfc-editor.org/rfc/rfc4648), section 4).
///
/// ```
/// # use bulla_core::bytes::Blob;
/// let blob = Blob(b"\x00\xff".to_vec());
/// assert_eq!(serde_json::to_string(&blob)?, r#""AP8=""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Blob(pub Vec<u8>);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&STANDARD.encode(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(BlobVisitor { text: true })
        } else {
            deserializer.deserialize_byte_buf(BlobVisitor { text: false })
        }
    }
}

struct BlobVisitor {
    text: bool,
}

impl Visitor<'_> for BlobVisitor {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text { "bytes as base64 text" } else { "bytes" })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Blob, E> {
        if !self.text {
            return Err(E::invalid_type(serde::de::Unexpected::Str(text), &self));
        }
        STANDARD.decode(text).map(Blob).map_err(|error| E::custom(format_args!("no base64 text: {error}")))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Blob, E> {
        self.visit_byte_buf(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Blob, E> {
        Ok(Blob(bytes))
    }
}

/// A SHA-256 checksum: 64 hexadecimal digits in every codec, as `sha256sum` writes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// Text that is no [`Digest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 checksum is 64 hexadecimal digits")]
pub struct InvalidDigest;

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let pairs = text.as_bytes().as_chunks::<2>();
        let (pairs, []) = pairs else { return Err(InvalidDigest) };
        let mut digest = [0; 32];
        if pairs.len() != digest.len() {
            return Err(InvalidDigest);
        }
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = (value(*high)? << 4) | value(*low)?;
        }
        Ok(Self(digest))
    }
}

fn value(digit: u8) -> Result<u8, InvalidDigest> {
    let value = char::from(digit).to_digit(16).ok_or(InvalidDigest)?;
    Ok(u8::try_from(value).expect("a digit of base 16 is below 16"))
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DigestVisitor)
    }
}

struct DigestVisitor;

impl Visitor<'_> for DigestVisitor {
    type Value = Digest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("64 hexadecimal digits")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Digest, E> {
        text.parse().map_err(E::custom)
    }
}

/// A [`Digest`] in the making.
///
/// ```
/// # use bulla_core::bytes::Digester;
/// let mut digester = Digester::default();
/// digester.update(b"ab");
/// digester.update_from(&mut &b"cdef"[..], 1)?;
/// assert_eq!(digester.length(), 3);
/// let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// assert_eq!(digester.digest().to_string(), expected);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Digester {
    hasher: sha2::Sha256,
    length: u64,
}

impl Digester {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
    }

    /// Reads and adds the next `length` bytes, or as many as there are.
    ///
    /// # Errors
    /// Those of the reader; what was read before is added.
    pub fn update_from(&mut self, reader: &mut impl Read, length: u64) -> io::Result<()> {
        let mut buffer = vec![0; usize::try_from(length.min(STEP)).expect("a step fits memory")];
        let mut source = reader.take(length);
        loop {
            match source.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// How many bytes were added.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The checksum of what was added so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(self.hasher.clone().finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 5] = [0, 255, 10, 34, 128];

    #[test]
    fn a_text_format_carries_base64_and_a_binary_one_the_bytes() {
        let blob = Blob(BYTES.to_vec());
        let text = serde_json::to_string(&blob).unwrap();
        assert_eq!(text, r#""AP8KIoA=""#);
        assert_eq!(serde_json::from_str::<Blob>(&text).unwrap(), blob);
        let config = bincode::config::standard();
        let bytes = bincode::serde::encode_to_vec(&blob, config).unwrap();
        assert_eq!(bytes, [&[5], &BYTES[..]].concat());
        assert_eq!(bincode::serde::decode_from_slice::<Blob, _>(&bytes, config).unwrap(), (blob, 6));
    }

    #[test]
    fn what_is_no_base64_and_every_list_of_numbers_is_refused() {
        for text in ["[0,255]", r#""AP8""#, r#""AP8=\n""#, r#""A P8=""#, r#""AP9=""#, "7", "null"] {
            assert!(serde_json::from_str::<Blob>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_digest_is_hexadecimal() {
        let digest = Digest(std::array::from_fn(|at| u8::try_from(at * 8).unwrap()));
        let text = digest.to_string();
        assert_eq!(&text[..10], "0008101820");
        assert_eq!((text.len(), text.parse()), (64, Ok(digest)));
        assert_eq!(text.to_uppercase().parse(), Ok(digest));
        assert_eq!(serde_json::from_str::<Digest>(&serde_json::to_string(&digest).unwrap()).unwrap(), digest);
        let (short, signed) = (&text[..62], format!("+{}", &text[1..]));
        for bad in ["", short, &format!("{text}00"), &signed, &"é".repeat(32)] {
            assert_eq!(bad.parse::<Digest>(), Err(InvalidDigest), "{bad}");
        }
    }
}
