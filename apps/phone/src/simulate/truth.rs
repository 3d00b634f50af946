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
    /// Interarrival jitter, in ms.
    jitter: Option<f64>,
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

    /// A packet arrived; called in the order of arrival. The jitter is that of RFC 3550 §6.4.1, from true times.
    pub(super) fn arrived(&mut self, sent: Instant, at: Instant) {
        let delay = at.since(sent).as_secs_f64() * 1_000.0;
        self.delivered += 1;
        self.delays += delay;
        if let Some(last) = self.last.replace(delay) {
            let jitter = self.jitter.get_or_insert(0.0);
            *jitter += ((delay - last).abs() - *jitter) / 16.0;
        }
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
            jitter_ms: self.jitter,
            delay_ms: (self.delivered > 0).then(|| self.delays / self.delivered as f64),
        }
    }
}
