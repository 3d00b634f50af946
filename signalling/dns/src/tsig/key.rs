//! A shared key and the file it is kept in.

use core::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hmac::KeyInit as _;
use zeroize::Zeroizing;

use super::scope::Scope;
use crate::wire::{Name, NameError};

pub(super) type Hmac = hmac::Hmac<sha2::Sha256>;

/// A key that two hosts share, for HMAC-SHA256.
#[derive(Clone)]
pub struct TsigKey {
    name: Name,
    secret: Zeroizing<Vec<u8>>,
    hmac: Hmac,
    scopes: Vec<Scope>,
}

/// A key that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The name of the key is no domain name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A secret of fewer than 16 bytes is guessed too soon.
    #[error("the secret has {have} bytes; at least 16 are needed, 32 are best")]
    ShortSecret {
        /// Bytes that were given.
        have: usize,
    },
    /// The secret is not in base64.
    #[error("the secret is not in base64")]
    Base64,
    /// The algorithm of the key file is another.
    #[error("algorithm \"{0}\" is not supported; use hmac-sha256")]
    Algorithm(String),
    /// Not a key file.
    #[error("not a key file: no {0}")]
    File(&'static str),
}

impl TsigKey {
    /// A key by its name and secret bytes. A server lets it touch nothing before [`TsigKey::allowing`].
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`] and [`KeyError::ShortSecret`].
    pub fn new(name: &str, secret: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let name = name.parse()?;
        let short = KeyError::ShortSecret { have: secret.len() };
        if secret.len() < MIN_SECRET {
            return Err(short);
        }
        let hmac = Hmac::new_from_slice(&secret).map_err(|_| short)?;
        Ok(Self { name, secret, hmac, scopes: Vec::new() })
    }

    /// A key by its name and the secret in base64.
    ///
    /// # Errors
    ///
    /// [`KeyError::Base64`], and as [`TsigKey::new`].
    pub fn from_base64(name: &str, secret: &str) -> Result<Self, KeyError> {
        let secret = BASE64.decode(secret.trim()).map_err(|_| KeyError::Base64)?;
        Self::new(name, Zeroizing::new(secret))
    }

    /// Reads the key file that `nsupdate -k`, `dig -k` and `tsig-keygen` use:
    /// `key "name" { algorithm hmac-sha256; secret "…"; };`.
    ///
    /// # Errors
    ///
    /// [`KeyError::File`] and [`KeyError::Algorithm`], and as [`TsigKey::from_base64`].
    pub fn from_key_file(text: &str) -> Result<Self, KeyError> {
        let quotes_and_marks = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"');
        let words: Vec<&str> = text.split(quotes_and_marks).filter(|word| !word.is_empty()).collect();
        let after = |wanted: &'static str| {
            let mut words = words.iter().skip_while(|word| **word != wanted).skip(1);
            words.next().copied().ok_or(KeyError::File(wanted))
        };
        let (name, algorithm, secret) = (after("key")?, after("algorithm")?, after("secret")?);
        if !algorithm.trim_end_matches('.').eq_ignore_ascii_case("hmac-sha256") {
            return Err(KeyError::Algorithm(algorithm.to_owned()));
        }
        Self::from_base64(name, secret)
    }

    /// The same key, allowed to change whatever lies within `zone` too.
    #[must_use]
    pub fn allowing(self, zone: Name) -> Self {
        self.allowing_only(Scope::below(zone))
    }

    /// The same key, allowed to change what `scope` says too.
    #[must_use]
    pub fn allowing_only(mut self, scope: Scope) -> Self {
        self.scopes.push(scope);
        self
    }

    /// The key's name.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// What a server lets this key change.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Whether a server lets this key change records of `rtype` at `name`.
    #[must_use]
    pub fn may_touch(&self, name: &Name, rtype: u16) -> bool {
        self.scopes.iter().any(|scope| scope.allows(rtype) && scope.covers(&self.name, name))
    }

    /// Whether a server lets this key change anything at `name`.
    #[must_use]
    pub fn may_touch_something_at(&self, name: &Name) -> bool {
        self.scopes.iter().any(|scope| scope.covers(&self.name, name))
    }

    /// The key as the text of a key file, which only its owner should be able to read.
    #[must_use]
    pub fn to_key_file(&self) -> Zeroizing<String> {
        let name = self.name.to_string();
        let name = name.trim_end_matches('.');
        let secret = Zeroizing::new(BASE64.encode(&*self.secret));
        let secret = secret.as_str();
        Zeroizing::new(format!("key \"{name}\" {{\n\talgorithm hmac-sha256;\n\tsecret \"{secret}\";\n}};\n"))
    }

    pub(super) fn digest(&self) -> Hmac {
        self.hmac.clone()
    }
}

impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TsigKey")
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// `hmac-sha256.` in wire form (RFC 8945 §6).
pub(super) const ALGORITHM: &[u8] = b"\x0bhmac-sha256\x00";

/// Half the output of the hash (RFC 2104 §3 discourages fewer bytes than all of it; keys in use have 16 and more).
const MIN_SECRET: usize = 16;
