//! Who opens a connection: the attribute `setup` (RFC 4145 §4).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::DtlsRole;

/// Who opens a connection (RFC 4145 §4).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Setup {
    /// Whoever says so opens it.
    Active,
    /// Whoever says so waits for it.
    Passive,
    /// Either; the answer decides.
    ActPass,
    /// Nobody, for the time being.
    HoldConn,
}

impl Setup {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        }
    }

    /// What answers to an offer that says it (RFC 5763 §5). `None` where nobody would open, which DTLS has no use for.
    pub(crate) const fn answered(self) -> Option<DtlsRole> {
        match self {
            Self::Active => Some(DtlsRole::Passive),
            Self::Passive | Self::ActPass => Some(DtlsRole::Active),
            Self::HoldConn => None,
        }
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let all = [Self::Active, Self::Passive, Self::ActPass, Self::HoldConn];
        all.into_iter().find(|setup| setup.name().eq_ignore_ascii_case(text.trim()))
    }
}

impl From<DtlsRole> for Setup {
    fn from(role: DtlsRole) -> Self {
        match role {
            DtlsRole::Active => Self::Active,
            DtlsRole::Passive => Self::Passive,
        }
    }
}
