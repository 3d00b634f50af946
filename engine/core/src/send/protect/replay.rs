//! Plays a way of protection through on what became of real packets.

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
    let deep = match scheme.codec {
        Redundancy::None => 0,
        Redundancy::InBand { .. } => 1,
        Redundancy::Deep { reach, .. } => {
            usize::from(reach) * 10 / usize::try_from(packet_time.as_millis()).unwrap_or(20).max(1)
        }
    };
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
