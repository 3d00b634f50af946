//! What stands for a password, and the proof made of it (RFC 7616 §3.4.1 to §3.4.4).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

use super::{
    Algorithm,
    algorithm::Hex,
    credentials::{Credentials, Qop},
};

/// H(A1): the hash of user, realm and password, good for that realm alone. As secret as the password itself.
#[derive(Clone)]
pub struct HashedSecret {
    algorithm: Algorithm,
    hash: Hex,
}

/// Text that is no hashed secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SecretError {
    /// 32 digits are MD5, 64 are SHA-256 or SHA-512-256.
    #[error("not a hash of {0}: it takes {n} hexadecimal digits", n = if *.0 == Algorithm::Md5 { 32 } else { 64 })]
    Digits(Algorithm),
}

impl HashedSecret {
    /// Of a password.
    #[must_use]
    pub fn new(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Self {
        let hash = algorithm.hash(&[user.as_bytes(), realm.as_bytes(), password.as_bytes()]);
        Self { algorithm, hash }
    }

    /// Of its hexadecimal digits.
    ///
    /// # Errors
    ///
    /// [`SecretError::Digits`].
    pub fn from_hex(algorithm: Algorithm, digits: &str) -> Result<Self, SecretError> {
        let hash = Hex::parse(digits, algorithm).ok_or(SecretError::Digits(algorithm))?;
        Ok(Self { algorithm, hash })
    }

    /// By which algorithm it was made.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The proof that `credentials` should carry for a request with `method` and `body`.
    pub(super) fn proof(&self, credentials: &Credentials, method: &str, body: &[u8]) -> Hex {
        let Credentials { algorithm, nonce, uri, qop, session, .. } = credentials;
        let (nonce, uri, method) = (nonce.as_bytes(), uri.as_bytes(), method.as_bytes());
        let cnonce = qop.as_ref().map_or("", |qop| qop.cnonce.as_str()).as_bytes();
        let mixed = session.then(|| algorithm.hash(&[self.hash.as_bytes(), nonce, cnonce]));
        let secret = mixed.as_ref().unwrap_or(&self.hash).as_bytes();
        let request = match qop {
            Some(Qop { integrity: true, .. }) => {
                algorithm.hash(&[method, uri, algorithm.hash(&[body]).as_bytes()])
            }
            _ => algorithm.hash(&[method, uri]),
        };
        match qop {
            None => algorithm.hash(&[secret, nonce, request.as_bytes()]),
            Some(qop) => {
                let mut count = [b'0'; 8];
                let digits = Hex::of(&qop.count.to_be_bytes());
                count.iter_mut().zip(digits.as_bytes()).for_each(|(to, from)| *to = *from);
                algorithm.hash(&[secret, nonce, &count, cnonce, qop.as_str().as_bytes(), request.as_bytes()])
            }
        }
    }
}

impl fmt::Debug for HashedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashedSecret({})", self.algorithm)
    }
}
