//! The ports that calls share, as the desk has them: which pair a call gets, and who is at the other end of it.
//!
//! A pair serves many calls as long as no two of them have the same address at the other end, which is what their packets are
//! told apart by. A callee knows that address before it picks its own port; a caller does not, but callees that answer each call
//! from another port are the rule. Where one is met that does not, each call gets a pair of its own from then on.

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

use rove_io::net::{BindError, UdpSocket, bind_pair};

/// Pairs of ports, RTP and RTCP.
#[derive(Debug)]
pub(crate) struct Pool {
    pairs: Vec<Pair>,
    /// Every call has one of its own.
    alone: bool,
    /// All calls have the same one: nothing is sent there.
    silent: bool,
    /// Where the peers' media are.
    remotes: HashSet<SocketAddr>,
}

#[derive(Debug)]
struct Pair {
    rtp: SocketAddr,
    rtcp: SocketAddr,
    calls: usize,
    remotes: HashSet<SocketAddr>,
}

/// What a call has of a pool, to be given back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Lease {
    pair: usize,
    remote: Option<SocketAddr>,
    /// Our RTP address.
    pub(crate) rtp: SocketAddr,
    /// Our RTCP address.
    pub(crate) rtcp: SocketAddr,
}

impl Lease {
    /// Which of the pool's pairs.
    pub(crate) const fn pair(&self) -> usize {
        self.pair
    }
}

/// Two calls with the same ports at both ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "another call has the same ports at both ends: {0} answers several calls from one port; later calls get ports of their own"
)]
pub(crate) struct Taken(SocketAddr);

impl Pool {
    /// No pairs yet. `silent`: one will do for all calls.
    pub(crate) fn new(silent: bool) -> Self {
        Self { pairs: Vec::new(), alone: false, silent, remotes: HashSet::new() }
    }

    /// Ports on `ip` for a call whose media go to `remote`, as far as that is known; with the sockets where they were opened
    /// for it.
    ///
    /// # Errors
    ///
    /// [`BindError`].
    pub(crate) fn lease(
        &mut self,
        ip: IpAddr,
        remote: Option<SocketAddr>,
    ) -> Result<(Lease, Option<(UdpSocket, UdpSocket)>), BindError> {
        if let Some(pair) = self.free(ip, remote) {
            return Ok((self.take(pair), None));
        }
        let (rtp, rtcp) = bind_pair(ip)?;
        let addresses = (rtp.local_addr(), rtcp.local_addr());
        self.pairs.push(Pair { rtp: addresses.0, rtcp: addresses.1, calls: 0, remotes: HashSet::new() });
        Ok((self.take(self.pairs.len() - 1), Some((rtp, rtcp))))
    }

    /// The call's media go to `remote`.
    ///
    /// # Errors
    ///
    /// [`Taken`]: those of another call on the same ports do.
    pub(crate) fn claim(&mut self, lease: &mut Lease, remote: SocketAddr) -> Result<(), Taken> {
        let Some(pair) = self.pairs.get_mut(lease.pair) else { return Ok(()) };
        // One port for several calls: ports of ours tell them apart.
        self.alone |= !self.remotes.insert(remote) && !self.silent;
        if !pair.remotes.insert(remote) && !self.silent {
            return Err(Taken(remote));
        }
        lease.remote = Some(remote);
        Ok(())
    }

    /// The call needs them no more.
    pub(crate) fn give_back(&mut self, lease: &Lease) {
        if let Some(pair) = self.pairs.get_mut(lease.pair) {
            pair.calls = pair.calls.saturating_sub(1);
            if let Some(remote) = lease.remote {
                pair.remotes.remove(&remote);
                self.remotes.remove(&remote);
            }
        }
    }

    /// The pair that serves the fewest of those that may serve another.
    fn free(&self, ip: IpAddr, remote: Option<SocketAddr>) -> Option<usize> {
        let most = match (self.silent, self.alone || self.pairs.len() < FEW) {
            (true, _) => usize::MAX,
            (false, true) => 1,
            (false, false) => MOST,
        };
        let here = self.pairs.iter().enumerate().filter(|(_, pair)| pair.rtp.ip() == ip && pair.calls < most);
        let apart = here.filter(|(_, pair)| remote.is_none_or(|remote| !pair.remotes.contains(&remote)));
        apart.min_by_key(|(_, pair)| pair.calls).map(|(at, _)| at)
    }

    fn take(&mut self, at: usize) -> Lease {
        let unknown = SocketAddr::new(IpAddr::from([0, 0, 0, 0]), 0);
        let pair = self.pairs.get_mut(at);
        let (rtp, rtcp) = pair.as_ref().map_or((unknown, unknown), |pair| (pair.rtp, pair.rtcp));
        pair.into_iter().for_each(|pair| pair.calls += 1);
        Lease { pair: at, remote: None, rtp, rtcp }
    }
}

/// So many calls have a pair each before any share one: by then it has shown how the other side picks its ports.
pub(crate) const FEW: usize = 64;
/// Calls of one pair; those of so many wait for each other in its buffers when the mill stalls for a fifth of a second.
pub(crate) const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn remote(port: u16) -> SocketAddr {
        SocketAddr::new(HERE, port)
    }

    #[test]
    fn the_first_calls_have_ports_of_their_own_and_later_ones_share_them_evenly() {
        let mut pool = Pool::new(false);
        let mut leases = Vec::new();
        for n in 0..FEW * 3 {
            let (mut lease, new) = pool.lease(HERE, None).unwrap();
            assert_eq!(new.is_some(), n < FEW);
            pool.claim(&mut lease, remote(10_000 + u16::try_from(n).unwrap())).unwrap();
            leases.push(lease);
        }
        assert!(pool.pairs.iter().all(|pair| pair.calls == 3));
        leases.iter().for_each(|lease| pool.give_back(lease));
        assert!(pool.pairs.iter().all(|pair| pair.calls == 0 && pair.remotes.is_empty()));
    }

    #[test]
    fn a_callee_gives_calls_from_one_address_different_ports() {
        let mut pool = Pool::new(false);
        let mut used = HashSet::new();
        for _ in 0..FEW * 2 {
            let (mut lease, _) = pool.lease(HERE, Some(remote(5_000))).unwrap();
            pool.claim(&mut lease, remote(5_000)).unwrap();
            assert!(used.insert(lease.rtp));
        }
    }

    #[test]
    fn where_the_other_side_has_one_port_for_all_each_call_has_its_own() {
        let mut pool = Pool::new(false);
        let leases: Vec<Lease> = (0..FEW).map(|_| pool.lease(HERE, None).unwrap().0).collect();
        for mut lease in leases {
            pool.claim(&mut lease, remote(6_000)).unwrap();
        }
        assert!(pool.lease(HERE, None).unwrap().1.is_some(), "and so on");
        let mut late = Pool::new(false);
        let leases: Vec<Lease> = (0..FEW * 2).map(|_| late.lease(HERE, None).unwrap().0).collect();
        let claims: Vec<_> =
            leases.into_iter().map(|mut lease| late.claim(&mut lease, remote(6_000))).collect();
        assert_eq!(
            claims.iter().filter(|claim| claim.is_ok()).count(),
            FEW,
            "those that came too soon are refused"
        );
    }

    #[test]
    fn without_media_one_pair_serves_all_calls() {
        let mut pool = Pool::new(true);
        let opened = (0..100).filter(|_| {
            let (mut lease, new) = pool.lease(HERE, None).unwrap();
            pool.claim(&mut lease, remote(7_000)).unwrap();
            new.is_some()
        });
        assert_eq!(opened.count(), 1);
    }
}
