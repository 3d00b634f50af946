//! What the playout counted, handed from the audio callback to whoever reports.

use core::time::Duration;

use rove_base::Instant;

/// Counts since the start of a playout, all of them only growing unless said otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PlayoutMeter {
    /// When the first decoded sample was played; `None` until then.
    pub first_played: Option<Instant>,
    /// Samples handed out since then, of every kind.
    pub played: u64,
    /// Of these, samples invented because a packet was lost or late.
    pub concealed: u64,
    /// Of these, samples invented because the sender was silent on purpose (discontinuous transmission).
    pub silence: u64,
    /// Of these, samples invented since the packets ran out. When the next packet shows why they did, these move to
    /// `concealed` or to `silence` and this becomes zero.
    pub starving: u64,
    /// Samples received and put in line, in whatever form they came.
    pub decoded: u64,
    /// Samples taken out of what was received, to shorten the delay.
    pub accelerated: u64,
    /// Samples put in between, to lengthen the delay.
    pub preempted: u64,
    /// Packets decoded.
    pub decoded_packets: u64,
    /// Frames whose packet was lost or late and that were decoded from a full copy in a later one (RFC 2198).
    pub recovered_red: u64,
    /// Frames recovered from the in-band redundancy of the packet after them.
    pub recovered_inband: u64,
    /// Frames recovered from deep redundancy, further back.
    pub recovered_deep: u64,
    /// Packets that the decoder refused.
    pub undecodable: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets that came in order and were left out, because their time was over or the delay too long.
    pub discarded: u64,
    /// Packets of a payload type that means nothing to this playout.
    pub foreign: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets far from where the stream is, not believed.
    pub strays: u64,
    /// Times the timeline was laid anew: the stream restarted or the path's delay changed.
    pub rebased: u64,
    /// Sum, over `decoded_packets`, of the time from arrival to the playing of the first sample.
    pub waited: Duration,
    /// How long a packet that came as fast as any shall wait now; not a count.
    pub target: Duration,
    /// The bounds within which `target` may move; not counts.
    pub least: Duration,
    /// See [`PlayoutMeter::least`].
    pub most: Duration,
    /// How slow the sender's clock is against ours in parts per million, negative for a fast one; not a count.
    pub drift_ppm: i16,
}

impl PlayoutMeter {
    /// Mean time from arrival to playing of the packets decoded since `earlier`; `None` when there were none.
    #[must_use]
    pub fn mean_wait_since(&self, earlier: &Self) -> Option<Duration> {
        let packets = u32::try_from(self.decoded_packets.saturating_sub(earlier.decoded_packets)).ok()?;
        self.waited.saturating_sub(earlier.waited).checked_div(packets)
    }

    /// Share of the played time that was invented for want of packets, 0 to 1; `None` before the first sample.
    ///
    /// `starving` counts as well: while packets are out and nothing tells why, the listener hears none.
    #[must_use]
    pub fn concealed_share(&self) -> Option<f32> {
        share(self.concealed.saturating_add(self.starving), self.played)
    }

    /// The same for what was played since `earlier`; `None` when nothing was.
    #[must_use]
    pub fn concealed_share_since(&self, earlier: &Self) -> Option<f32> {
        let unheard = |meter: &Self| meter.concealed.saturating_add(meter.starving);
        let played = self.played.saturating_sub(earlier.played);
        share(unheard(self).saturating_sub(unheard(earlier)), played).map(|share| share.min(1.0))
    }

    /// The same, as known: without [`PlayoutMeter::starving`], for a stream that has ended.
    #[must_use]
    pub fn settled_share(&self) -> Option<f32> {
        share(self.concealed, self.played.saturating_sub(self.starving))
    }
}

fn share(part: u64, whole: u64) -> Option<f32> {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a ratio, not a count")]
    (whole > 0).then(|| (part as f64 / whole as f64) as f32)
}
