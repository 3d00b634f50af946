//! The E-model: from codec, loss and delay to what a listener would say (ITU-T G.107, G.107.1 and G.107.2).
//!
//! Each band has a scale of its own, on which R reaches 93.2, 129 and 148; scores of different bands must not be compared
//! by their R. Terms that a packet call cannot measure (loudness, sidetone, room noise) have the standards' default
//! values. Results are planning values: provisional by the standards' own words.

mod codecs;

use core::time::Duration;

use rove_base::{Band, CodecId};

use self::codecs::{Codec, DEEP_WEIGHT, INBAND_WEIGHT, STRETCH_WEIGHT};

/// What is known about one direction of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inputs {
    /// The codec; it decides the band.
    pub codec: CodecId,
    /// Mouth to ear, one way.
    pub one_way_delay: Duration,
    /// Share of packets for which nothing received could be played, 0 to 1: lost or late, and not recovered.
    pub loss: f32,
    /// Mean length of loss runs over that of independent losses (G.107 §7.5); 1 when not known.
    pub burst_ratio: f32,
    /// Bits per second of speech payload; `None` when not known. Only a codec of more than one rate looks at it.
    pub bitrate: Option<u32>,
    /// Share of the time played from coarse copies in the packet after (Opus in-band error correction), 0 to 1.
    pub recovered_inband: f32,
    /// Share of the time played from very coarse copies further on (Opus DRED), 0 to 1.
    pub recovered_deep: f32,
    /// Share of the time that was left out or put in to change the delay, 0 to 1.
    pub stretched: f32,
}

impl Inputs {
    /// `codec` at its best: nothing lost, no delay.
    #[must_use]
    pub const fn new(codec: CodecId) -> Self {
        Self {
            codec,
            one_way_delay: Duration::ZERO,
            loss: 0.0,
            burst_ratio: 1.0,
            bitrate: None,
            recovered_inband: 0.0,
            recovered_deep: 0.0,
            stretched: 0.0,
        }
    }

    /// Loss in percent that would be heard alike.
    fn percent(&self) -> f64 {
        let share = |value: f32| f64::from(in_range(value, 0.0, 1.0, 1.0));
        let heard = share(self.loss)
            + INBAND_WEIGHT * share(self.recovered_inband)
            + DEEP_WEIGHT * share(self.recovered_deep)
            + STRETCH_WEIGHT * share(self.stretched);
        100.0 * heard.min(1.0)
    }
}

/// The band whose scale a codec is rated on.
#[must_use]
pub const fn band(codec: CodecId) -> Band {
    match codec {
        CodecId::Opus | CodecId::L16 => Band::Full,
        CodecId::G722 => Band::Wide,
        _ => Band::Narrow,
    }
}

/// The transmission rating R, on the scale of [`band`].
///
/// Zero or less is "not usable". What is no number or out of range is taken as the nearest value that is in range.
#[must_use]
pub fn rating(inputs: &Inputs) -> f32 {
    let band = band(inputs.codec);
    let scale = Scale::of(band);
    let delay = delay_impairment(inputs.one_way_delay, band);
    (scale.best - delay - scale.equipment_impairment(inputs)) as f32
}

/// The mean opinion score, 1 to 4.5, for a rating on the scale of `band` (G.107 annex B, G.107.1 and G.107.2 annex A).
#[must_use]
pub fn mos(rating: f32, band: Band) -> f32 {
    let r = f64::from(rating) / Scale::of(band).stretch;
    let mos = match r {
        ..=0.0 => 1.0,
        100.0.. => BEST_MOS,
        _ => 1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r),
    };
    // Between 0 and 6.5 the polynomial dips below the scale.
    mos.max(1.0) as f32
}

/// The greatest share of packets that may be lost, none of them recovered, for a score of `least` without delay; `None` when
/// the codec does not reach it.
#[must_use]
pub fn loss_for(codec: CodecId, least: f32) -> Option<f32> {
    let reaches = |loss| mos(rating(&Inputs { loss, ..Inputs::new(codec) }), band(codec)) >= least;
    if !reaches(0.0) {
        return None;
    }
    let (mut good, mut bad) = (0.0, 1.0);
    for _ in 0..16 {
        let middle = (good + bad) / 2.0;
        if reaches(middle) { good = middle } else { bad = middle }
    }
    Some(good)
}

/// The longest delay from mouth to ear for a score of `least` without loss; `None` when the codec does not reach it, or
/// reaches it with any delay there is.
#[must_use]
pub fn delay_for(codec: CodecId, least: f32) -> Option<Duration> {
    let after = |millis: u64| Inputs { one_way_delay: Duration::from_millis(millis), ..Inputs::new(codec) };
    let reaches = |millis: u64| mos(rating(&after(millis)), band(codec)) >= least;
    if !reaches(0) || reaches(LONGEST_DELAY) {
        return None;
    }
    let (mut good, mut bad) = (0, LONGEST_DELAY);
    while bad - good > 1 {
        let middle = u64::midpoint(good, bad);
        if reaches(middle) { good = middle } else { bad = middle }
    }
    Some(Duration::from_millis(good))
}

/// A rating on the scale of `band` as one of 0 to 100, on which the best connection of each band is 100.
#[must_use]
pub fn of_100(rating: f32, band: Band) -> f32 {
    (f64::from(rating) / Scale::of(band).stretch).clamp(0.0, 100.0) as f32
}

