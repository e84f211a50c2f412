//! Opening: tokens in, frames out.

use aes::Aes128Dec;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, InnerIvInit};
use subtle::ConstantTimeEq;

use super::mac::Signer;
use super::{BLOCK, HEADER, LENGTH_PREFIX, MAX_PLAINTEXT, SEQUENCE, SessionKey, TAG, VERSION, is_legal_token_length};

/// A record that does not open. The session is over: what follows cannot be trusted to be in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No token has this length, or its plaintext is longer than a record's or has no room for a sequence number.
    #[error("a record of {0} bytes has no legal length")]
    BadLength(usize),
    /// The token does not start with 0x80.
    #[error("a record of version {0:#04x}: this side knows 0x80")]
    BadVersion(u8),
    /// The HMAC is not that of this key over these bytes: changed on the way, or sealed by someone else.
    #[error("a record's seal is broken: it was changed on the way, or sealed with another key")]
    BadSeal,
    /// The seal is right but the padding is not: the peer's own sealing is at fault.
    #[error("a record's seal holds but its padding is wrong: the other side seals wrongly")]
    BadPadding,
    /// A record was replayed, moved or left out.
    #[error("record {found} came where record {expected} was due: records were repeated, moved or lost on the way")]
    OutOfSequence {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
}

/// Opens one direction of one session: the counterpart of a [`Sealer`](super::Sealer) with the same key.
pub struct Opener {
    key: SessionKey,
    signer: Signer,
    /// The key's schedule: made when it is needed, and not worth keeping while nothing is opened.
    cipher: Option<Box<Aes128Dec>>,
    pub(super) sequence: u64,
    broken: Option<OpenError>,
}

impl Opener {
    /// The first record must have the number 0.
    #[must_use]
    pub fn new(key: SessionKey) -> Self {
        Self { signer: key.signer(), key, cipher: None, sequence: 0, broken: None }
    }

    /// Gives back what the key grew to. The next record takes a fraction of a microsecond more.
    pub fn rest(&mut self) {
        self.cipher = None;
    }

    /// Opens the next token (without the length before it) in place and returns its frames.
    ///
    /// # Errors
    /// See [`OpenError`]. After the first failure every further call fails with that same error, whatever it is given.
    pub fn open<'a>(&mut self, token: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
        let verdict = self.verify(token);
        self.open_verified(token, verdict)
    }

    /// Opens in place every record that is whole at the front of `wire`, lengths included, and hands the frames of each to `each`, in
    /// their order. Gives the number of bytes that they took. Two at a time cost less than each alone.
    ///
    /// # Errors
    /// As [`open`](Self::open), or what `each` gives; no record behind that one is opened.
    pub fn open_each<E: From<OpenError>>(
        &mut self,
        wire: &mut [u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut used = 0;
        while let Some(length) = self.whole_token(&wire[used..])? {
            let (token, rest) = wire[used + LENGTH_PREFIX..].split_at_mut(length);
            used += LENGTH_PREFIX + length;
            // What may be wrong with the length behind is found when it is its turn.
            let Ok(Some(length)) = whole_token(rest) else {
                each(self.open(token)?)?;
                continue;
            };
            let next = &mut rest[LENGTH_PREFIX..LENGTH_PREFIX + length];
            used += LENGTH_PREFIX + length;
            let verdicts = self.verify_both([token, next]);
            each(self.open_verified(token, verdicts[0])?)?;
            each(self.open_verified(next, verdicts[1])?)?;
        }
        Ok(used)
    }

    /// As the function of that name, for an opener that goes on.
    fn whole_token(&mut self, wire: &[u8]) -> Result<Option<usize>, OpenError> {
        let whole = self.broken.map_or_else(|| whole_token(wire), Err);
        self.broken = whole.err();
        whole
    }

    /// Whether a token's seal holds. Nothing is decrypted before that is known.
    pub(super) fn verify(&self, token: &[u8]) -> Result<(), OpenError> {
        let (signed, tag) = parts(token)?;
        check(&self.signer.sign(signed), tag)
    }

    fn verify_both(&self, [one, two]: [&[u8]; 2]) -> [Result<(), OpenError>; 2] {
        let (Ok((signed_one, tag_one)), Ok((signed_two, tag_two))) = (parts(one), parts(two)) else {
            return [self.verify(one), self.verify(two)];
        };
        let [right_one, right_two] = self.signer.sign_both([signed_one, signed_two]);
        [check(&right_one, tag_one), check(&right_two, tag_two)]
    }

    /// Opens a token whose seal was looked at.
    fn open_verified<'a>(&mut self, token: &'a mut [u8], seal: Result<(), OpenError>) -> Result<&'a [u8], OpenError> {
        let opened = self.broken.map_or(seal, Err).and_then(|()| self.open_next(token));
        self.broken = opened.err();
        opened
    }

    fn open_next<'a>(&mut self, token: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
        let length = token.len();
        let plaintext = self.decrypt(token)?;
        let (sequence, frames) = plaintext.split_first_chunk::<SEQUENCE>().ok_or(OpenError::BadLength(length))?;
        let (expected, found) = (self.sequence, u64::from_be_bytes(*sequence));
        if found != expected {
            return Err(OpenError::OutOfSequence { expected, found });
        }
        // The sealer never uses the last number, so there is always a next one.
        self.sequence = expected.checked_add(1).ok_or(OpenError::OutOfSequence { expected, found })?;
        Ok(frames)
    }

    /// The plaintext of a token whose seal holds.
    pub(super) fn decrypt<'a>(&mut self, token: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
        let length = token.len();
        let (header, ciphertext) = token[..length - TAG].split_first_chunk_mut::<HEADER>().expect("a legal length");
        let iv: &[u8; BLOCK] = header.last_chunk().expect("the header ends with an IV");
        let cipher = self.cipher.get_or_insert_with(|| Box::new(self.key.schedule()));
        let plaintext = cbc::Decryptor::inner_iv_init(&**cipher, iv.into())
            .decrypt_padded::<Pkcs7>(ciphertext)
            .map_err(|_| OpenError::BadPadding)?;
        if plaintext.len() > MAX_PLAINTEXT { Err(OpenError::BadLength(length)) } else { Ok(plaintext) }
    }
}

/// The length of the token at the front of `wire`, if it is whole; an error, if it never will be.
fn whole_token(wire: &[u8]) -> Result<Option<usize>, OpenError> {
    let Some((length, rest)) = wire.split_first_chunk::<LENGTH_PREFIX>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if is_legal_token_length(length) {
        Ok(Some(length).filter(|_| length <= rest.len()))
    } else {
        Err(OpenError::BadLength(length))
    }
}

/// What of a token is signed, and its HMAC.
fn parts(token: &[u8]) -> Result<(&[u8], &[u8; TAG]), OpenError> {
    if !is_legal_token_length(token.len()) {
        return Err(OpenError::BadLength(token.len()));
    }
    if token[0] != VERSION {
        return Err(OpenError::BadVersion(token[0]));
    }
    token.split_last_chunk().ok_or(OpenError::BadLength(token.len()))
}

/// Compares without telling by its time how much was right.
fn check(right: &[u8; TAG], given: &[u8; TAG]) -> Result<(), OpenError> {
    let halves = right.as_chunks().0.iter().zip(given.as_chunks().0);
    let wrong =
        halves.fold(0, |wrong, (right, given)| wrong | (u128::from_ne_bytes(*right) ^ u128::from_ne_bytes(*given)));
    if wrong.ct_eq(&0).into() { Ok(()) } else { Err(OpenError::BadSeal) }
}
