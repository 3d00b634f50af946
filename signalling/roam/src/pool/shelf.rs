//! The addresses of one family that nobody has: which comes next, and which have to rest.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rove_base::{Entropy, Instant};

use crate::Imsi;

/// Addresses without an owner.
///
/// Those of IPv4 stand in a queue, shuffled in the beginning and then the one that was used longest ago first. Before
/// any is given out it is on record as opened, a handful at a time: after a crash an opened address of which nothing
/// else is known may have been bound at some home, and rests.
#[derive(Debug)]
pub(super) struct Shelf {
    supply: Supply,
    resting: BTreeMap<IpAddr, Rest>,
    ends: BTreeSet<(Instant, IpAddr)>,
    of_holder: BTreeSet<(Imsi, Instant, IpAddr)>,
}

#[derive(Debug)]
enum Supply {
    Queue(Queue),
    /// Drawn below these 64 bits; no address comes twice.
    Drawn(u64),
}

#[derive(Debug)]
struct Queue {
    open: VecDeque<Ipv4Addr>,
    opening: Vec<Ipv4Addr>,
    closed: VecDeque<Ipv4Addr>,
    block: usize,
}

/// An address that nobody may have yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rest {
    pub(super) until: Instant,
    /// Who had it last, where that is known.
    pub(super) holder: Option<Imsi>,
}

impl Shelf {
    /// IPv4 addresses, in an order that only `entropy` knows.
    pub(super) fn queue(mut addresses: Vec<Ipv4Addr>, entropy: &mut Entropy) -> Self {
        for at in (1..addresses.len()).rev() {
            addresses.swap(at, below(entropy, at));
        }
        let block = addresses.len().checked_div(EACH_BLOCK).unwrap_or(0).clamp(SMALLEST_BLOCK, LARGEST_BLOCK);
        let queue = Queue { open: VecDeque::new(), opening: Vec::new(), closed: addresses.into(), block };
        Self::of(Supply::Queue(queue))
    }

    /// IPv6 addresses below the first 64 bits of `prefix`.
    pub(super) fn drawn(prefix: Ipv6Addr) -> Self {
        let high = prefix.to_bits() >> 64;
        Self::of(Supply::Drawn(u64::try_from(high).unwrap_or(0)))
    }

    fn of(supply: Supply) -> Self {
        Self { supply, resting: BTreeMap::new(), ends: BTreeSet::new(), of_holder: BTreeSet::new() }
    }

    /// The next address for `holder`, that may be called `is_taken` by somebody. Who has left too many behind gets its own
    /// oldest one back, so that nobody can empty the pool by coming and going. That is on no record: after a crash what
    /// rests, rests anew.
    pub(super) fn take(
        &mut self,
        holder: Imsi,
        entropy: &mut Entropy,
        is_taken: impl Fn(IpAddr) -> bool,
    ) -> Option<IpAddr> {
        if self.left_by(holder).count() >= MAX_RESTING {
            let (_, _, oldest) = *self.left_by(holder).next()?;
            self.wake(oldest);
            return Some(oldest);
        }
        match &mut self.supply {
            Supply::Queue(queue) => queue.open.pop_front().map(IpAddr::V4),
            Supply::Drawn(high) => {
                let high = u128::from(*high) << 64;
                let mut draw = || IpAddr::V6(Ipv6Addr::from_bits(high | u128::from(entropy.next_u64())));
                let fresh = |address: &IpAddr| !is_taken(*address) && !self.resting.contains_key(address);
                (0..ATTEMPTS).map(|_| draw()).find(|address| fresh(address) && !is_special(address))
            }
        }
    }

    fn left_by(&self, holder: Imsi) -> impl Iterator<Item = &(Imsi, Instant, IpAddr)> {
        self.of_holder.range((holder, Instant::ZERO, LOWEST)..).take_while(move |(of, ..)| *of == holder)
    }

    /// Lays an address to rest.
    pub(super) fn rest(&mut self, address: IpAddr, rest: Rest) {
        self.wake(address);
        self.resting.insert(address, rest);
        self.ends.insert((rest.until, address));
        if let Some(holder) = rest.holder {
            self.of_holder.insert((holder, rest.until, address));
        }
    }

    /// Takes an address out of its rest, to be owned.
    pub(super) fn wake(&mut self, address: IpAddr) {
        if let Some(rest) = self.resting.remove(&address) {
            self.ends.remove(&(rest.until, address));
            if let Some(holder) = rest.holder {
                self.of_holder.remove(&(holder, rest.until, address));
            }
        }
    }

