//! What a home is told of itself and its partners.

use core::{net::IpAddr, str::FromStr, time::Duration};

use crate::{E164, NetworkName, Plmn, private::PartnerId};

/// A home.
#[derive(Clone, Debug)]
pub struct HlrConfig {
    /// Its node's number.
    pub hlr: E164,
    /// Its domain; names of subscribers stand below it.
    pub domain: NetworkName,
    /// Its network codes; identities of subscribers begin with one of them. Any identity where there is none.
    pub plmns: Vec<Plmn>,
    /// Whom it speaks with.
    pub agreements: Vec<Agreement>,
    /// How long resolvers may keep a terminal's addresses, in seconds, where the subscriber has no time of its own.
    pub ttl: u32,
    /// How it shares itself among those who ask.
    pub limits: Limits,
}

/// A network whose questions are answered.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// Its link.
    pub partner: PartnerId,
    /// Its domain.
    pub network: NetworkName,
    /// What names may be bound to there.
    pub prefixes: Vec<AddressPrefix>,
    /// Of the same operator: being there is not roaming.
    pub own: bool,
}

/// Bounds of time and memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest a binding holds without being renewed.
    pub longest_lease: Duration,
    /// How long a terminal may take from the update of its location to the proof.
    pub prove_within: Duration,
    /// How long a visited network is told again that a stay is over, or that a profile has changed.
    pub tell_within: Duration,
    /// Changes under way at a time; what comes beyond is refused with [`Cause::Overload`](crate::Cause::Overload).
    pub changes: usize,
    /// Things to tell visited networks at a time.
    pub errands: usize,
    /// Subscribers.
    pub subscribers: usize,
    /// Sequence numbers made durable at a time, so that most challenges need no write.
    pub sequence_ahead: u64,
}

impl Default for Limits {
    /// 5 min, 5 min, 60 s, 16 384, 65 536, a million, 1 000.
    fn default() -> Self {
        Self {
            longest_lease: Duration::from_secs(300),
            prove_within: Duration::from_secs(300),
            tell_within: Duration::from_secs(60),
            changes: 16_384,
            errands: 65_536,
            subscribers: 1_000_000,
            sequence_ahead: 1_000,
        }
    }
}

impl Agreement {
    /// Whether a name may be bound to `address` there.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.prefixes.iter().any(|prefix| prefix.contains(address))
    }
}

/// Addresses that begin alike, as `10.1.0.0/16`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AddressPrefix {
    first: IpAddr,
    length: u32,
}

/// Not `address/length`, or longer than the address.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "\"{0}\" is no network: an address, \"/\" and the number of its fixed bits are expected, as 10.1.0.0/16"
)]
pub struct PrefixError(String);

impl AddressPrefix {
    /// Whether `address` begins so.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let free = 32_u32.saturating_sub(self.length);
                (first.to_bits() ^ address.to_bits()).checked_shr(free).unwrap_or(0) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let free = 128_u32.saturating_sub(self.length);
                (first.to_bits() ^ address.to_bits()).checked_shr(free).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for AddressPrefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let parsed = text.split_once('/').and_then(|(first, length)| {
            let (first, length): (IpAddr, u32) = (first.parse().ok()?, length.parse().ok()?);
            let bits = if first.is_ipv4() { 32 } else { 128 };
            (length <= bits).then_some(Self { first, length })
        });
        parsed.ok_or_else(|| PrefixError(text.to_owned()))
    }
}
