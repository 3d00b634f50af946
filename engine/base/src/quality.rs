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

/// How the received stream is, as measured. What was not measured yet is `None`, never a likely value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// When this was put together.
    pub at: Instant,
    /// Packets sent since the start.
    pub sent: u64,
    /// Packets received since the start, duplicates and the unusable not counted.
    pub received: u64,
    /// Packets expected less packets received since the start (RFC 3550 §6.4.1; duplicates cannot make it negative).
    pub lost: u64,
    /// Packets that came too late to be played, since the start.
    pub late: u64,
    /// Packets lost over packets expected in the last interval, 0 to 1.
    pub interval_loss: Option<f32>,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Option<Duration>,
    /// Round-trip time from reception reports (RFC 3550 §6.4.1).
    pub round_trip: Option<Duration>,
    /// Mean time a packet waited here before it was played, over the last interval.
    pub playout_delay: Option<Duration>,
    /// Mouth to ear: half the round trip, packet time, codec look-ahead and playout delay.
    pub mouth_to_ear: Option<Duration>,
    /// Share of played time that was concealed since the start, 0 to 1.
    pub concealed: Option<f32>,
    /// Transmission rating R of the E-model for `band`.
    pub rating: Option<f32>,
    /// Conversational quality, 1 to 5, from `rating`.
    pub mos: Option<f32>,
    /// Listening quality, 1 to 5: the same without delay.
    pub mos_lq: Option<f32>,
    /// The band the scores are meant for.
    pub band: Band,
}
