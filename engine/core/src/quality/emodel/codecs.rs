//! What coding costs, and what loss costs on top: every number of the model that is not a standard's formula.
//!
//! No equipment impairments have been published for Opus. Those here are fitted, so that the listening score follows
//! PESQ-WB (ITU-T P.862.2) as measured on libopus 1.6.1 with deep concealment, natural speech in three languages, 20 ms
//! packets: Σ over 34 conditions (7 to 34 kb/s, 0 to 30 % of loss after recovery, single and in bursts of 3) of the squared
//! error is least at [`OPUS_ROBUSTNESS`] and [`OPUS_BURSTS`], and its root mean is 0.10 of a score.

use rove_base::CodecId;

/// How well a codec does: its impairment without loss, and the loss in percent that halves what is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Codec {
    /// Ie, Ie,WB or Ie,FB.
    pub impairment: f64,
    /// Bpl.
    pub robustness: f64,
    /// How much of the burst ratio's excess over 1 counts.
    pub bursts: f64,
}

impl Codec {
    /// `codec` at so many bits per second of speech payload.
    pub(super) fn of(codec: CodecId, bitrate: Option<u32>) -> Self {
        match codec {
            CodecId::Opus => Self {
                impairment: opus_impairment(bitrate.unwrap_or(OPUS_BITRATE)),
                robustness: OPUS_ROBUSTNESS,
                bursts: OPUS_BURSTS,
            },
            CodecId::G722 => G722,
            CodecId::L16 => L16,
            _ => G711,
        }
    }
}

/// G.711 with packet loss concealment (G.113 appendix I: Ie 0, Bpl 25.1).
const G711: Codec = Codec { impairment: 0.0, robustness: 25.1, bursts: 1.0 };
/// G.722 at 64 kb/s (G.113 appendix IV: Ie,WB 13). No Bpl was published for the concealment here; it is that of G.711, and
/// so is its value.
const G722: Codec = Codec { impairment: 13.0, robustness: 25.1, bursts: 1.0 };
/// Uncoded, so without impairment by definition; concealed as G.711 is.
const L16: Codec = Codec { impairment: 0.0, robustness: 25.1, bursts: 1.0 };

/// Bits per second of speech and Ie,FB, in wideband up to 34 kb/s: the PESQ-WB of clean speech (2.35, 3.19, 3.64, 3.95,
/// 4.15, 4.23, 4.34, 4.40, 4.45), turned into R by the inverse of G.107.2 annex A and taken from 148.
const OPUS_BY_RATE: &[(f64, f64)] = &[
    (7_000.0, 80.4),
    (8_500.0, 56.6),
    (10_000.0, 43.0),
    (12_000.0, 32.4),
    (14_000.0, 24.4),
    (16_000.0, 20.7),
    (20_000.0, 14.7),
    (24_000.0, 10.8),
    (34_000.0, 6.6),
    (64_000.0, 2.0),
];
/// Where the rate is not known: what voice usually gets.
const OPUS_BITRATE: u32 = 24_000;
/// Bpl of Opus with deep concealment.
const OPUS_ROBUSTNESS: f64 = 7.4;
/// With deep concealment bursts of 3 are hardly worse than as many single losses: of the 2.4 that 20 % of loss in such bursts
/// has for a burst ratio, 1.1 is left.
const OPUS_BURSTS: f64 = 0.075;

/// What a frame recovered from in-band redundancy costs, as a share of what a concealed one does: between the 0.2 and the
/// 0.01 that PESQ-WB under LBRR says at 5 and 20 % of loss (4.13, 3.37).
pub(super) const INBAND_WEIGHT: f64 = 0.05;
/// The same for deep redundancy: between the 0.65 and the 0.33 of DRED at 5 and 30 % of loss (3.58, 2.41), which also takes
/// its bits from the speech.
pub(super) const DEEP_WEIGHT: f64 = 0.4;
/// The same for time that was left out or put in, by whole pitch periods: a tenth of a percent of loss for two of stretching.
pub(super) const STRETCH_WEIGHT: f64 = 0.05;

/// Straight lines between the points of [`OPUS_BY_RATE`], flat beyond its ends.
fn opus_impairment(bitrate: u32) -> f64 {
    let rate = f64::from(bitrate);
    let mut before = OPUS_BY_RATE.first().copied().unwrap_or_default();
    for &(at, impairment) in OPUS_BY_RATE {
        if rate <= at {
            let span = at - before.0;
            let share = if span > 0.0 { ((rate - before.0) / span).max(0.0) } else { 1.0 };
            return before.1 + (impairment - before.1) * share;
        }
        before = (at, impairment);
    }
    before.1
}
