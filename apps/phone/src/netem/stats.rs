//! What a link did, counted where it did it.

use core::time::Duration;

/// What one direction of a link did to the datagrams given to it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkStats {
    /// Datagrams given to it.
    pub sent: u64,
    /// Their bytes, IP and UDP headers included.
    pub sent_bytes: u64,
    /// Datagrams that arrive, copies not counted.
    pub delivered: u64,
    /// Copies that arrive beside.
    pub duplicated: u64,
    /// Lost on the way.
    pub lost: u64,
    /// Dropped by a full queue.
    pub dropped: u64,
    /// Sent while it was cut.
    pub cut: u64,
    /// Arrived after one that was sent later, copies not counted.
    pub reordered: u64,
    /// Runs of consecutive losses on the way.
    pub bursts: u64,
    /// The longest of them, in datagrams.
    pub longest_burst: u64,
    run: u64,
    shortest: Option<Duration>,
    longest: Duration,
    delay_sum: f64,
    delay_squares: f64,
}

impl LinkStats {
    pub(super) fn channel(&mut self, lost: bool) {
        if !lost {
            self.run = 0;
            return;
        }
        self.lost += 1;
        self.run += 1;
        self.bursts += u64::from(self.run == 1);
        self.longest_burst = self.longest_burst.max(self.run);
    }

    pub(super) fn arrival(&mut self, delay: Duration) {
        self.delivered += 1;
        self.shortest = Some(self.shortest.map_or(delay, |shortest| shortest.min(delay)));
        self.longest = self.longest.max(delay);
        self.delay_sum += delay.as_secs_f64();
        self.delay_squares += delay.as_secs_f64() * delay.as_secs_f64();
    }

    /// Share of the datagrams that do not arrive, for whatever reason. `None` when none was sent.
    #[must_use]
    pub fn loss(&self) -> Option<f64> {
        (self.sent > 0).then(|| 1.0 - self.delivered as f64 / self.sent as f64)
    }

    /// Mean run of consecutive losses on the way, in datagrams. `None` when none was lost.
    #[must_use]
    pub fn mean_burst(&self) -> Option<f64> {
        (self.bursts > 0).then(|| self.lost as f64 / self.bursts as f64)
    }

    /// Mean time from sending to arrival, queueing included. `None` when nothing arrived.
    #[must_use]
    pub fn mean_delay(&self) -> Option<Duration> {
        (self.delivered > 0).then(|| Duration::from_secs_f64(self.delay_sum / self.delivered as f64))
    }

    /// Standard deviation of that time. `None` when nothing arrived.
    #[must_use]
    pub fn delay_deviation(&self) -> Option<Duration> {
        let count = self.delivered as f64;
        let mean = self.delay_sum / count;
        let variance = (self.delay_squares / count - mean * mean).max(0.0);
        (self.delivered > 0).then(|| Duration::from_secs_f64(variance.sqrt()))
    }

    /// Shortest time from sending to arrival. `None` when nothing arrived.
    #[must_use]
    pub const fn shortest_delay(&self) -> Option<Duration> {
        self.shortest
    }

    /// Longest time from sending to arrival. `None` when nothing arrived.
    #[must_use]
    pub fn longest_delay(&self) -> Option<Duration> {
        (self.delivered > 0).then_some(self.longest)
    }
}
