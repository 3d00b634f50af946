//! Subscription-State: how a subscription stands, by its notifier (RFC 6665 §8.2.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use crate::message::Params;

/// How a subscription stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum State {
    /// It was accepted, and stands so much longer.
    Active(Option<Duration>),
    /// Nobody has decided yet; it is kept so much longer.
    Pending(Option<Duration>),
    /// It is over.
    Terminated {
        /// Why, when that is said.
        reason: Option<Reason>,
        /// When it may be asked for again.
        retry_after: Option<Duration>,
    },
    /// Something that is not known here.
    Other(String),
}

/// Why a subscription is over (RFC 6665 §4.1.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// To be asked for again at once.
    Deactivated,
    /// To be asked for again later.
    Probation,
    /// Not allowed any more.
    Rejected,
    /// It has expired.
    Timeout,
    /// Nobody has decided in time.
    GiveUp,
    /// What was watched is gone.
    NoResource,
    /// What was watched never changes.
    Invariant,
    /// Anything else.
    Other(String),
}

impl State {
    /// Reads the value of the header. `None` when it has no state, or its parameters do not follow their grammar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (state, rest) = text.find(';').map_or((text, ""), |at| text.split_at(at));
        let params = if rest.is_empty() { Params::default() } else { params(rest)? };
        let seconds = |name| params.get(name)?.parse::<u32>().ok().map(|s| Duration::from_secs(s.into()));
        let state = state.trim();
        Some(match state.to_ascii_lowercase().as_str() {
            "" => return None,
            "active" => Self::Active(seconds("expires")),
            "pending" => Self::Pending(seconds("expires")),
            "terminated" => Self::Terminated {
                reason: params.get("reason").map(Reason::parse),
                retry_after: seconds("retry-after"),
            },
            _ => Self::Other(state.to_owned()),
        })
    }
}

impl Reason {
    fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "deactivated" => Self::Deactivated,
            "probation" => Self::Probation,
            "rejected" => Self::Rejected,
            "timeout" => Self::Timeout,
            "giveup" => Self::GiveUp,
            "noresource" => Self::NoResource,
            "invariant" => Self::Invariant,
            _ => Self::Other(text.to_owned()),
        }
    }
}

/// Parameters behind a token, by way of an address that has them.
fn params(text: &str) -> Option<Params> {
    let address: crate::message::NameAddr = format!("<sip:x.invalid>{text}").parse().ok()?;
    Some(address.params)
}
