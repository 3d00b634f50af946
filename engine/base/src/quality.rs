//! What the engine tells signalling, once a second.

use core::time::Duration;

use crate::Instant;

/// The audio band a score is meant for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Band {
    /// 300–3 400 Hz (ITU-T G.107).
    Narrow,
    /// 50–7 000 Hz (ITU-T G.107.1).
    Wide,
    /// 20–20 000 Hz (ITU-T G.107.2).
    Full,
}

impl Band {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Narrow => "narrowband",
            Self::Wide => "wideband",
            Self::Full => "fullband",
        }
    }
}

/// Packets of one stretch of time, exactly; sums over stretches may count a packet twice that came in the one after its own.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PacketCounts {
    /// Packets that should have come.
    pub expected: u64,
    /// Packets that came, duplicates not counted.
    pub received: u64,
    /// Packets that should have come and did not.
    pub lost: u64,
    /// Packets that came again.
    pub duplicates: u64,
    /// Packets that came and could not be played, mostly for being late.
    pub discarded: u64,
    /// Packets that came changed, as their protection shows (RFC 3711 §3.3); none where packets are not protected: then the
    /// checksum of UDP drops them unseen.
    pub broken: u64,
}

/// Where the delay of the network in [`Quality::mouth_to_ear`] is from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DelayBasis {
    /// Measured one way: both ends read the same clock (RFC 7273).
    SharedClock,
    /// Half of the round trip, as if both ways were alike.
    HalfRoundTrip,
}

/// How the received stream is, as measured. What was not measured yet is `None`, never a likely value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// When this was put together.
    pub at: Instant,
    /// Packets sent since the start.
    pub sent: u64,
    /// Packets that the peer has sent since its start, by its own reports; `None` before the first. What it sent last may
    /// still be on its way.
    pub sent_by_peer: Option<u64>,
    /// Packets received since the start, duplicates and the unusable not counted.
    pub received: u64,
    /// Packets expected less packets received since the start, from the first that came to the last (RFC 3550 §6.4.1;
    /// duplicates cannot make it negative). [`Quality::lost_of_sent`] knows those before and after as well.
    pub lost: u64,
    /// Packets that came twice or more since the start, each time but the first.
    pub duplicates: u64,
    /// Packets that came too late to be played, since the start.
    pub late: u64,
    /// Packets that came and were not played, since the start: the late, and those left out to shorten the delay.
    pub discarded: u64,
    /// The packets of the last interval; in a summary those of the whole call.
    pub interval: PacketCounts,
    /// Packets lost over packets expected in the last interval, 0 to 1; `None` in a summary.
    pub interval_loss: Option<f32>,
    /// Mean length of the runs of lost packets since the start; `None` while nothing was lost.
    pub mean_burst: Option<f32>,
    /// Interarrival jitter, a running mean (RFC 3550 §6.4.1).
    pub jitter: Option<Duration>,
    /// The mean over all packets of what `jitter` is a running mean of.
    pub mean_jitter: Option<Duration>,
    /// Round-trip time from reception reports (RFC 3550 §6.4.1).
    pub round_trip: Option<Duration>,
    /// Delay of the network from the peer to here, the mean of the last interval; in a summary that of the call. `None`
    /// unless both ends read the same clock (RFC 7273).
    pub one_way: Option<Duration>,
    /// The least and the most that `one_way` was for a packet, since the start.
    pub one_way_range: Option<(Duration, Duration)>,
    /// What the network's part of `mouth_to_ear` is.
    pub delay_basis: Option<DelayBasis>,
    /// Mean time a packet waited here before it was played, over the last interval.
    pub playout_delay: Option<Duration>,
    /// Mouth to ear: the network's delay, packet time, codec look-ahead and playout delay.
    pub mouth_to_ear: Option<Duration>,
    /// Share of played time that was concealed since the start, 0 to 1.
    pub concealed: Option<f32>,
    /// Transmission rating R of the E-model for `band`.
    pub rating: Option<f32>,
    /// The same without delay.
    pub rating_lq: Option<f32>,
    /// Conversational quality, 1 to 5, from `rating`.
    pub mos: Option<f32>,
    /// Listening quality, 1 to 5, from `rating_lq`.
    pub mos_lq: Option<f32>,
    /// The band the scores are meant for.
    pub band: Band,
}

impl Quality {
    /// Before anything was measured.
    #[must_use]
    pub fn nothing(at: Instant, band: Band) -> Self {
        Self {
            at,
            sent: 0,
            sent_by_peer: None,
            received: 0,
            lost: 0,
            duplicates: 0,
            late: 0,
            discarded: 0,
            interval: PacketCounts::default(),
            interval_loss: None,
            mean_burst: None,
            jitter: None,
            mean_jitter: None,
            round_trip: None,
            one_way: None,
            one_way_range: None,
            delay_basis: None,
            playout_delay: None,
            mouth_to_ear: None,
            concealed: None,
            rating: None,
            rating_lq: None,
            mos: None,
            mos_lq: None,
            band,
        }
    }

    /// Packets of the interval that came changed, over all that came; `None` when none came.
    #[must_use]
    pub fn broken_share(&self) -> Option<f32> {
        let PacketCounts { received, broken, .. } = self.interval;
        let came = received.saturating_add(broken);
        #[expect(clippy::cast_precision_loss, reason = "a ratio, not a count")]
        let share = || broken as f32 / came as f32;
        (came > 0).then(share)
    }

    /// One-way delay of the path to here without its jitter, as well as it is known: the least that was measured where both
    /// ends read the same clock, else half of the round trip. `None` before either was measured.
    #[must_use]
    pub fn path_delay(&self) -> Option<Duration> {
        self.one_way_range
            .map(|(least, _)| least)
            .or(self.round_trip.map(|there_and_back| there_and_back / 2))
    }

    /// Packets that the peer sent and that did not come: those before the first and after the last included, as far as the
    /// peer told how many it sent. Exact once the stream is over and the peer's last report has come.
    #[must_use]
    pub fn lost_of_sent(&self) -> u64 {
        self.sent_by_peer.map_or(self.lost, |sent| sent.saturating_sub(self.received))
    }
}
