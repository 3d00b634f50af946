//! Content-Type: what a body is (RFC 3261 §20.15).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use super::{Params, SyntaxError, Token, lex::Cursor};

/// A media type, such as `application/sdp`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaType {
    /// What stands before the slash.
    pub kind: Token,
    /// What stands after it.
    pub subtype: Token,
    /// Its parameters.
    pub params: Params,
}

impl MediaType {
    /// Whether it is `kind/subtype`, with any parameters. Case does not count.
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.as_str().eq_ignore_ascii_case(kind) && self.subtype.as_str().eq_ignore_ascii_case(subtype)
    }
}

impl FromStr for MediaType {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let kind = cursor.token("a media type")?;
        if !cursor.eat_spaced(b'/') {
            return Err(SyntaxError::Expected("/"));
        }
        let subtype = cursor.token("a media subtype")?;
        let params = Params::read(&mut cursor)?;
        cursor.finish("a media type")?;
        let expected = || SyntaxError::Expected("a media type");
        Ok(Self {
            kind: Token::new(kind).ok_or_else(expected)?,
            subtype: Token::new(subtype).ok_or_else(expected)?,
            params,
        })
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind, self.subtype, self.params)
    }
}
