//! When reports are sent.

use core::time::Duration;

use rove_base::Instant;

/// When the next report is due (RFC 4585 §3.5.2; the names of the clause in brackets).
pub(super) struct Timing {
    /// The next regular report [tn].
    pub(super) next: Instant,
    /// The last regular one, or the start [tp].
    pub(super) last: Instant,
    /// The present interval [T_rr].
    pub(super) interval: Duration,
    pub(super) early_allowed: bool,
    /// The last report told of no loss.
    pub(super) clean: bool,
}

impl Timing {
    /// A report was sent; a regular one is followed by the next after `interval`.
    pub(super) fn sent(&mut self, now: Instant, interval: Duration) {
        if now < self.next {
            // An early one: the regular one that it stands for is left out.
            self.early_allowed = false;
            self.next = (self.last + self.interval.saturating_mul(2)).max(now);
            return;
        }
        self.early_allowed = true;
        (self.last, self.interval, self.next) = (now, interval, now + interval);
    }
}
