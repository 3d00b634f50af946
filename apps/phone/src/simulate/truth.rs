//! What really happened to the media of one direction, known from the link alone.

use rove_base::Instant;

use super::report::Path;

/// Follows each media packet of one direction from its sending to its arrival.
#[derive(Debug, Default)]
pub(super) struct Truth {
    sent: u64,
    delivered: u64,
    bursts: u64,
    /// Whether the packet sent last is lost.
    losing: bool,
    /// Sum of the delays of all that arrived, in ms.
    delays: f64,
    /// Delay of the packet that arrived last, in ms.
    last: Option<f64>,
    /// Sum of the differences between the delays of packets that arrive one after the other, in ms.
    differences: f64,
    /// Bytes of RTP payload sent.
    payload: u64,
}

impl Truth {
    /// A packet with so many bytes of payload was sent, and will arrive or not.
    pub(super) fn sent(&mut self, payload: usize, arrives: bool) {
        self.sent += 1;
        self.payload += payload as u64;
        self.bursts += u64::from(!arrives && !self.losing);
        self.losing = !arrives;
    }

    /// A packet arrived; called in the order of arrival.
    pub(super) fn arrived(&mut self, sent: Instant, at: Instant) {
        let delay = at.since(sent).as_secs_f64() * 1_000.0;
        self.delivered += 1;
        self.delays += delay;
        self.differences += self.last.replace(delay).map_or(0.0, |last| (delay - last).abs());
    }

    /// Bytes of RTP payload sent.
    pub(super) const fn payload(&self) -> u64 {
        self.payload
    }

    pub(super) fn path(&self) -> Path {
        let lost = self.sent - self.delivered;
        Path {
            sent: Some(self.sent),
            delivered: Some(self.delivered),
            lost: Some(lost),
            loss_percent: (self.sent > 0).then(|| lost as f64 * 100.0 / self.sent as f64),
            mean_burst: (self.bursts > 0).then(|| lost as f64 / self.bursts as f64),
            jitter_ms: (self.delivered > 1).then(|| self.differences / (self.delivered - 1) as f64),
            delay_ms: (self.delivered > 0).then(|| self.delays / self.delivered as f64),
        }
    }
}
