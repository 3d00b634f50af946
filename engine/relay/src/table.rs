//! Tables that every packet is looked up in: what is put in has been proved before, so that their hashes need to be quick more
//! than hard to guess.

use std::collections::HashMap;

/// A table with quick hashes, seeded anew for each.
pub(crate) type Table<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
