//! What the counts of [`ReceiveStats`] amount to.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use super::{
    fate::Settled,
    gaps::BurstGap,
    one_way::Delays,
    receive::{ReceiveStats, State},
};

impl ReceiveStats {
    /// Packets that the peer has sent, by its own count or by the numbers that came, if those say more; `None` before its
    /// first report. Less [`ReceiveStats::received`] it is what was lost or is on its way, the very first and the very last
    /// packets included.
    #[must_use]
    pub fn sent_by_peer(&self) -> Option<u64> {
        (self.sent.packets().is_some() || self.sent_before > 0)
            .then(|| self.sent_before.saturating_add(self.sent_by_source()))
    }

    /// Interarrival jitter, the running mean (RFC 3550 §6.4.1); `None` before two packets of a source have arrived.
    #[must_use]
    pub fn jitter(&self) -> Option<Duration> {
        self.jitter.duration()
    }

    /// The mean over all packets of what [`ReceiveStats::jitter`] is a running mean of.
    #[must_use]
    pub fn mean_jitter(&self) -> Option<Duration> {
        self.jitter.mean()
    }

    /// Delays one way, which are what they claim to be only where both ends read the same clock; `None` before the peer's
    /// first sender report.
    #[must_use]
    pub fn one_way(&self) -> Option<Delays> {
        self.one_way.delays()
    }

    /// How losses cluster (BurstR of ITU-T G.107 §7.5): 1 when they are independent, more when they come in bursts.
    /// `None` while nothing was lost.
    #[must_use]
    pub fn burst_ratio(&self) -> Option<f32> {
        self.settled_all().runs.ratio()
    }

    /// Mean length of the runs of lost packets, those before the first one that came included. With `over` the stream has
    /// ended, so that what was sent and did not come yet is lost. `None` while nothing was lost.
    #[must_use]
    pub fn mean_burst(&self, over: bool) -> Option<f32> {
        let mut runs = self.settled_all().runs;
        let (first, tail) = self.outside();
        runs.precede(first);
        if over {
            runs.settle(false, tail);
        }
        runs.mean()
    }

    /// The duration of one packet; `None` before two packets that follow each other have come.
    #[must_use]
    pub fn packet_time(&self) -> Option<Duration> {
        self.one_way.packet_ticks().map(|ticks| self.clock.duration(ticks))
    }

    /// Bits per second of speech payload while there is speech: mean size of packets over their duration. `None` before
    /// both are known.
    #[must_use]
    pub fn bitrate(&self) -> Option<u32> {
        let seconds = self.packet_time()?.as_secs_f64();
        let (packets, bytes) = self.payloads;
        (packets > 0).then(|| (8.0 * bytes as f64 / (packets as f64 * seconds)) as u32)
    }

    /// Mean bytes of speech in a packet; `None` before there was any.
    #[must_use]
    pub fn mean_payload(&self) -> Option<usize> {
        let (packets, bytes) = self.payloads;
        bytes.checked_div(packets).and_then(|mean| usize::try_from(mean).ok())
    }

    /// Bursts and gaps (RFC 3611 §4.7.2); `None` before the duration of a packet is known.
    #[must_use]
    pub fn burst_gap(&self) -> Option<BurstGap> {
        self.packet_time().map(|time| self.settled_all().gaps.figures(time))
    }

    /// What is settled, and what is open as it stands.
    fn settled_all(&self) -> Settled {
        let mut settled = self.settled;
        if let State::Running(sequence) = &self.state {
            sequence.settle(&mut settled);
        }
        settled
    }

    /// Packets that the peer sent before the first one that came, and after the last.
    fn outside(&self) -> (u64, u64) {
        let State::Running(sequence) = &self.state else { return (0, 0) };
        let known = self.counts().less(self.before_source).expected;
        let sent = self.sent.packets().unwrap_or(0);
        let first = self.sent.before(sequence.first()).min(sent);
        (first, sent.saturating_sub(known).saturating_sub(first))
    }

    /// Packets that the present source has sent, at least.
    pub(super) fn sent_by_source(&self) -> u64 {
        let counts = self.counts().less(self.before_source);
        let (first, _) = self.outside();
        self.sent.packets().unwrap_or(0).max(counts.expected.saturating_add(first))
    }
}
