//! Addresses of record.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::sync::Arc;

use crate::message::{SipUri, Uri};

/// Who is registered: the canonical form of a SIP URI, without scheme, port, parameters and escapes
/// (RFC 3261 §10.3 step 5). Any bytes can be in its user, zero included.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Aor(Arc<[u8]>);

impl Aor {
    /// The address of record that a SIP or SIPS URI means.
    #[must_use]
    pub fn of(uri: &SipUri) -> Self {
        Self::from_parts(&uri.user_bytes().unwrap_or_default(), &uri.host.to_string())
    }

    /// Of a user, unescaped, and a host.
    #[must_use]
    pub fn from_parts(user: &[u8], host: &str) -> Self {
        let mut bytes = Vec::with_capacity(user.len().saturating_add(host.len()).saturating_add(1));
        bytes.extend_from_slice(user);
        bytes.push(b'@');
        bytes.extend(host.trim_end_matches('.').bytes().map(|byte| byte.to_ascii_lowercase()));
        Self(bytes.into())
    }

    /// The same of any URI. `None` when it is not SIP.
    #[must_use]
    pub fn of_uri(uri: &Uri) -> Option<Self> {
        uri.as_sip().map(Self::of)
    }

    /// Of the bytes that [`Aor::as_bytes`] answered.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// User, `@` and host.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The user, unescaped.
    #[must_use]
    pub fn user(&self) -> &[u8] {
        let at = self.0.iter().rposition(|byte| *byte == b'@').unwrap_or(0);
        self.0.get(..at).unwrap_or_default()
    }
}

impl fmt::Debug for Aor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Display for Aor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}
