//! What the playout was at after each 10 ms, as a row of numbers.

use core::fmt;

use rove_base::RtpTimestamp;
use rove_core::playout::PlayoutTrace;

/// One pull of 10 ms. Its [`Display`](fmt::Display) is a line of CSV under [`Row::HEADER`]. Samples are those of 48 kHz and
/// only grow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Row {
    /// When, in µs.
    pub t_us: u64,
    /// RTP timestamp just after the last sample of the pull; `None` before the first packet and in comfort noise.
    pub playout_ts: Option<u32>,
    /// How long a packet shall wait before it is played, in ms.
    pub target_ms: u64,
    /// How long packets did wait lately, in ms.
    pub filt_ms: u64,
    /// Sound that is held and not yet played, in ms.
    pub cur_ms: u64,
    /// Samples invented because nothing received could be played.
    pub concealed: u64,
    /// Samples taken out to shorten the delay.
    pub accel: u64,
    /// Samples put in to lengthen the delay.
    pub preempt: u64,
    /// Samples of comfort noise while the sender is silent on purpose.
    pub cng: u64,
    /// Whether concealment has faded to silence for the whole pull.
    pub muted: bool,
    /// Runs of concealment.
    pub conc_events: u64,
}

impl Row {
    /// The names of the columns.
    pub const HEADER: &'static str =
        "t_us,playout_ts,target_ms,filt_ms,cur_ms,concealed,accel,preempt,cng,muted,conc_events";

    /// `factor` samples of 48 kHz are one of the playout's.
    pub(super) fn new(t_us: u64, trace: &PlayoutTrace, factor: u64) -> Self {
        let millis = |time: core::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            t_us,
            playout_ts: trace.timestamp.map(|RtpTimestamp(timestamp)| timestamp),
            target_ms: millis(trace.target),
            filt_ms: millis(trace.filtered),
            cur_ms: millis(trace.level),
            concealed: trace.concealed.saturating_mul(factor),
            accel: trace.accelerated.saturating_mul(factor),
            preempt: trace.preempted.saturating_mul(factor),
            cng: trace.comfort_noise.saturating_mul(factor),
            muted: false,
            conc_events: trace.concealment_events,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { t_us, target_ms, filt_ms, cur_ms, concealed, accel, preempt, cng, conc_events, .. } = self;
        let playout_ts = self.playout_ts.map_or(-1, i64::from);
        let muted = u8::from(self.muted);
        write!(
            f,
            "{t_us},{playout_ts},{target_ms},{filt_ms},{cur_ms},{concealed},{accel},{preempt},{cng},{muted},{conc_events}"
        )
    }
}
