//! Response rate limiting: who forges the address of a victim makes us send him little.
//!
//! Answers over datagrams are counted by the network of their receiver and by what they say; beyond so many a second
//! they are not sent, but for every n-th, which says no more than "ask again by stream". All networks are treated
//! alike: there is no list of better ones. Whoever shows that his address is his own, by a cookie, a stream or a good
//! signature, is not limited at all. What is kept is of fixed size, whoever asks.

use core::net::IpAddr;

use rove_base::Instant;

use super::cookie::siphash24;

/// How much is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// The same answer to one network in a second; as many may come at once.
    pub per_second: u32,
    /// Of the answers beyond, every so many-th is sent, cut to "ask again by stream"; 0: none.
    pub slip: u32,
    /// Bits of an IPv4 address that make a network.
    pub v4_prefix: u8,
    /// Bits of an IPv6 address that make a network.
    pub v6_prefix: u8,
}

impl RateLimit {
    /// So many a second, every second one beyond cut, networks of 24 and 56 bits.
    #[must_use]
    pub const fn new(per_second: u32) -> Self {
        Self { per_second, slip: 2, v4_prefix: 24, v6_prefix: 56 }
    }
}

/// What an answer says, as far as it is counted with others.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    /// Records of this type at this name.
    Records(&'a [u8], u16),
    /// No such name, no such type, or others are to be asked: of this zone.
    Nothing(&'a [u8]),
    /// An error.
    Error,
}

/// What is to be done with an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Send,
    Cut,
    Drop,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    tag: u32,
    /// Answers that may still be sent, in thousandths.
    left: u32,
    /// When `left` was counted, in milliseconds on a circle of 49 days.
    at: u32,
    beyond: u32,
}

/// Those that share a place in the table, in one line of the processor's cache; the one that was silent longest gives
/// way.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Set([Bucket; WAYS]);

/// The counts.
#[derive(Debug)]
pub(super) struct Limiter {
    limit: RateLimit,
    key: [u8; 16],
    sets: Vec<Set>,
    /// What is hashed; kept for its memory.
    message: Vec<u8>,
}

impl Limiter {
    /// `key` keeps others from choosing which networks are counted together.
    pub(super) fn new(limit: RateLimit, key: [u8; 16]) -> Self {
        Self { limit, key, sets: vec![Set::default(); SETS], message: Vec::new() }
    }

    pub(super) fn judge(&mut self, now: Instant, to: IpAddr, kind: Kind<'_>) -> Verdict {
        let hash = self.hash(to, kind);
        let full = self.limit.per_second.saturating_mul(1_000);
        let [.., m0, m1, m2, m3] = (now.as_nanos() / 1_000_000).to_be_bytes();
        let millis = u32::from_be_bytes([m0, m1, m2, m3]);
        let [t0, t1, t2, t3, s0, s1, s2, s3] = hash.to_be_bytes();
        let tag = u32::from_be_bytes([t0, t1, t2, t3]) | 1;
        let index = usize::try_from(u32::from_be_bytes([s0, s1, s2, s3])).unwrap_or_default() & (SETS - 1);
        let Some(Set(set)) = self.sets.get_mut(index) else { return Verdict::Send };
        let at = set.iter().position(|bucket| bucket.tag == tag);
        let silent = |way: usize| set.get(way).map(|bucket| millis.wrapping_sub(bucket.at));
        let oldest = || (0..WAYS).max_by_key(|&way| silent(way));
        let Some(way) = at.or_else(oldest) else { return Verdict::Send };
        let Some(bucket) = set.get_mut(way) else { return Verdict::Send };
        if bucket.tag != tag {
            *bucket = Bucket { tag, left: full, at: millis, beyond: 0 };
        }
        let passed = millis.wrapping_sub(bucket.at);
        bucket.left = bucket.left.saturating_add(passed.saturating_mul(self.limit.per_second)).min(full);
        bucket.at = millis;
        if let Some(left) = bucket.left.checked_sub(1_000) {
            (bucket.left, bucket.beyond) = (left, 0);
            return Verdict::Send;
        }
        bucket.beyond = bucket.beyond.wrapping_add(1);
        match bucket.beyond.checked_rem(self.limit.slip) {
            Some(0) => Verdict::Cut,
            _ => Verdict::Drop,
        }
    }

    fn hash(&mut self, to: IpAddr, kind: Kind<'_>) -> u64 {
        let message = &mut self.message;
        message.clear();
        match to.to_canonical() {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(self.limit.v4_prefix.into()));
                message.extend_from_slice(&(v4.to_bits() & mask.unwrap_or_default()).to_be_bytes());
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(self.limit.v6_prefix.into()));
                message.extend_from_slice(&(v6.to_bits() & mask.unwrap_or_default()).to_be_bytes());
            }
        }
        match kind {
            Kind::Records(name, rtype) => {
                message.push(0);
                message.extend_from_slice(&rtype.to_be_bytes());
                message.extend_from_slice(name);
            }
            Kind::Nothing(zone) => {
                message.push(1);
                message.extend_from_slice(zone);
            }
            Kind::Error => message.push(2),
        }
        siphash24(&self.key, message)
    }
}

/// Networks and answers that are counted at one time: 65 536 in 1 MiB.
const SETS: usize = 16_384;
/// Buckets of a set.
const WAYS: usize = 4;
