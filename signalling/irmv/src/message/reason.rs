//! Why something is not done.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

/// Why something is not done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// A claim whose signature is not its user's.
    Signature,
    /// A claim that is older than the one that stands.
    Old,
    /// The name is of another domain.
    Domain,
    /// Name, number or address are somebody else's.
    Taken,
    /// It would last longer than is allowed, or is over already.
    Lifetime,
    /// Nothing stands behind the number or the address.
    Unproved,
    /// There is no room for more.
    Full,
    /// The other server cannot be reached, or does not answer.
    Unreachable,
    /// The other server says what is not believed.
    Distrusted,
    /// Nothing can be made durable.
    Broken,
}

impl Reason {
    const ALL: [Self; 10] = [
        Self::Signature,
        Self::Old,
        Self::Domain,
        Self::Taken,
        Self::Lifetime,
        Self::Unproved,
        Self::Full,
        Self::Unreachable,
        Self::Distrusted,
        Self::Broken,
    ];

    /// As it is on the wire, from 1 in the order of its definition.
    pub(super) fn code(self) -> u8 {
        let place = Self::ALL.iter().position(|one| *one == self).unwrap_or_default();
        u8::try_from(place).unwrap_or_default().saturating_add(1)
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code.checked_sub(1)?)).copied()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "the claim is not signed by its user",
            Self::Old => "a later claim stands",
            Self::Domain => "the name is of another domain",
            Self::Taken => "the name, number or address is somebody else's",
            Self::Lifetime => "it would last too long, or is over already",
            Self::Unproved => "nothing stands behind the number or the address",
            Self::Full => "the server has no room for more",
            Self::Unreachable => "the other server cannot be reached",
            Self::Distrusted => "the other server says what is not believed",
            Self::Broken => "the server cannot keep anything",
        })
    }
}
