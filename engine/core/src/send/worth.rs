//! What a way of sending is worth to the listener, estimated: pure functions over documented constants.
//!
//! The scale is that of PESQ (ITU-T P.862.2, 1 to 4.64), because the constants were measured with it, on natural speech in
//! several languages with libopus 1.6, wideband, 20 ms packets, 34 kb/s in all, decoded with deep concealment:
//! `CLEAN` without loss at each rate; `HURT` from schemes under random loss of 5 to 30 % and bursts of three, as
//! `worth = 1 + (clean − 1) · e^(−hurt(lost))`. Within the noise of the measurement the same curve serves all rates.
//! Delay counts by the E-model (ITU-T G.107, simplified Id), a point of R at [`POINT`].

use core::time::Duration;

use rove_codecs::Redundancy;

/// Worth of clean speech coded with `bitrate` bits per second.
pub(super) fn clean(bitrate: f64) -> f64 {
    let (Some(first), Some(last)) = (CLEAN.first(), CLEAN.last()) else { return 1.0 };
    if bitrate <= first.0 {
        return (1.0 + (first.1 - 1.0) * bitrate.max(0.0) / first.0).max(1.0);
    }
    interpolate(&CLEAN, bitrate).unwrap_or(last.1)
}

/// The value at `x` of a curve given by points with ascending `x`; `None` outside of it.
fn interpolate(curve: &[(f64, f64)], x: f64) -> Option<f64> {
    curve.windows(2).find_map(|pair| match pair {
        [(from, low), (to, high)] if (*from..=*to).contains(&x) => {
            Some(low + (high - low) * (x - from) / (to - from))
        }
        _ => None,
    })
}

/// How much it hurts that this share of the frames was concealed.
fn hurt(lost: f64) -> f64 {
    let beyond = HURT.last().map_or(0.0, |last| last.1 * lost / last.0);
    interpolate(&HURT, lost).unwrap_or(beyond)
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
    1.0 + (clean(bitrate * kept) - 1.0) * (-hurt(lost)).exp()
}

/// What `delay` from mouth to ear takes away.
pub(super) fn delay_cost(delay: Duration) -> f64 {
    let ms = delay.as_secs_f64() * 1_000.0;
    POINT * (0.024 * ms + 0.11 * (ms - KNEE_MS).max(0.0))
}

/// PESQ-WB of clean speech by bits per second.
const CLEAN: [(f64, f64); 10] = [
    (7_000.0, 2.35),
    (8_500.0, 3.19),
    (10_000.0, 3.64),
    (12_000.0, 3.95),
    (14_000.0, 4.13),
    (16_000.0, 4.23),
    (20_000.0, 4.35),
    (24_000.0, 4.40),
    (32_000.0, 4.45),
    (64_000.0, 4.50),
];
/// How much concealed frames hurt, by their share.
const HURT: [(f64, f64); 9] = [
    (0.0, 0.0),
    (0.01, 0.075),
    (0.02, 0.17),
    (0.04, 0.33),
    (0.05, 0.43),
    (0.09, 0.72),
    (0.10, 0.82),
    (0.20, 1.35),
    (0.30, 1.95),
];
/// A frame concealed behind a concealed one hurts by so much more.
const ROW_HURTS: f64 = 0.1;
/// A frame told by in-band correction hurts like this share of a lost one.
const INBAND_HURTS: f64 = 0.1;
/// Share of the rate that in-band correction leaves to the frame itself.
const INBAND_KEEPS: f64 = 0.66;
/// The same two for deep redundancy.
const DEEP_HURTS: f64 = 0.5;
const DEEP_KEEPS: f64 = 0.6;
/// Delay is cheap up to here (ITU-T G.107), in milliseconds.
const KNEE_MS: f64 = 177.3;
/// What a point of R is worth on the scale of PESQ.
const POINT: f64 = 0.04;

#[cfg(test)]
mod tests {
    use super::*;

    /// Residual loss under a scheme and what was measured with it at 34 kb/s: the estimate is to lie near it.
    #[test]
    fn the_estimate_follows_what_was_measured() {
        let inband = Redundancy::InBand { loss_percent: 20 };
        let cases = [
            ("nothing, 5 %", 34_000.0, Redundancy::None, 0.05, 0.0, 3.26),
            ("nothing, 10 %", 34_000.0, Redundancy::None, 0.10, 0.0, 2.48),
            ("nothing, 20 %", 34_000.0, Redundancy::None, 0.20, 0.0, 1.91),
            ("one copy, 10 %", 16_000.0, Redundancy::None, 0.01, 0.0, 4.08),
            ("one copy, 20 %", 16_000.0, Redundancy::None, 0.04, 0.0, 3.58),
            ("one copy, 30 %", 16_000.0, Redundancy::None, 0.09, 0.0, 2.64),
            ("two copies, 20 %", 10_100.0, Redundancy::None, 0.008, 0.0, 3.51),
            ("two copies, 30 %", 10_100.0, Redundancy::None, 0.027, 0.0, 3.29),
            ("in-band, 10 %", 34_000.0, inband, 0.01, 0.09, 4.01),
            ("in-band, 20 %", 34_000.0, inband, 0.04, 0.16, 3.37),
            ("in-band, 30 %", 34_000.0, inband, 0.09, 0.21, 2.49),
        ];
        for (what, bitrate, redundancy, lost, coarse, measured) in cases {
            let estimated = worth(bitrate, redundancy, Outcome { lost, coarse, in_a_row: 0.0 });
            assert!((estimated - measured).abs() < 0.3, "{what}: {estimated}, measured {measured}");
        }
    }

    #[test]
    fn more_loss_less_rate_and_more_delay_are_never_better() {
        let at = |bitrate: u32, lost: u32| {
            let lost = f64::from(lost) / 100.0;
            worth(f64::from(bitrate) * 100.0, Redundancy::None, Outcome { lost, ..Outcome::default() })
        };
        for bitrate in 0..700 {
            for lost in 0..100 {
                assert!(at(bitrate, lost) >= at(bitrate, lost + 1));
                assert!(at(bitrate, lost) <= at(bitrate + 1, lost));
                assert!((1.0..4.64).contains(&at(bitrate, lost)));
            }
        }
        let cost = |ms| delay_cost(Duration::from_millis(ms));
        assert!((0..600).all(|ms| cost(ms) < cost(ms + 1)));
    }
}
