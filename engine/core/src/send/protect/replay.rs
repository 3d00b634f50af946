//! What a way of protection would have left lost: played through on what became of real packets, and computed for a channel
//! of the same loss and burstiness.
//!
//! The first knows every pattern but has few packets to tell it from chance; the second has no chance in it but knows only
//! runs. Between them lies what is steadier than the one and more
//! faithful than the other.

use core::time::Duration;

use rove_codecs::Redundancy;

use crate::{
    quality::{FATES, Fates},
    send::{Scheme, worth::Outcome},
};

/// What would have become of the frames in packets of such `fates` under `scheme`. Those at the very end, whose copies are
/// not out yet, are not judged.
pub(super) fn replay(fates: &Fates, scheme: Scheme, packet_time: Duration) -> Outcome {
    let mut came = [false; FATES];
    let len = fates.iter().zip(&mut came).map(|(fate, slot)| *slot = fate).count();
    let came = came.get(..len).unwrap_or_default();
    let at = |place: usize| came.get(place).copied();
    let distances = scheme.copies.as_slice();
    let deep = depth(scheme.codec, packet_time);
    // Whether the whole payload of `place` is at hand in the end, from itself or a copy.
    let told = |place: usize| {
        at(place) == Some(true) || distances.iter().any(|d| at(place + usize::from(*d)) == Some(true))
    };
    let horizon = usize::from(scheme.copies.reach()) + deep;
    let judged = len.saturating_sub(horizon);
    let (mut lost, mut coarse, mut in_a_row, mut before) = (0_u32, 0_u32, 0_u32, false);
    for place in 0..judged {
        let here = told(place);
        let near = !here && (1..=deep).any(|back| told(place + back));
        coarse += u32::from(near);
        let gone = !here && !near;
        lost += u32::from(gone);
        in_a_row += u32::from(gone && before);
        before = gone;
    }
    let share = |count: u32| f64::from(count) / (judged.max(1) as f64);
    Outcome { lost: share(lost), coarse: share(coarse), in_a_row: share(in_a_row) }
}

/// A two-state channel (Gilbert): loses `loss` of the packets, in runs of `burst` on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Channel {
    pub loss: f64,
    pub burst: f64,
}

impl Channel {
    /// The chance that a packet is lost when the one `gap` packets before was.
    fn again(&self, gap: u8) -> f64 {
        // What is left of the memory of a loss after one packet; none when runs are as long as chance makes them.
        let leaves = 1.0 / self.burst.max(1.0);
        let memory = (1.0 - leaves - self.loss / (1.0 - self.loss).max(0.05) * leaves).clamp(0.0, 0.98);
        self.loss + (1.0 - self.loss) * memory.powi(i32::from(gap))
    }

    /// The chance that a packet and all those at `distances` behind it are lost.
    fn all(&self, distances: impl Iterator<Item = u8>) -> f64 {
        let mut before = 0_u8;
        distances.fold(self.loss, |chance, distance| {
            let gap = distance.saturating_sub(core::mem::replace(&mut before, distance));
            chance * self.again(gap)
        })
    }

    /// What would become of the frames under `scheme`. A codec's own redundancy is not looked for in copies.
    pub(super) fn outcome(&self, scheme: Scheme, packet_time: Duration) -> Outcome {
        let untold = self.all(scheme.copies.as_slice().iter().copied());
        let deep = u8::try_from(depth(scheme.codec, packet_time)).unwrap_or(u8::MAX);
        let gone = if deep == 0 { untold } else { untold.min(self.all(1..=deep)) };
        let in_a_row = gone * self.again(1) * (gone / self.loss.max(1e-6)).min(1.0);
        Outcome { lost: gone, coarse: untold - gone, in_a_row }
    }
}

/// How many packets back the codec's own redundancy reaches.
fn depth(codec: Redundancy, packet_time: Duration) -> usize {
    match codec {
        Redundancy::None => 0,
        Redundancy::InBand { .. } => 1,
        Redundancy::Deep { reach, .. } => {
            let packet_time = usize::try_from(packet_time.as_millis()).unwrap_or(20);
            usize::from(reach) * 10 / packet_time.max(1)
        }
    }
}

/// Between what was `replayed` over so many `lost` packets and what was `modelled`.
pub(super) fn blend(replayed: Outcome, modelled: Outcome, lost: f64) -> Outcome {
    let share = REPLAY_SHARE * lost / (lost + REPLAY_LOST);
    let between = |replayed: f64, modelled: f64| modelled + (replayed - modelled) * share;
    Outcome {
        lost: between(replayed.lost, modelled.lost),
        coarse: between(replayed.coarse, modelled.coarse),
        in_a_row: between(replayed.in_a_row, modelled.in_a_row),
    }
}

/// How much the replay counts at most: a stretch of ten seconds has a few dozen losses to tell fifteen ways apart by.
const REPLAY_SHARE: f64 = 0.35;
/// It counts half of that with so many losses.
const REPLAY_LOST: f64 = 100.0;
