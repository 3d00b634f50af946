//! Whom a relay sends to: addresses of the public internet, and what its operator allows besides.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[cfg(test)]
mod tests;

use core::{fmt, str::FromStr};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses that begin alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Prefix {
    first: IpAddr,
    bits: u8,
}

/// A text that is no prefix.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no prefix of addresses; write 192.0.2.0/24 or 2001:db8::/32")]
pub struct PrefixError(String);

impl Prefix {
    const fn v4(a: u8, b: u8, c: u8, bits: u8) -> Self {
        Self { first: IpAddr::V4(Ipv4Addr::new(a, b, c, 0)), bits }
    }

    const fn v6(a: u16, b: u16, c: u16, bits: u8) -> Self {
        Self { first: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), bits }
    }

    /// Whether `ip` is one of them; an IPv4 address is never one of IPv6's.
    #[must_use]
    pub fn holds(&self, ip: IpAddr) -> bool {
        let (mine, theirs, width) = match (self.first, ip) {
            (IpAddr::V4(mine), IpAddr::V4(theirs)) => {
                (u128::from(u32::from(mine)), u128::from(u32::from(theirs)), 32_u32)
            }
            (IpAddr::V6(mine), IpAddr::V6(theirs)) => (u128::from(mine), u128::from(theirs), 128),
            _ => return false,
        };
        let free = width.saturating_sub(u32::from(self.bits));
        (mine ^ theirs).checked_shr(free).unwrap_or(0) == 0
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let fail = || PrefixError(text.to_owned());
        let (ip, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let first: IpAddr = ip.parse().map_err(|_| fail())?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), |bits| bits.parse().map_err(|_| fail()))?;
        if bits > width {
            return Err(fail());
        }
        Ok(Self { first, bits })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// Whom a relay sends to. What is denied by name stays denied; else what is allowed by name is allowed; else what is
/// [`is_public`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Policy {
    allow: Vec<Prefix>,
    deny: Vec<Prefix>,
}

impl Policy {
    /// With exceptions in both directions.
    #[must_use]
    pub const fn new(allow: Vec<Prefix>, deny: Vec<Prefix>) -> Self {
        Self { allow, deny }
    }

    /// Whether anything may be sent to `ip`. All forms of one address are judged alike.
    #[must_use]
    pub fn allows(&self, ip: IpAddr) -> bool {
        let ip = canonical(ip);
        let inner = embedded(ip);
        let holds = |prefixes: &[Prefix], ip: IpAddr| prefixes.iter().any(|prefix| prefix.holds(ip));
        if holds(&self.deny, ip) || inner.is_some_and(|inner| holds(&self.deny, inner)) {
            return false;
        }
        // What is allowed by name need not be public, in whatever form it comes that is not denied as a form.
        holds(&self.allow, ip) || is_public(ip)
    }
}

/// The address that is meant: that of IPv4 where it stands in IPv6 as a mapped one.
#[must_use]
pub const fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// The IPv4 address that packets to `ip` end at, where IPv6 tells one: behind a translator (RFC 6052).
fn embedded(ip: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(ip) = ip else { return None };
    NAT64.holds(ip.into()).then(|| IpAddr::V4(last(ip)))
}

fn last(ip: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = ip.octets();
    Ipv4Addr::new(a, b, c, d)
}

/// Whether an address belongs to the public internet: none of those for special uses (RFC 6890 and its registries), no
/// multicast, no tunnel (6to4, Teredo, ISATAP) and no form of IPv4 inside IPv6 but that of a translator, where the inner
/// address is public.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    let ip = canonical(ip);
    match ip {
        IpAddr::V4(_) => !SPECIAL_V4.iter().any(|prefix| prefix.holds(ip)),
        IpAddr::V6(v6) => match embedded(ip) {
            Some(inner) => is_public(inner),
            None => GLOBAL.holds(ip) && !SPECIAL_V6.iter().any(|prefix| prefix.holds(ip)) && !is_isatap(v6),
        },
    }
}

/// Whether the lower half says that packets are to be tunnelled to an IPv4 address (RFC 5214 §6.1).
fn is_isatap(ip: Ipv6Addr) -> bool {
    let [_, _, _, _, high, low, _, _] = ip.segments();
    high & 0xfdff == 0 && low == 0x5efe
}

/// 0/8 this network, 10/8 private, 100.64/10 shared by carriers, 127/8 loopback, 169.254/16 link-local with the clouds'
/// metadata, 172.16/12 private, 192.0.0/24 protocols, 192.0.2/24 documentation, 192.31.196/24 and 192.175.48/24 AS112,
/// 192.52.193/24 AMT, 192.88.99/24 6to4, 192.168/16 private, 198.18/15 benchmarks, 198.51.100/24 and 203.0.113/24
/// documentation, 224/4 multicast, 240/4 reserved with the broadcast.
const SPECIAL_V4: &[Prefix] = &[
    Prefix::v4(0, 0, 0, 8),
    Prefix::v4(10, 0, 0, 8),
    Prefix::v4(100, 64, 0, 10),
    Prefix::v4(127, 0, 0, 8),
    Prefix::v4(169, 254, 0, 16),
    Prefix::v4(172, 16, 0, 12),
    Prefix::v4(192, 0, 0, 24),
    Prefix::v4(192, 0, 2, 24),
    Prefix::v4(192, 31, 196, 24),
    Prefix::v4(192, 52, 193, 24),
    Prefix::v4(192, 88, 99, 24),
    Prefix::v4(192, 168, 0, 16),
    Prefix::v4(192, 175, 48, 24),
    Prefix::v4(198, 18, 0, 15),
    Prefix::v4(198, 51, 100, 24),
    Prefix::v4(203, 0, 113, 24),
    Prefix::v4(224, 0, 0, 4),
    Prefix::v4(240, 0, 0, 4),
];

/// All that is given out to be routed (RFC 4291 §2.4): loopback, mapped and compatible addresses, unique-local, link-local,
/// site-local and multicast ones are outside.
const GLOBAL: Prefix = Prefix::v6(0x2000, 0, 0, 3);
/// The translators' well-known prefix (RFC 6052 §2.1); that for local use (RFC 8215) is outside of it.
const NAT64: Prefix = Prefix { first: IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0)), bits: 96 };
/// Within it: 2001::/23 protocols with Teredo, benchmarks and ORCHID, 2001:db8::/32 documentation, 2002::/16 6to4,
/// 2620:4f:8000::/48 AS112, 3fff::/20 documentation, 3ffe::/16 the 6bone that was.
const SPECIAL_V6: &[Prefix] = &[
    Prefix::v6(0x2001, 0, 0, 23),
    Prefix::v6(0x2001, 0xdb8, 0, 32),
    Prefix::v6(0x2002, 0, 0, 16),
    Prefix::v6(0x2620, 0x4f, 0x8000, 48),
    Prefix::v6(0x3ffe, 0, 0, 16),
    Prefix::v6(0x3fff, 0, 0, 20),
];
