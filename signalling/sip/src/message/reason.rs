//! Reason: why a request was sent (RFC 3326).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};
use std::borrow::Cow;

use super::{Params, SyntaxError, Token, lex::Cursor};

/// One reason.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reason {
    /// Whose codes `cause` counts in: `SIP`, `Q.850` and others.
    pub protocol: Token,
    /// Its parameters.
    pub params: Params,
}

impl Reason {
    /// A cause of this protocol.
    #[must_use]
    pub fn new(protocol: Token, cause: u16) -> Self {
        let mut params = Params::default();
        params.set("cause", Some(&cause.to_string()));
        Self { protocol, params }
    }

    /// The code.
    #[must_use]
    pub fn cause(&self) -> Option<u16> {
        self.params.get("cause")?.parse().ok()
    }

    /// The same for people.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        self.params.text("text")
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        cursor.skip_space();
        let protocol = Token::known(cursor.token("a protocol")?);
        Ok(Self { protocol, params: Params::read(cursor)? })
    }
}

impl FromStr for Reason {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let read = Self::read(&mut cursor)?;
        cursor.finish("a reason")?;
        Ok(read)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.protocol, self.params)
    }
}
