//! Event: which package a subscription, notification or publication is of (RFC 6665 §8.2.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use super::{Params, SyntaxError, Token, lex::Cursor};

/// An event package, with its templates, and the subscription it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// Such as `presence` or `presence.winfo`. Case counts.
    pub package: Token,
    /// Its parameters.
    pub params: Params,
}

impl Event {
    /// Which of several subscriptions of one dialog.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.params.get("id")
    }

    /// Whether both are of the same subscription: package and id agree (RFC 6665 §8.2.1).
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.package == other.package && self.id() == other.id()
    }
}

impl FromStr for Event {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let package = Token::known(cursor.token("an event package")?);
        let params = Params::read(&mut cursor)?;
        cursor.finish("an event")?;
        Ok(Self { package, params })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.package, self.params)
    }
}
