//! Identity: who vouches for the calling number, signed (RFC 8224 §4).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use super::{Params, SyntaxError, Uri, lex::Cursor};

/// One Identity: a PASSporT, where its certificate is, and how it is signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The PASSporT in compact form: `header.claims.signature`, or `..signature` where both are to be made of the
    /// message. Base64url, not decoded.
    pub passport: String,
    /// Where the certificate is.
    pub info: Uri,
    /// The other parameters: `alg`, `ppt`.
    pub params: Params,
}

impl Identity {
    /// The algorithm; ES256 unless it is named (RFC 8224 §4).
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.params.get("alg").unwrap_or("ES256")
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        cursor.skip_space();
        let passport = cursor.take_while(is_passport);
        if passport.is_empty() {
            return Err(SyntaxError::Expected("a PASSporT"));
        }
        let before = Params::read_until(cursor, "info")?;
        if !cursor.eat(b'<') {
            return Err(SyntaxError::Expected("<"));
        }
        let info = cursor.take_until(b'>').ok_or(SyntaxError::Expected(">"))?.parse()?;
        let mut params = Params::read(cursor)?;
        for (name, value) in before.iter() {
            params.set(name, value);
        }
        Ok(Self { passport: passport.to_owned(), info, params })
    }
}

impl FromStr for Identity {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let read = Self::read(&mut cursor)?;
        cursor.finish("an identity")?;
        Ok(read)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};info=<{}>{}", self.passport, self.info, self.params)
    }
}

/// Base64url in three parts, and what other base64 has besides.
const fn is_passport(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'/' | b'=')
}
