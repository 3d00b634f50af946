//! Warning: why something was refused or changed (RFC 3261 §20.43).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

use super::{
    SyntaxError,
    lex::{Cursor, unquote, write_quoted},
};

/// One warning.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// 300 to 399; 399 is any other.
    pub code: u16,
    /// The host or a made-up name of who warns; no space may stand in it.
    pub agent: String,
    /// A sentence for people.
    pub text: String,
}

impl Warning {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        cursor.skip_space();
        let code = cursor.digits("a code")?;
        let code = code.parse().map_err(|_| SyntaxError::Range("warning code"))?;
        cursor.skip_space();
        let agent = cursor.take_while(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b','));
        if agent.is_empty() {
            return Err(SyntaxError::Expected("a warning agent"));
        }
        cursor.skip_space();
        let text = unquote(cursor.quoted()?).into_owned();
        Ok(Self { code, agent: agent.to_owned(), text })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.code, self.agent)?;
        write_quoted(&self.text, f)
    }
}
