//! What a playout was at, for those who draw or compare it.

use core::time::Duration;

use rove_base::RtpTimestamp;

/// The state of a playout after one pull. Samples are those of [`Playout::pull`](super::Playout::pull) and only grow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PlayoutTrace {
    /// Media time just after the last sample of the pull; it goes on while concealing. `None` before the first packet and in
    /// comfort noise.
    pub timestamp: Option<RtpTimestamp>,
    /// How long a packet shall wait before it is played.
    pub target: Duration,
    /// How long packets did wait lately.
    pub filtered: Duration,
    /// Media time that is held and not yet played.
    pub level: Duration,
    /// Invented because nothing received could be played.
    pub concealed: u64,
    /// Taken out to shorten the delay, in speech and in silence.
    pub accelerated: u64,
    /// Put in to lengthen the delay, in speech and in silence.
    pub preempted: u64,
    /// Comfort noise while the sender is silent on purpose.
    pub comfort_noise: u64,
    /// Runs of concealment.
    pub concealment_events: u64,
}
