//! What an IPv6 router tells the hosts of its link (RFC 4861 §4.2): that addresses are given by DHCPv6, and the rest.

use core::time::Duration;

use super::V6Config;

impl V6Config {
    /// The router advertisement of this link, checksum left out. Addresses come from DHCPv6 alone (M and O set, and no
    /// prefix to make addresses of), which only who shows a token is given. `lifetime` is how long hosts send through this
    /// node; zero when it is no router, or not any more.
    #[must_use]
    pub fn advertisement(&self, lifetime: Duration) -> Vec<u8> {
        let secs = u16::try_from(lifetime.as_secs()).unwrap_or(u16::MAX).min(LONGEST_LIFETIME);
        let mut message = vec![ADVERTISEMENT, 0, 0, 0, HOPS, MANAGED | OTHER];
        message.extend_from_slice(&secs.to_be_bytes());
        // How long neighbours are reachable, and when they are asked again: as hosts like.
        message.extend_from_slice(&[0; 8]);
        message.extend_from_slice(&[SOURCE, 1]);
        message.extend_from_slice(&self.server);
        message.extend_from_slice(&[PREFIX, 4, 64, ON_LINK]);
        message.extend_from_slice(&[FACTS_LAST.to_be_bytes(), FACTS_LAST.to_be_bytes(), [0; 4]].concat());
        message.extend_from_slice(&(self.prefix.to_bits() & NETWORK).to_be_bytes());
        let resolvers = self.dns.len().min(RESOLVERS);
        if let Some(length) = u8::try_from(resolvers).ok().filter(|count| *count > 0) {
            message.extend_from_slice(&[RDNSS, length.saturating_mul(2).saturating_add(1), 0, 0]);
            message.extend_from_slice(&FACTS_LAST.to_be_bytes());
            self.dns.iter().take(resolvers).for_each(|dns| message.extend_from_slice(&dns.octets()));
        }
        message
    }
}

/// The type of a router advertisement.
const ADVERTISEMENT: u8 = 134;
/// Hops that hosts let packets make.
const HOPS: u8 = 64;
const MANAGED: u8 = 0x80;
const OTHER: u8 = 0x40;
/// Options: the router's hardware address, a prefix, resolvers (RFC 8106 §5.1).
const SOURCE: u8 = 1;
const PREFIX: u8 = 3;
const RDNSS: u8 = 25;
/// Addresses of the prefix are neighbours; hosts do not make themselves one.
const ON_LINK: u8 = 0x80;
/// Seconds that prefix and resolvers are good for, unless told again.
const FACTS_LAST: u32 = 1_800;
/// RFC 4861 §6.2.1.
const LONGEST_LIFETIME: u16 = 9_000;
/// The bits of a prefix.
const NETWORK: u128 = !0 << 64;
/// Resolvers that are told.
const RESOLVERS: usize = 3;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_to_ask_dhcp_and_to_make_themselves_no_address() {
        let config = V6Config {
            prefix: "2001:db8:7:9::5".parse().unwrap(),
            server: [2, 0, 0, 0, 0, 1],
            dns: vec!["2001:db8::53".parse().unwrap(); 5],
            local: ("::".parse().unwrap(), 0),
        };
        let told = config.advertisement(Duration::from_secs(600));
        assert_eq!(told[..8], [134, 0, 0, 0, 64, 0xc0, 600_u16.to_be_bytes()[0], 600_u16.to_be_bytes()[1]]);
        assert_eq!(told[16..24], [1, 1, 2, 0, 0, 0, 0, 1]);
        assert_eq!(told[24..28], [3, 4, 64, 0x80], "on the link, and not to make addresses of");
        assert_eq!(told[40..56], "2001:db8:7:9::".parse::<core::net::Ipv6Addr>().unwrap().octets());
        assert_eq!((told[56], told[57], told.len()), (25, 7, 56 + 8 + 48), "three of the five resolvers");
        let quiet = V6Config { dns: Vec::new(), ..config };
        let told = quiet.advertisement(Duration::from_secs(1 << 20));
        assert_eq!((told.len(), &told[6..8]), (56, &9_000_u16.to_be_bytes()[..]));
    }
}
