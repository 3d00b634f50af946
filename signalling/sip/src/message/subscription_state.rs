//! Subscription-State: what has become of a subscription (RFC 6665 §8.2.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use super::{Params, SyntaxError, Token, lex::Cursor};

/// The state of a subscription, as its notifier sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SubscriptionState {
    /// Which.
    pub state: Substate,
    /// Its parameters.
    pub params: Params,
}

/// Whether notifications will come.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Substate {
    /// They do.
    Active,
    /// Nobody has decided yet.
    Pending,
    /// This was the last.
    Terminated,
    /// Any other.
    Other(Token),
}

impl SubscriptionState {
    /// A state without parameters.
    #[must_use]
    pub fn new(state: Substate) -> Self {
        Self { state, params: Params::default() }
    }

    /// Seconds for which it goes on. `None` when that is not said.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        seconds(self.params.get("expires")?)
    }

    /// Why it ended, such as `timeout` or `noresource`.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.params.get("reason")
    }

    /// Seconds after which one may try again.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        seconds(self.params.get("retry-after")?)
    }
}

impl FromStr for SubscriptionState {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let state = cursor.token("a state")?;
        let known = [Substate::Active, Substate::Pending, Substate::Terminated];
        let known = known.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(state));
        let state = known.unwrap_or_else(|| Substate::Other(Token::known(state)));
        let params = Params::read(&mut cursor)?;
        cursor.finish("a state")?;
        Ok(Self { state, params })
    }
}

impl Substate {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Terminated => "terminated",
            Self::Other(token) => token.as_str(),
        }
    }
}

impl fmt::Display for SubscriptionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.state.as_str(), self.params)
    }
}

/// Whole seconds; more than 32 bits hold count as the most they hold.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}
