//! What a way of sending is worth to the listener, estimated: pure functions over documented constants.
//!
//! The scale is that of PESQ (ITU-T P.862.2, 1 to 4.64), because the constants were measured with it: `CLEAN` by coding
//! clean speech at each rate with libopus 1.6, wideband, 20 ms packets, complexity 9, and decoding at complexity 10; the
//! rest by fitting `worth = 1 + (clean − 1) · e^(−HURT · lost)` to speech decoded under random loss from 5 to 30 %.
//! Delay counts by the E-model (ITU-T G.107, simplified Id), a point of R at [`POINT`].

use core::time::Duration;

use rove_codecs::Redundancy;

/// Worth of clean speech coded with `bitrate` bits per second.
pub(super) fn clean(bitrate: f64) -> f64 {
    let (Some(first), Some(last)) = (CLEAN.first(), CLEAN.last()) else { return 1.0 };
    if bitrate <= first.0 {
        return (1.0 + (first.1 - 1.0) * bitrate.max(0.0) / first.0).max(1.0);
    }
    let between = CLEAN.windows(2).find_map(|pair| match pair {
        [(from, low), (to, high)] if bitrate <= *to => {
            Some(low + (high - low) * (bitrate - from) / (to - from))
        }
        _ => None,
    });
    between.unwrap_or(last.1)
}

/// What became of the frames of a stretch, as shares of all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// Nothing told of them: concealed.
    pub lost: f64,
    /// Told by the codec's own redundancy, coarsely.
    pub coarse: f64,
    /// Of the `lost`, how many followed another one that was lost.
    pub in_a_row: f64,
}

/// Worth of speech at `bitrate` bits per second for the first saying, codec's redundancy included, with `outcome`.
pub(super) fn worth(bitrate: f64, redundancy: Redundancy, outcome: Outcome) -> f64 {
    let (kept, coarse) = match redundancy {
        Redundancy::None => (1.0, 0.0),
        Redundancy::InBand { .. } => (INBAND_KEEPS, INBAND_HURTS),
        Redundancy::Deep { .. } => (DEEP_KEEPS, DEEP_HURTS),
    };
    let lost = outcome.lost + ROW_HURTS * outcome.in_a_row + coarse * outcome.coarse;
    1.0 + (clean(bitrate * kept) - 1.0) * (-HURT * lost).exp()
}

/// What `delay` from mouth to ear takes away.
pub(super) fn delay_cost(delay: Duration) -> f64 {
    let ms = delay.as_secs_f64() * 1_000.0;
    POINT * (0.024 * ms + 0.11 * (ms - KNEE_MS).max(0.0))
}

/// PESQ-WB of clean speech by bits per second: mean of three voices in three languages.
const CLEAN: [(f64, f64); 9] = [
    (6_000.0, 2.00),
    (8_000.0, 2.73),
    (10_000.0, 3.57),
    (12_000.0, 3.92),
    (14_000.0, 4.11),
    (16_000.0, 4.23),
    (20_000.0, 4.37),
    (24_000.0, 4.43),
    (32_000.0, 4.51),
];
/// How fast concealed frames hurt: 8.3 at 5 %, 8.5 at 10 %, 8.7 at 20 %, 7.2 at 30 %, with deep concealment.
const HURT: f64 = 8.5;
/// A frame concealed behind a concealed one hurts by so much more.
const ROW_HURTS: f64 = 0.25;
/// A frame told by in-band correction hurts like this share of a lost one.
const INBAND_HURTS: f64 = 0.2;
/// Share of the rate that in-band correction leaves to the frame itself.
const INBAND_KEEPS: f64 = 0.75;
/// The same two for deep redundancy.
const DEEP_HURTS: f64 = 0.42;
const DEEP_KEEPS: f64 = 0.7;
/// Delay is cheap up to here (ITU-T G.107), in milliseconds.
const KNEE_MS: f64 = 177.3;
/// What a point of R is worth on the scale of PESQ.
const POINT: f64 = 0.025;
