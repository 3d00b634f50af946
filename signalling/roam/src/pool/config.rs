//! What a pool gives out, and how long.

use core::{
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

/// How an address pool works.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// IPv4; `None` gives out none.
    pub v4: Option<V4Config>,
    /// IPv6; `None` gives out none.
    pub v6: Option<V6Config>,
    /// The longest time that a resolver may still remember an address under its last name.
    pub name_ttl: Duration,
    /// How long an address waits for its terminal to ask for it.
    pub patience: Duration,
}

/// The IPv4 half.
#[derive(Clone, Debug)]
pub struct V4Config {
    /// What is given out.
    pub ranges: Vec<Range4>,
    /// The server as its clients see it (option 54), and where it answers from.
    pub server: Ipv4Addr,
    /// How many leading bits of an address are those of its network (option 1), 0 to 32.
    pub prefix_len: u8,
    /// The way out (option 3).
    pub router: Option<Ipv4Addr>,
    /// Resolvers (option 6); those after the fourth are not told.
    pub dns: Vec<Ipv4Addr>,
    /// Where clients ask, 67 unless ports below 1024 are out of reach.
    pub server_port: u16,
    /// Where clients listen, 68 unless ports below 1024 are out of reach.
    pub client_port: u16,
    /// Answers go where the question came from, as on a loopback interface, where nobody can be reached otherwise.
    pub to_source: bool,
}

/// The IPv6 half.
#[derive(Clone, Debug)]
pub struct V6Config {
    /// Its first 64 bits are those of every address given out; the rest is drawn.
    pub prefix: Ipv6Addr,
    /// The server's link-layer address, which names it in DHCPv6 (RFC 8415 §11.4).
    pub server: [u8; 6],
    /// Resolvers (option 23, and RFC 8106 §5.1); those after the third are not told.
    pub dns: Vec<Ipv6Addr>,
    /// Where the server's end of the link is: a link-local address, with its interface's number.
    pub local: (Ipv6Addr, u32),
}

/// Addresses from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Range4 {
    /// The lowest.
    pub first: Ipv4Addr,
    /// The highest.
    pub last: Ipv4Addr,
}

/// Why a pool cannot work as it is told to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolConfigError {
    /// A range without an address.
    #[error("no address lies from {first} to {last}")]
    EmptyRange {
        /// The lower end.
        first: Ipv4Addr,
        /// The upper end.
        last: Ipv4Addr,
    },
    /// An address that two ranges name.
    #[error("{0} is in two ranges")]
    Overlap(Ipv4Addr),
    /// More than [`MAX_ADDRESSES`].
    #[error("a pool has at most {MAX_ADDRESSES} IPv4 addresses")]
    TooMany,
    /// The server's or the router's own address is to be given out.
    #[error("{0} is the server's or the router's own and cannot be given out")]
    Own(Ipv4Addr),
    /// A range reaches out of the network.
    #[error("{0} is outside of the server's network")]
    Outside(Ipv4Addr),
    /// Neither IPv4 nor IPv6.
    #[error("a pool gives out IPv4, IPv6 or both")]
    Nothing,
}

impl PoolConfig {
    /// How long an address rests before somebody else may have it: at least a minute.
    pub(super) fn rest(&self) -> Duration {
        self.name_ttl.max(SHORTEST_REST)
    }

    /// The IPv4 addresses, lowest first.
    pub(super) fn addresses(&self) -> Result<Vec<Ipv4Addr>, PoolConfigError> {
        let Some(v4) = &self.v4 else {
            return if self.v6.is_some() { Ok(Vec::new()) } else { Err(PoolConfigError::Nothing) };
        };
        let mut ranges = v4.ranges.clone();
        ranges.sort_by_key(|range| range.first);
        let mut addresses: Vec<Ipv4Addr> = Vec::new();
        for Range4 { first, last } in ranges {
            if first > last {
                return Err(PoolConfigError::EmptyRange { first, last });
            }
            if addresses.last().is_some_and(|&highest| highest >= first) {
                return Err(PoolConfigError::Overlap(first));
            }
            let size = u64::from(last.to_bits()).saturating_sub(u64::from(first.to_bits()));
            if size.saturating_add(addresses.len() as u64) >= MAX_ADDRESSES {
                return Err(PoolConfigError::TooMany);
            }
            addresses.extend((first.to_bits()..=last.to_bits()).map(Ipv4Addr::from_bits));
        }
        match (addresses.first(), addresses.last()) {
            (Some(&first), Some(&last)) => v4.check(first, last, &addresses)?,
            _ => return Err(PoolConfigError::Nothing),
        }
        Ok(addresses)
    }
}

impl V4Config {
    fn check(&self, first: Ipv4Addr, last: Ipv4Addr, all: &[Ipv4Addr]) -> Result<(), PoolConfigError> {
        let mask = self.mask().to_bits();
        let network = self.server.to_bits() & mask;
        if let Some(&outside) = [first, last].iter().find(|end| end.to_bits() & mask != network) {
            return Err(PoolConfigError::Outside(outside));
        }
        let own = [Some(self.server), self.router];
        match own.iter().flatten().find(|own| all.binary_search(own).is_ok()) {
            Some(&own) => Err(PoolConfigError::Own(own)),
            None => Ok(()),
        }
    }

    /// Option 1.
    pub(super) fn mask(&self) -> Ipv4Addr {
        let host = 32_u32.saturating_sub(u32::from(self.prefix_len));
        Ipv4Addr::from_bits(u32::MAX.checked_shl(host).unwrap_or(0))
    }
}

/// Bounds the memory of a pool.
pub const MAX_ADDRESSES: u64 = 1 << 20;

/// Whatever the TTL of a name: connections to its last owner also have to fade.
const SHORTEST_REST: Duration = Duration::from_secs(60);
