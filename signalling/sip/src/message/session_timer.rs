//! Session-Expires and Min-SE: how long a session may go on without a sign of life (RFC 4028).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use super::{Params, SyntaxError, lex::Cursor, subscription_state::seconds};

/// A time with parameters: the session interval of Session-Expires, or the shortest one that Min-SE admits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionTimer {
    /// Seconds; more than 32 bits hold count as the most they hold.
    pub seconds: u32,
    /// Its parameters.
    pub params: Params,
}

/// Who has to refresh a session: in a request its sender is `uac`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refresher {
    /// Who sent the request.
    Uac,
    /// Who answers it.
    Uas,
}

impl SessionTimer {
    /// A time without parameters.
    #[must_use]
    pub fn new(seconds: u32) -> Self {
        Self { seconds, params: Params::default() }
    }

    /// The same with this refresher.
    #[must_use]
    pub fn with_refresher(mut self, refresher: Refresher) -> Self {
        self.params.set("refresher", Some(refresher.as_str()));
        self
    }

    /// Who has to refresh. `None` when that is not said, or said in a way nobody knows.
    #[must_use]
    pub fn refresher(&self) -> Option<Refresher> {
        let text = self.params.get("refresher")?;
        [Refresher::Uac, Refresher::Uas].into_iter().find(|who| who.as_str().eq_ignore_ascii_case(text))
    }
}

impl Refresher {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uac => "uac",
            Self::Uas => "uas",
        }
    }
}

impl FromStr for SessionTimer {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let seconds = seconds(cursor.digits("seconds")?).ok_or(SyntaxError::Expected("seconds"))?;
        let params = Params::read(&mut cursor)?;
        cursor.finish("a session timer")?;
        Ok(Self { seconds, params })
    }
}

impl fmt::Display for SessionTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.seconds, self.params)
    }
}
