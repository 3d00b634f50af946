//! Hashing of what peers choose, so that they can neither predict nor collide it.

use core::hash::{BuildHasher, Hash, Hasher as _};
use std::{collections::HashMap, hash::DefaultHasher};

use rove_base::Entropy;

/// SipHash whose state starts from 128 secret bits. Unlike the standard library's, it repeats with its seed.
#[derive(Clone)]
pub(crate) struct Keyed(DefaultHasher);

/// A map whose keys may come from a peer.
pub(crate) type KeyedMap<K, V> = HashMap<K, V, Keyed>;

/// 128 bits that stand for a longer value. Two values share one only by an accident that no peer can arrange.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Fingerprint(u64, u64);

impl Keyed {
    /// A hasher only we can compute.
    pub(crate) fn new(entropy: &mut Entropy) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(entropy.next_u64());
        hasher.write_u64(entropy.next_u64());
        Self(hasher)
    }

    /// A number that only we can tell from `value`.
    pub(crate) fn number(&self, value: &impl Hash) -> u64 {
        self.hash_one(value)
    }

    /// What stands for `value`.
    pub(crate) fn fingerprint(&self, value: &impl Hash) -> Fingerprint {
        Fingerprint(self.hash_one((0_u8, value)), self.hash_one((1_u8, value)))
    }
}

impl BuildHasher for Keyed {
    type Hasher = DefaultHasher;
    fn build_hasher(&self) -> DefaultHasher {
        self.0.clone()
    }
}

impl core::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Keyed(..)")
    }
}
