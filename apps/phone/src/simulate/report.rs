//! What a simulated call has to tell, with stable keys for machines.

use core::time::Duration;

use rove_base::{Instant, Quality};
use rove_core::send::SendState;
use serde::Serialize;

/// One simulated call. What was not measured is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Simulated {
    /// What decided everything left to chance.
    pub seed: u64,
    /// What the link did to the media, known from the link alone.
    pub truth: Path,
    /// The same, as the receiving end measured it.
    pub reported: Path,
    /// RTP payload sent, all redundancy included, mean over the call, in kb/s.
    pub bitrate_kbps: Option<f64>,
    /// From the arrival of a packet to its playing, over all that were played.
    pub playout_delay_ms: Delay,
    /// Share of the played time that was invented because no packet was there, in percent.
    pub concealed_percent: Option<f64>,
    /// Listening quality by the E-model, 1 to 5.
    pub mos_lq: Option<f64>,
    /// Conversational quality by the E-model, 1 to 5.
    pub mos: Option<f64>,
    /// The band the scores are meant for.
    pub mos_band: String,
    /// The codec.
    pub codec: String,
    /// How long was spoken, in s.
    pub seconds: f64,
    /// Mouth to ear, in ms, as the receiving end measured it.
    pub mouth_to_ear_ms: Option<f64>,
    /// Packets that came too late to be played.
    pub late: u64,
    /// Share of the played time taken out or put in to move the delay, in percent.
    pub stretched_percent: Option<f64>,
    /// Frames that were lost and recovered, by what told them.
    pub recovered: Recovered,
    /// Each second of the call, as the receiving end measured it.
    pub quality: Vec<Second>,
}

/// Frames that were lost and played all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Recovered {
    /// From a full copy (RFC 2198).
    pub red: u64,
    /// From the in-band redundancy of the packet after.
    pub inband: u64,
    /// From deep redundancy.
    pub deep: u64,
}

/// What became of the media packets of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Path {
    /// Packets sent.
    pub sent: Option<u64>,
    /// Packets that arrived.
    pub delivered: Option<u64>,
    /// Packets that did not.
    pub lost: Option<u64>,
    /// Lost over sent, in percent.
    pub loss_percent: Option<f64>,
    /// Packets per run of consecutive losses.
    pub mean_burst: Option<f64>,
    /// Interarrival jitter, the mean over the call of what RFC 3550 §6.4.1 has a running mean of, in ms.
    pub jitter_ms: Option<f64>,
    /// Mean time on the way, queueing included, in ms.
    pub delay_ms: Option<f64>,
}

/// A delay over many packets, in ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Delay {
    /// Its mean.
    pub mean: Option<f64>,
    /// What 95 of 100 packets do not exceed.
    pub p95: Option<f64>,
}

/// The figures of one second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Second {
    /// Seconds since the start of the call.
    pub at_s: f64,
    /// Packets lost in this second, in percent.
    pub loss_percent: Option<f64>,
    /// Interarrival jitter, in ms.
    pub jitter_ms: Option<f64>,
    /// How long packets waited before they were played, in ms.
    pub playout_delay_ms: Option<f64>,
    /// Mouth to ear, in ms.
    pub mouth_to_ear_ms: Option<f64>,
    /// Share of the time played so far that was invented, in percent.
    pub concealed_percent: Option<f64>,
    /// Conversational quality, 1 to 5.
    pub mos: Option<f64>,
    /// How the other end protects what it sends, as far as that is known here.
    pub scheme: Option<String>,
    /// What it asks of its codec, in kb/s.
    pub codec_kbps: Option<f64>,
    /// Duration of a packet it sends, in ms.
    pub packet_time_ms: Option<f64>,
}

impl Path {
    /// What a receiving end knows of the way to it.
    pub(super) fn reported(quality: &Quality) -> Self {
        let lost = quality.lost_of_sent();
        let expected = quality.received + lost;
        Self {
            sent: quality.sent_by_peer,
            delivered: Some(quality.received),
            lost: Some(lost),
            loss_percent: (expected > 0).then(|| lost as f64 * 100.0 / expected as f64),
            mean_burst: quality.mean_burst.map(f64::from),
            jitter_ms: quality.mean_jitter.map(millis),
            delay_ms: quality.one_way.map(millis),
        }
        .rounded()
    }

    /// As many digits as mean something: a microsecond, a thousandth of a packet.
    pub(super) fn rounded(self) -> Self {
        let round = |value: Option<f64>| value.map(thousandths);
        Self {
            loss_percent: round(self.loss_percent),
            mean_burst: round(self.mean_burst),
            jitter_ms: round(self.jitter_ms),
            delay_ms: round(self.delay_ms),
            ..self
        }
    }
}

impl Second {
    pub(crate) fn new(start: Instant, quality: &Quality) -> Self {
        Self {
            at_s: thousandths(quality.at.since(start).as_secs_f64()),
            loss_percent: quality.interval_loss.map(percent),
            jitter_ms: quality.jitter.map(millis),
            playout_delay_ms: quality.playout_delay.map(millis),
            mouth_to_ear_ms: quality.mouth_to_ear.map(millis),
            concealed_percent: quality.concealed.map(percent),
            mos: quality.mos.map(score),
            scheme: None,
            codec_kbps: None,
            packet_time_ms: None,
        }
    }

    /// With how the other end sends.
    pub(super) fn sent(self, state: &SendState) -> Self {
        Self {
            scheme: Some(state.scheme.to_string()),
            codec_kbps: state.codec_bitrate.map(|bits| thousandths(f64::from(bits) / 1_000.0)),
            packet_time_ms: Some(millis(state.packet_time)),
            ..self
        }
    }
}

/// Waits of played packets, each in µs.
#[derive(Debug, Default)]
pub(crate) struct Waits(Vec<u32>);

impl Waits {
    /// So many packets waited so long together.
    pub(crate) fn add(&mut self, packets: u64, together: Duration) {
        let Ok(count @ 1..) = u32::try_from(packets) else { return };
        let each = u32::try_from((together / count).as_micros()).unwrap_or(u32::MAX);
        self.0.extend(core::iter::repeat_n(each, count as usize));
    }

    pub(crate) fn delay(mut self) -> Delay {
        self.0.sort_unstable();
        let sum: u64 = self.0.iter().map(|wait| u64::from(*wait)).sum();
        let count = self.0.len();
        let p95 = (count * 95).div_ceil(100).checked_sub(1).and_then(|rank| self.0.get(rank));
        Delay {
            mean: (count > 0).then(|| thousandths(sum as f64 / count as f64 / 1_000.0)),
            p95: p95.map(|wait| thousandths(f64::from(*wait) / 1_000.0)),
        }
    }
}

pub(crate) fn millis(time: Duration) -> f64 {
    thousandths(time.as_secs_f64() * 1_000.0)
}

pub(crate) fn percent(share: f32) -> f64 {
    thousandths(f64::from(share) * 100.0)
}

pub(crate) fn score(mos: f32) -> f64 {
    thousandths(f64::from(mos))
}

pub(crate) fn thousandths(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_waits_five_are_longer_than_the_95th_percentile() {
        let mut waits = Waits::default();
        for wait in 1..=50 {
            waits.add(2, Duration::from_millis(2 * wait));
        }
        waits.add(0, Duration::from_secs(9));
        assert_eq!(waits.delay(), Delay { mean: Some(25.5), p95: Some(48.0) });
        assert_eq!(Waits::default().delay(), Delay { mean: None, p95: None });
    }
}
