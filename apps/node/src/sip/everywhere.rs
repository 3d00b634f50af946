//! What stands for `0.0.0.0` and `[::]` in what a server sends.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use rove_driver::address_toward;
use rove_sip::transport::LocalAddress;

/// For each of these, which stand for all addresses of this host: the one that the way to everybody leads out of, and
/// loopback. The others are learned from what comes to them.
pub(super) fn at_this_host(everywhere: &[LocalAddress]) -> Vec<LocalAddress> {
    let mut all = Vec::new();
    for &LocalAddress { transport, address } in everywhere {
        // Nobody is there; to ask for the way sends nothing.
        let (far, loopback) = match address {
            SocketAddr::V4(_) => (IpAddr::from([192, 0, 2, 1]), IpAddr::from([127, 0, 0, 1])),
            SocketAddr::V6(_) => {
                (IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]), IpAddr::V6(Ipv6Addr::LOCALHOST))
            }
        };
        let out = address_toward(SocketAddr::new(far, address.port().max(1))).ok();
        for ip in out.into_iter().chain([loopback]) {
            let one = LocalAddress { transport, address: SocketAddr::new(ip, address.port()) };
            if !ip.is_unspecified() && !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use rove_base::Transport;

    use super::*;

    #[test]
    fn all_addresses_are_at_least_loopback_and_none_is_the_unspecified_one() {
        for (any, loopback) in [("0.0.0.0:5060", "127.0.0.1:5060"), ("[::]:5060", "[::1]:5060")] {
            let any = LocalAddress { transport: Transport::Udp, address: any.parse().unwrap() };
            let all = at_this_host(&[any]);
            assert!(all.iter().any(|one| one.address == loopback.parse().unwrap()), "{all:?}");
            let fine = |one: &LocalAddress| !one.address.ip().is_unspecified() && one.address.port() == 5060;
            assert!(all.iter().all(fine) && all.len() <= 2, "{all:?}");
        }
        assert!(at_this_host(&[]).is_empty());
    }
}
