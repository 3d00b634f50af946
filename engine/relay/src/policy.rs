//! Whom a relay sends to: addresses of the public internet, and what its operator allows besides.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::panic)]

    use rove_base::Entropy;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn no_special_address_is_public_in_any_of_its_forms() {
        let special = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.8.8.8 169.254.169.254 \
            169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 \
            198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255";
        for text in special.split_whitespace() {
            let IpAddr::V4(v4) = ip(text) else { panic!("{text}") };
            let [a, b, c, d] = v4.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            let forms: [IpAddr; 10] = [
                v4.into(),
                v4.to_ipv6_mapped().into(),
                v4.to_ipv6_compatible().into(),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into(),
                Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0xf7f7, 0xf7f7).into(),
                Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low).into(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into(),
                Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low).into(),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low).into(),
                Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, high, low).into(),
            ];
            for form in forms {
                assert!(!Policy::default().allows(form), "{text} as {form}");
            }
        }
        let special = ":: ::1 ::2 64:ff9b:1::808:808 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:808:808::1 \
            3ffe::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456::1 fe80::1 fe80::5efe:7f00:1 fec0::1 ff02::1 ff05::2";
        for text in special.split_whitespace() {
            assert!(!Policy::default().allows(ip(text)), "{text}");
        }
    }

    #[test]
    fn the_public_internet_is_public_also_behind_a_translator() {
        let public = "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 \
            169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 \
            223.255.255.255 2001:4860:4860::8888 2a00:1450::1 2600::1 64:ff9b::808:808 ::ffff:8.8.8.8";
        for text in public.split_whitespace() {
            assert!(Policy::default().allows(ip(text)), "{text}");
        }
    }

    #[test]
    fn what_is_denied_by_name_stays_denied_and_what_is_allowed_by_name_is_allowed() {
        let prefixes =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Prefix>>();
        let policy = Policy::new(
            prefixes(&["127.0.0.0/8", "10.1.0.0/16", "::1"]),
            prefixes(&["10.1.9.0/24", "8.8.8.8"]),
        );
        let cases = [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("::1", true),
            ("10.1.0.1", true),
            ("10.1.9.1", false),
            ("10.2.0.1", false),
            ("8.8.8.8", false),
            ("64:ff9b::808:808", false),
            ("64:ff9b::7f00:1", false),
            ("::127.0.0.1", false),
        ];
        for (text, expected) in cases {
            assert_eq!(policy.allows(ip(text)), expected, "{text}");
        }
        for text in ["", "x", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8"] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
        assert!(
            prefixes(&["0.0.0.0/0"])[0].holds(ip("255.1.2.3")) && prefixes(&["::/0"])[0].holds(ip("ff02::1"))
        );
    }

    /// Judges by the standard library and by arithmetic of its own.
    fn forbidden(ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                ip.is_private()
                    || ip.is_loopback()
                    || ip.is_link_local()
                    || ip.is_multicast()
                    || ip.is_documentation()
                    || ip.is_broadcast()
                    || a == 0
                    || a >= 240
                    || a == 100 && b & 0xc0 == 64
                    || a == 198 && b & 0xfe == 18
                    || (a, b, c) == (192, 0, 0)
                    || (a, b, c) == (192, 88, 99)
            }
            IpAddr::V6(ip) => {
                let [a, b, .., y, z] = ip.segments();
                let inner = Ipv4Addr::from(u32::from(y) << 16 | u32::from(z));
                match ip.to_ipv4_mapped() {
                    Some(mapped) => forbidden(mapped.into()),
                    None if (a, b) == (0x64, 0xff9b) && ip.segments()[2..6] == [0; 4] => {
                        forbidden(inner.into())
                    }
                    None => a & 0xe000 != 0x2000 || a == 0x2002 || a == 0x2001 && (b < 0x200 || b == 0xdb8),
                }
            }
        }
    }

    fn hunt(rounds: u64) {
        let mut entropy = Entropy::from_number(26);
        let (mut relayed, mut denied) = (0_u64, 0_u64);
        let policy = Policy::default();
        for round in 0..rounds {
            let v4 = Ipv4Addr::from(entropy.next_u32());
            let random = u128::from(entropy.next_u64()) << 64 | u128::from(entropy.next_u64());
            let low = random as u32;
            let ip: IpAddr = match round % 8 {
                0..=2 => v4.into(),
                3 => Ipv6Addr::from(random).into(),
                4 => v4.to_ipv6_mapped().into(),
                5 => Ipv6Addr::from(0x64_ff9b_u128 << 96 | u128::from(low)).into(),
                6 => Ipv6Addr::from(random >> 3 | 1 << 125).into(),
                _ => Ipv6Addr::from(u128::from(low)).into(),
            };
            if policy.allows(ip) {
                assert!(!forbidden(ip), "{ip}");
                relayed += 1;
            } else {
                denied += 1;
            }
        }
        assert!(relayed > rounds / 4 && denied > rounds / 4, "{relayed} relayed, {denied} denied");
    }

    #[test]
    fn of_a_hundred_thousand_random_addresses_none_is_relayed_that_is_special() {
        hunt(100_000);
    }

    #[test]
    #[ignore = "the long form"]
    fn of_ten_million_random_addresses_none_is_relayed_that_is_special() {
        hunt(10_000_000);
    }
}
