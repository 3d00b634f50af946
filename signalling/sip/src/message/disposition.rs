//! Content-Disposition: what a body is for (RFC 3261 §20.11, RFC 3204 §5).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use super::{Params, SyntaxError, Token, lex::Cursor};

/// What a body is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Disposition {
    /// Such as `session`, `render`, `early-session`. Case does not count; see [`is`](Self::is).
    pub kind: Token,
    /// Its parameters.
    pub params: Params,
}

impl Disposition {
    /// Whether it is for this.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.kind.as_str().eq_ignore_ascii_case(kind)
    }

    /// Whether a receiver that cannot handle it may go on without it. Unless that is said it may not.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.params.get("handling").is_some_and(|handling| handling.eq_ignore_ascii_case("optional"))
    }
}

impl FromStr for Disposition {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let kind = Token::known(cursor.token("a disposition")?);
        let params = Params::read(&mut cursor)?;
        cursor.finish("a disposition")?;
        Ok(Self { kind, params })
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind, self.params)
    }
}
