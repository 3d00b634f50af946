//! How much each source may send: a bucket of tokens each, in a table of bounded size.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::{collections::VecDeque, net::IpAddr};

use rove_base::Instant;

use crate::transaction::{Keyed, KeyedMap};

/// How much a source may send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// In the long run; 0 for any number.
    pub(crate) requests_per_second: u32,
    /// At once.
    pub(crate) burst: u32,
    /// Sources that are kept apart.
    pub(crate) sources: usize,
}

/// The rates of the sources that were heard of late.
#[derive(Debug)]
pub(crate) struct Sources {
    rate: u64,
    burst: u64,
    max: usize,
    buckets: KeyedMap<u64, Bucket>,
    /// In the order in which they were first heard.
    order: VecDeque<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// In thousandths of a request.
    tokens: u64,
    at: Instant,
    told: bool,
    /// Of late: how many have come, and how many of them were too many.
    heard: u32,
    refused: u32,
}

/// Whether a source may be heard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Admission {
    Fine,
    /// Too many; for the first time in a while.
    Floods,
    /// Too many still.
    StillFloods,
}

impl Sources {
    pub(crate) fn new(limits: &Rate, keyed: Keyed) -> Self {
        Self {
            rate: limits.requests_per_second.into(),
            burst: u64::from(limits.burst.max(1)).saturating_mul(MILLI),
            max: limits.sources.max(1),
            buckets: KeyedMap::with_hasher(keyed),
            order: VecDeque::new(),
        }
    }

    /// Another rate from now on; who has sent much of late is not forgotten.
    pub(crate) fn set_rate(&mut self, limits: &Rate) {
        self.rate = limits.requests_per_second.into();
        self.burst = u64::from(limits.burst.max(1)).saturating_mul(MILLI);
        self.max = limits.sources.max(1);
    }

    /// A request has come from `ip`.
    pub(crate) fn admit(&mut self, now: Instant, ip: IpAddr) -> Admission {
        if self.rate == 0 {
            return Admission::Fine;
        }
        let source = source(ip);
        if !self.buckets.contains_key(&source) {
            self.make_room();
            self.order.push_back(source);
        }
        let (rate, burst) = (self.rate, self.burst);
        let bucket = self.buckets.entry(source).or_insert(Bucket::full(burst, now));
        bucket.count();
        // A thousandth of a request for each millisecond and request per second.
        let millis = u64::try_from(now.since(bucket.at).as_millis()).unwrap_or(u64::MAX);
        if millis > 0 {
            bucket.tokens = bucket.tokens.saturating_add(millis.saturating_mul(rate)).min(burst);
            bucket.at = now;
        }
        if let Some(left) = bucket.tokens.checked_sub(MILLI) {
            bucket.tokens = left;
            bucket.told &= left < burst / 2;
            return Admission::Fine;
        }
        bucket.refused = bucket.refused.saturating_add(1);
        if core::mem::replace(&mut bucket.told, true) { Admission::StillFloods } else { Admission::Floods }
    }

    /// How many of a hundred requests of `ip` are too many.
    pub(crate) fn excess(&self, ip: IpAddr) -> u8 {
        let Some(bucket) = self.buckets.get(&source(ip)).filter(|bucket| bucket.told) else { return 0 };
        let share = u64::from(bucket.refused).saturating_mul(100).checked_div(bucket.heard.into());
        share.and_then(|share| u8::try_from(share).ok()).unwrap_or(0).min(100)
    }

    fn make_room(&mut self) {
        while self.order.len() >= self.max {
            if let Some(oldest) = self.order.pop_front() {
                self.buckets.remove(&oldest);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.buckets.len()
    }
}

impl Bucket {
    const fn full(tokens: u64, at: Instant) -> Self {
        Self { tokens, at, told: false, heard: 0, refused: 0 }
    }

    /// One more has come. What was long ago counts less and less.
    const fn count(&mut self) {
        if self.heard >= MEMORY {
            (self.heard, self.refused) = (self.heard / 2, self.refused / 2);
        }
        self.heard = self.heard.saturating_add(1);
    }
}

/// One address, or one /64, which is what a single subscriber has.
fn source(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).into(),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => u32::from(ip).into(),
            None => u64::try_from(u128::from(ip) >> 64).unwrap_or(0) | (1 << 63),
        },
    }
}

const MILLI: u64 = 1_000;
/// After so many requests the count of them is halved.
const MEMORY: u32 = 1_024;