/// What differs between the bands.
struct Scale {
    /// R of a connection without delay, coding and loss: Ro − Is by default.
    best: f64,
    /// The impairment at which nothing of the speech is left (the 95 of G.107 §7.5, the 132 of G.107.2 §7.5).
    total_loss: f64,
    /// R of this scale over R of the narrowband scale for the same score.
    stretch: f64,
}

impl Scale {
    const fn of(band: Band) -> Self {
        match band {
            Band::Narrow => {
                Self { best: basic_signal_to_noise() - SIMULTANEOUS, total_loss: 95.0, stretch: 1.0 }
            }
            Band::Wide => Self { best: 129.0, total_loss: 95.0, stretch: 1.29 },
            Band::Full => Self { best: 148.0, total_loss: 132.0, stretch: 1.48 },
        }
    }

    /// Ie,eff (G.107 §7.5): coding and loss together.
    fn equipment_impairment(&self, inputs: &Inputs) -> f64 {
        let codec = Codec::of(inputs.codec, inputs.bitrate);
        let percent = inputs.percent();
        let burst_ratio = f64::from(in_range(inputs.burst_ratio, 1.0, LONGEST_BURST_RATIO, 1.0));
        let burst_ratio = 1.0 + codec.bursts * (burst_ratio - 1.0);
        let share = percent / (percent / burst_ratio + codec.robustness);
        codec.impairment + (self.total_loss - codec.impairment) * share
    }
}

/// Ro (G.107 §7.2).
const fn basic_signal_to_noise() -> f64 {
    15.0 - 1.5 * (SEND_LOUDNESS + NOISE)
}

/// Id (G.107 §7.4): talker echo, listener echo and pure delay.
///
/// Wideband and fullband terminals are taken to cancel their echo, so only the pure delay counts there; it is stretched as
/// the scale is, so that the same delay costs the same share of the score.
fn delay_impairment(one_way: Duration, band: Band) -> f64 {
    let millis = one_way.as_secs_f64() * 1e3;
    match band {
        Band::Narrow => talker_echo(millis) + listener_echo(2.0 * millis) + pure_delay(millis),
        Band::Wide | Band::Full => pure_delay(millis) * Scale::of(band).stretch,
    }
}

/// Idte (G.107 §7.4): hearing oneself after `millis` one way.
fn talker_echo(millis: f64) -> f64 {
    let t = millis;
    let loudness = TALKER_ECHO_LOUDNESS - 40.0 * ((1.0 + t / 10.0) / (1.0 + t / 150.0)).log10()
        + 6.0 * (-0.3 * t * t).exp();
    let with_echo = 80.0 + 2.5 * (loudness - 14.0);
    let without = -1.5 * (NOISE - RECEIVE_LOUDNESS);
    let excess = (without - with_echo) / 2.0;
    (excess + (excess * excess + 100.0).sqrt() - 1.0) * (1.0 - (-t).exp())
}

/// Idle (G.107 §7.4): hearing the other again after `round_trip` milliseconds.
fn listener_echo(round_trip: f64) -> f64 {
    let with_echo = 10.5 * (ECHO_PATH_LOSS + 7.0) * (round_trip + 1.0).powf(-0.25);
    let excess = (basic_signal_to_noise() - with_echo) / 2.0;
    excess + (excess * excess + 169.0).sqrt()
}

/// Idd (G.107 §7.4): talking over each other; nothing up to 100 ms.
fn pure_delay(millis: f64) -> f64 {
    if millis <= NOTICEABLE_DELAY {
        return 0.0;
    }
    let x = (millis / NOTICEABLE_DELAY).log2();
    25.0 * (sixth_mean(x) - 3.0 * sixth_mean(x / 3.0) + 2.0)
}

fn sixth_mean(x: f64) -> f64 {
    (1.0 + x.powi(6)).powf(1.0 / 6.0)
}

fn in_range(value: f32, low: f32, high: f32, otherwise: f32) -> f32 {
    if value.is_nan() { otherwise } else { value.clamp(low, high) }
}

/// SLR, dB (G.107 table 2).
const SEND_LOUDNESS: f64 = 8.0;
/// RLR, dB (G.107 table 2).
const RECEIVE_LOUDNESS: f64 = 2.0;
/// TELR, dB (G.107 table 2).
const TALKER_ECHO_LOUDNESS: f64 = 65.0;
/// WEPL, dB (G.107 table 2).
const ECHO_PATH_LOSS: f64 = 110.0;
/// No, dBm0p: the power sum of circuit noise, room noise on both sides and the noise floor, for the defaults of G.107
/// table 2 (G.107 §7.2).
const NOISE: f64 = -61.179_21;
/// Is for the defaults of G.107 table 2 (G.107 §7.3): loudness, sidetone and one quantizing distortion unit.
const SIMULTANEOUS: f64 = 1.413_6;
/// mT, ms (G.107 table 2): delay below which conversation does not suffer.
const NOTICEABLE_DELAY: f64 = 100.0;
/// Beyond this, one outage is all there is.
const LONGEST_BURST_RATIO: f32 = 1_000.0;
const BEST_MOS: f64 = 4.5;
/// In milliseconds: nobody calls that a conversation.
const LONGEST_DELAY: u64 = 4_000;
