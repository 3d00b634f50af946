//! Why requests are refused.

use crate::{
    tsig::TsigError,
    update::UpdateError,
    wire::{Name, rcode},
};

/// Why a request was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Its signature is not good.
    #[error(transparent)]
    Signature(#[from] TsigError),
    /// It cannot be applied.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// A zone that whoever asks may not have.
    #[error("zone {zone} is not to be transferred there")]
    Transfer {
        /// The zone, or what was taken for one.
        zone: Name,
    },
    /// As many transfers run as there may.
    #[error("too many transfers run already")]
    TransferBusy,
    /// An update nobody signed.
    #[error("the update is not signed")]
    NotSigned,
}

impl Refusal {
    /// The RCODE of the answer.
    #[must_use]
    pub const fn rcode(&self) -> u16 {
        match self {
            Self::Signature(error) if error.code().is_some() => rcode::NOTAUTH,
            Self::Signature(_) => rcode::FORMERR,
            Self::Update(error) => error.rcode(),
            Self::NotSigned | Self::Transfer { .. } => rcode::REFUSED,
            Self::TransferBusy => rcode::SERVFAIL,
        }
    }

    /// A word for the cause, to count it by.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::Signature(error) => error.cause(),
            Self::Update(error) => error.cause(),
            Self::NotSigned => "not signed",
            Self::Transfer { .. } => "transfer",
            Self::TransferBusy => "transfer busy",
        }
    }
}

/// Every cause for which the server refuses something.
pub(super) const CAUSES: [&str; 22] = [
    "malformed",
    "not supported",
    "rate",
    "not signed",
    "malformed signature",
    "unknown key",
    "bad signature",
    "bad time",
    "repeat",
    "truncated signature",
    "not our zone",
    "name of another zone",
    "prerequisite",
    "name out of scope",
    "type out of scope",
    "alias",
    "too large",
    "no room",
    "busy",
    "no journal",
    "transfer",
    "transfer busy",
];
