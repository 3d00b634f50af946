//! The network between hosts: who has which address, the links, and the datagrams on their way.

use std::{collections::HashMap, net::IpAddr};

use rove_base::{Dscp, Entropy, Instant, UdpFlow};
use rove_phone::netem::{Fate, Impairments, Link, LinkStats, wire_bytes};

/// A datagram on its way. Its memory is used again for later ones.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// As the sender sees it.
    pub(crate) flow: UdpFlow,
    pub(crate) dscp: Dscp,
    pub(crate) to: usize,
    pub(crate) bytes: Vec<u8>,
}

/// Names an [`InFlight`] until it arrives.
pub(crate) type Slot = u32;

/// What became of a datagram that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sent {
    /// These arrive, at these instants.
    On([Option<(Instant, Slot)>; 2]),
    /// It does not arrive, for this reason.
    Gone(&'static str),
}

#[derive(Debug)]
pub(crate) struct Network {
    seed: u64,
    hosts: HashMap<IpAddr, usize>,
    links: HashMap<(usize, usize), Link>,
    default: Impairments,
    slots: Vec<InFlight>,
    free: Vec<Slot>,
}

impl Network {
    pub(crate) fn new(seed: u64, default: Impairments) -> Self {
        Self {
            seed,
            hosts: HashMap::new(),
            links: HashMap::new(),
            default,
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    /// From now on exactly these addresses lead to `host`.
    ///
    /// # Panics
    ///
    /// When another host has one of them.
    pub(crate) fn register(&mut self, host: usize, addresses: &[IpAddr]) {
        self.hosts.retain(|_, owner| *owner != host);
        for ip in addresses {
            let before = self.hosts.insert(*ip, host);
            assert!(before.is_none_or(|other| other == host), "{ip} belongs to two hosts");
        }
    }

    /// The addresses of `host`, in a stable order.
    pub(crate) fn addresses_of(&self, host: usize) -> Vec<IpAddr> {
        let mut addresses: Vec<_> =
            self.hosts.iter().filter(|(_, owner)| **owner == host).map(|(ip, _)| *ip).collect();
        addresses.sort_unstable();
        addresses
    }

    pub(crate) fn owner(&self, ip: IpAddr) -> Option<usize> {
        self.hosts.get(&ip).copied()
    }

    /// Links that are set up from now on do this, unless told otherwise.
    pub(crate) fn set_default(&mut self, impairments: Impairments) {
        self.default = impairments;
    }

    /// From now on the link from `from` to `to` does this.
    pub(crate) fn change(&mut self, from: usize, to: usize, impairments: Impairments) {
        self.link(from, to).change(impairments);
    }

    /// The link from `from` to `to`. Its chances depend on the seed and the two ends alone.
    pub(crate) fn link(&mut self, from: usize, to: usize) -> &mut Link {
        let (seed, default) = (self.seed, &self.default);
        self.links.entry((from, to)).or_insert_with(|| {
            let pair = (from as u64) << 32 | to as u64;
            let mut entropy = Entropy::from_number(seed ^ pair.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            // Inside a host nothing is impaired.
            let impairments = if from == to { Impairments::default() } else { default.clone() };
            Link::new(impairments, entropy.fork())
        })
    }

    pub(crate) fn stats(&self, from: usize, to: usize) -> LinkStats {
        self.links.get(&(from, to)).map(|link| *link.stats()).unwrap_or_default()
    }

    /// Puts a datagram of `from` on its way.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        from: usize,
        flow: UdpFlow,
        dscp: Dscp,
        bytes: &[u8],
    ) -> Sent {
        if self.owner(flow.local.ip()) != Some(from) {
            return Sent::Gone("not-ours");
        }
        let Some(to) = self.owner(flow.remote.ip()) else { return Sent::Gone("unroutable") };
        let size = wire_bytes(bytes.len(), flow.remote.is_ipv6());
        match self.link(from, to).send(now, size) {
            Fate::Arrives(at) => Sent::On([Some((at, self.keep(flow, dscp, to, bytes))), None]),
            Fate::ArrivesTwice(at, again) => {
                let first = self.keep(flow, dscp, to, bytes);
                Sent::On([Some((at, first)), Some((again, self.keep(flow, dscp, to, bytes)))])
            }
            Fate::Cut => Sent::Gone("cut"),
            Fate::Dropped => Sent::Gone("dropped"),
            Fate::Lost => Sent::Gone("lost"),
        }
    }

    fn keep(&mut self, flow: UdpFlow, dscp: Dscp, to: usize, bytes: &[u8]) -> Slot {
        if let Some(slot) = self.free.pop() {
            let kept = &mut self.slots[slot as usize];
            (kept.flow, kept.dscp, kept.to) = (flow, dscp, to);
            kept.bytes.clear();
            kept.bytes.extend_from_slice(bytes);
            return slot;
        }
        let slot = Slot::try_from(self.slots.len()).expect("fewer than 2³² datagrams are on their way");
        self.slots.push(InFlight { flow, dscp, to, bytes: bytes.to_vec() });
        slot
    }

    /// Lends the datagram that has arrived; [`Network::give_back`] ends the loan.
    pub(crate) fn take(&mut self, slot: Slot) -> InFlight {
        let kept = &mut self.slots[slot as usize];
        InFlight { flow: kept.flow, dscp: kept.dscp, to: kept.to, bytes: core::mem::take(&mut kept.bytes) }
    }

    pub(crate) fn give_back(&mut self, slot: Slot, datagram: InFlight) {
        self.slots[slot as usize] = datagram;
        self.free.push(slot);
    }
}
