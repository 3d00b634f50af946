//! Hashing of what peers choose, so that they can neither predict nor collide it.

use core::{
    fmt,
    hash::{BuildHasher, Hash, Hasher as _},
};
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
        let mut first = self.0.clone();
        value.hash(&mut first);
        // One pass: both halves come out of the same 256 bits of state, in which values collide no sooner than in 128.
        let mut second = first.clone();
        first.write_u8(0);
        second.write_u8(1);
        Fingerprint(first.finish(), second.finish())
    }
}

/// Hashes as what is written reads, without writing it down.
pub(crate) struct AsText<T>(pub(crate) T);

impl<T: fmt::Display> Hash for AsText<T> {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        struct Into<'a, H>(&'a mut H);
        impl<H: core::hash::Hasher> fmt::Write for Into<'_, H> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0.write(text.as_bytes());
                Ok(())
            }
        }
        // A hasher takes whatever it is given.
        let _ = fmt::write(&mut Into(state), format_args!("{}", self.0));
        // No text has this byte in it: where one ends and the next begins counts.
        state.write_u8(0xff);
    }
}

impl BuildHasher for Keyed {
    type Hasher = DefaultHasher;
    fn build_hasher(&self) -> DefaultHasher {
        self.0.clone()
    }
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyed(..)")
    }
}
