//! Which of the newest packets have been received, one bit each.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// The highest packet and the [`RECENT`] − 1 below it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent([u64; WORDS]);

impl Recent {
    /// The highest packet is one that is `by` higher; it is marked.
    pub(super) fn advance(&mut self, by: u32) {
        if by == 1 {
            let mut carry = 1;
            for word in &mut self.0 {
                let out = *word >> 63;
                *word = (*word << 1) | carry;
                carry = out;
            }
            return;
        }
        let (words, bits) = (usize::try_from(by / u64::BITS).unwrap_or(WORDS), by % u64::BITS);
        let Self(old) = *self;
        let at = |nth: Option<usize>| nth.and_then(|nth| old.get(nth)).copied().unwrap_or(0);
        for (nth, word) in self.0.iter_mut().enumerate() {
            let from = nth.checked_sub(words);
            let low = at(from.and_then(|from| from.checked_sub(1)));
            let low = u64::BITS.checked_sub(bits).and_then(|shift| low.checked_shr(shift)).unwrap_or(0);
            *word = (at(from) << bits) | low;
        }
        self.mark(0);
    }

    /// The packet `behind` the highest was received. What is further back than is remembered is not.
    pub(super) fn mark(&mut self, behind: u32) {
        if let Some(word) = self.0.get_mut(word_of(behind)) {
            *word |= bit_of(behind);
        }
    }

    pub(super) fn has(&self, behind: u32) -> bool {
        self.0.get(word_of(behind)).is_some_and(|word| word & bit_of(behind) != 0)
    }
}

fn word_of(behind: u32) -> usize {
    usize::try_from(behind / u64::BITS).unwrap_or(WORDS)
}

const fn bit_of(behind: u32) -> u64 {
    1 << (behind % u64::BITS)
}

/// Packets remembered: ten seconds of 20 ms packets.
pub(super) const RECENT: u32 = WORDS as u32 * u64::BITS;
const WORDS: usize = 8;

#[cfg(test)]
mod tests;
