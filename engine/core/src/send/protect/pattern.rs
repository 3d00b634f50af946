//! Whether losses come in bursts, or only seem to by chance.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::replay::Channel;
use crate::quality::Fates;

/// How losses follow each other in a stretch of packets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pattern {
    pub packets: f64,
    pub lost: f64,
    /// How many times loss began.
    pub runs: f64,
    /// Pairs of packets in a row: of both lost, the first alone, the second alone, none.
    pairs: [f64; 4],
}

impl Pattern {
    /// That of the last `packets` of `fates`.
    pub(super) fn of(fates: &Fates, packets: usize) -> Self {
        let mut pattern = Self::default();
        let mut before = None;
        for came in fates.iter().skip(fates.len().saturating_sub(packets)) {
            pattern.packets += 1.0;
            pattern.lost += f64::from(u8::from(!came));
            pattern.runs += f64::from(u8::from(!came && before != Some(false)));
            let [both, first, second, none] = &mut pattern.pairs;
            match (before, came) {
                (Some(false), false) => *both += 1.0,
                (Some(false), true) => *first += 1.0,
                (Some(true), false) => *second += 1.0,
                (Some(true), true) => *none += 1.0,
                (None, _) => {}
            }
            before = Some(came);
        }
        pattern
    }

    /// Share of packets lost.
    pub(super) fn loss(&self) -> f64 {
        self.lost / self.packets.max(1.0)
    }

    /// How much likelier the losses are with a memory of one packet than without: the likelihood ratio as −2 ln, which is
    /// distributed as χ² of one degree of freedom where there is no memory. 0 when losses avoid each other.
    pub(super) fn evidence(&self) -> f64 {
        let [both, first, second, none] = self.pairs;
        let (lost, came) = (both + first, second + none);
        let all = lost + came;
        if lost == 0.0 || came == 0.0 || both * came <= second * lost {
            return 0.0;
        }
        let again = (both + second) / all;
        let term = |count: f64, of: f64, chance: f64| {
            if count > 0.0 { count * (count / (of * chance)).ln() } else { 0.0 }
        };
        2.0 * (term(both, lost, again)
            + term(first, lost, 1.0 - again)
            + term(second, came, again)
            + term(none, came, 1.0 - again))
    }

    /// The channel that loses like this: in runs as long as they were when `bursty`, by chance alone otherwise.
    pub(super) fn channel(&self, bursty: bool) -> Channel {
        // Few packets tell little: they are taken together with some that came.
        let loss = self.lost / (self.packets + PRIOR_PACKETS);
        let alone = 1.0 / (1.0 - loss).max(0.1);
        let seen = (self.lost + PRIOR_RUNS * alone) / (self.runs + PRIOR_RUNS);
        Channel { loss, burst: if bursty { seen.max(alone) } else { alone } }
    }
}

const PRIOR_PACKETS: f64 = 12.0;
/// So many runs of the length that chance makes are counted beside those that were seen.
const PRIOR_RUNS: f64 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(fates: &str) -> Pattern {
        let mut list = Fates::default();
        fates.bytes().for_each(|fate| list.push(fate == b'.'));
        Pattern::of(&list, list.len())
    }

    #[test]
    fn losses_that_follow_each_other_are_evidence_and_others_are_not() {
        assert!(pattern(&"x...x..x.....x......x..".repeat(4)).evidence() < 2.0);
        assert!(pattern("xxx.............xxxx..........").evidence() > 8.0);
        assert!(pattern("xxx....").evidence() < 6.0, "one run may be chance");
        assert!(pattern("").evidence() + pattern("xxxx").evidence() + pattern("....").evidence() == 0.0);
    }

    #[test]
    fn runs_are_counted_and_believed_only_where_they_are_no_chance() {
        let seen = pattern("xxx.............xxxx..........");
        assert!(seen.channel(true).burst > 2.5);
        assert!(seen.channel(false).burst < 1.4);
        assert!((seen.loss() - 7.0 / 30.0).abs() < 1e-9 && seen.runs == 2.0);
    }
}