    /// After a replay: what has an owner, or rests, does not stand in the queue.
    pub(super) fn settle(&mut self, is_owned: impl Fn(IpAddr) -> bool) {
        let Supply::Queue(queue) = &mut self.supply else { return };
        let resting = &self.resting;
        let free = |v4: &Ipv4Addr| !is_owned((*v4).into()) && !resting.contains_key(&IpAddr::V4(*v4));
        queue.closed.retain(free);
    }

    /// Addresses whose rest is over can be given out again.
    pub(super) fn tick(&mut self, now: Instant) {
        while let Some(&(until, address)) = self.ends.first().filter(|(until, _)| *until <= now) {
            let _ = until;
            self.wake(address);
            if let (Supply::Queue(queue), IpAddr::V4(v4)) = (&mut self.supply, address) {
                queue.closed.push_back(v4);
            }
        }
    }

    /// When the next rest ends.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.ends.first().map(|(until, _)| *until)
    }

    /// Addresses to be put on record as opened before they are given out; answered by [`Shelf::opened`].
    pub(super) fn begin_opening(&mut self) -> Option<Vec<Ipv4Addr>> {
        let Supply::Queue(queue) = &mut self.supply else { return None };
        if !queue.opening.is_empty() || queue.open.len() >= queue.block || queue.closed.is_empty() {
            return None;
        }
        let count = queue.block.min(queue.closed.len());
        queue.opening = queue.closed.drain(..count).collect();
        Some(queue.opening.clone())
    }

    /// Whether those of [`Shelf::begin_opening`] are on record.
    pub(super) fn opened(&mut self, done: bool) {
        let Supply::Queue(queue) = &mut self.supply else { return };
        let opening = core::mem::take(&mut queue.opening);
        if done {
            queue.open.extend(opening);
        } else {
            opening.into_iter().rev().for_each(|address| queue.closed.push_front(address));
        }
    }

    /// How many can be given out, now or once they are opened; `None` when they are drawn.
    pub(super) fn free(&self) -> Option<usize> {
        let Supply::Queue(queue) = &self.supply else { return None };
        let waiting = queue.opening.len().saturating_add(queue.closed.len());
        Some(queue.open.len().saturating_add(waiting))
    }

    /// Those opened, for a snapshot.
    pub(super) fn open(&self) -> Vec<Ipv4Addr> {
        match &self.supply {
            Supply::Queue(queue) => queue.open.iter().chain(&queue.opening).copied().collect(),
            Supply::Drawn(_) => Vec::new(),
        }
    }

    /// All that rest.
    pub(super) fn resting(&self) -> impl Iterator<Item = (IpAddr, Rest)> {
        self.resting.iter().map(|(address, rest)| (*address, *rest))
    }
}

/// A number from 0 to `highest`.
fn below(entropy: &mut Entropy, highest: usize) -> usize {
    let count = (highest as u64).saturating_add(1);
    // The high half of a product: even but for one part in 2⁴⁴ at the largest pool.
    let product = u128::from(entropy.next_u64()).saturating_mul(u128::from(count));
    usize::try_from(product >> 64).unwrap_or(0).min(highest)
}

/// Interface identifiers that mean something of their own (RFC 5453, RFC 4291 §2.6.1).
fn is_special(address: &IpAddr) -> bool {
    let IpAddr::V6(v6) = address else { return false };
    let [.., a, b, c, d] = v6.segments();
    let reserved_anycast = (a, b, c) == (0xfdff, 0xffff, 0xffff) && d >= 0xff80;
    let low = (a, b, c) == (0, 0, 0);
    let of_hardware = (a, b) == (0x0200, 0x5eff);
    reserved_anycast || low || of_hardware
}

/// Which part of a pool is opened at once. Up to two of them rest after a crash, so that many crashes in the time of a
/// rest leave enough.
const EACH_BLOCK: usize = 64;
/// As few addresses as are opened at once; a small pool restarted loses as many for the time of a rest.
const SMALLEST_BLOCK: usize = 4;
/// As many as are opened at once: one record serves so many attaches.
const LARGEST_BLOCK: usize = 1_024;
/// How many addresses one subscriber can leave behind at a time.
pub(super) const MAX_RESTING: usize = 4;
/// Draws of 64 bits before a family counts as full.
const ATTEMPTS: usize = 8;
/// Below all others.
const LOWEST: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
